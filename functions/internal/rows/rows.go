// Package rows reads the rows that the table's stream brings: keys, and the record in a row. It knows the table's form
// (docs/store.md) and nothing of what is in it.
package rows

import (
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// Row is where a row stands.
type Row struct {
	Partition string // of AWS: aws, aws-cn, aws-us-gov
	Machine   string
	Sort      string // its sort key
}

// Of is where a record's row stands. One that is not of a machine of this account and Region is a fault.Invalid.
func Of(r events.DynamoDBEventRecord, account, region string) (Row, error) {
	arn := strings.SplitN(r.EventSourceArn, ":", 4)
	if r.EventSource != "aws:dynamodb" || len(arn) < 4 {
		return Row{}, fault.New(fault.Invalid, "reading a record: its source is %q, expected aws:dynamodb", r.EventSource)
	}
	pk, sk := r.Change.Keys["pk"], r.Change.Keys["sk"]
	if pk.DataType() != events.DataTypeString || sk.DataType() != events.DataTypeString {
		return Row{}, fault.New(fault.Invalid, "reading a record: it has not the table's keys")
	}
	machine, ok := strings.CutPrefix(pk.String(), account+"#"+region+"#machine#")
	if !ok || machine == "" {
		return Row{}, fault.New(fault.Invalid, "reading a record: its row is not of a machine of this account and Region")
	}
	return Row{Partition: arn[1], Machine: machine, Sort: sk.String()}, nil
}

// New is the record in the row as it was written; Old is what it was before.
func New[T any](r events.DynamoDBEventRecord) (T, error) { return decoded[T](r.Change.NewImage) }

// Old is the record in the row before it was written.
func Old[T any](r events.DynamoDBEventRecord) (T, error) { return decoded[T](r.Change.OldImage) }

func decoded[T any](image map[string]events.DynamoDBAttributeValue) (v T, err error) {
	var text []byte
	switch doc, ok := image["doc"]; {
	case ok && doc.DataType() == events.DataTypeString:
		text = []byte(doc.String())
	case ok && doc.DataType() == events.DataTypeBinary:
		text, err = record.Unpack(doc.Binary())
	default:
		return v, fault.New(fault.Invalid, "reading a record: its row has no doc")
	}
	if err == nil {
		v, err = record.Decode[T](text)
	}
	if err != nil {
		return v, fault.Wrap(fault.Invalid, err, "reading a record: its doc is none")
	}
	return v, nil
}
