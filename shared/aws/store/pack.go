package store

import (
	"bytes"
	"compress/gzip"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/keyward/keyward/shared/record"
)

// packFrom is the length from which a record is compressed: evidence of a machine that says a lot would
// else not fit into the 400 KB that DynamoDB takes. Short ones stay readable in the console.
const packFrom = 16 << 10

// packed is a record as an attribute: text, or gzip when it is long.
func packed(doc []byte) types.AttributeValue {
	if len(doc) < packFrom {
		return str(string(doc))
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(doc) // a buffer takes everything
	w.Close()
	return &types.AttributeValueMemberB{Value: b.Bytes()}
}

func unpacked(v types.AttributeValue) ([]byte, error) {
	switch doc := v.(type) {
	case *types.AttributeValueMemberS:
		return []byte(doc.Value), nil
	case *types.AttributeValueMemberB:
		return record.Unpack(doc.Value)
	default:
		return nil, errors.New("it has no doc")
	}
}
