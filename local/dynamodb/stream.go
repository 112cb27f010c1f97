package dynamodb

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/keyward/keyward/local/dynamodb/expression"
)

// Stream is what a table tells of its changes. The zero value tells nothing.
type Stream struct {
	View string // KEYS_ONLY, NEW_IMAGE, OLD_IMAGE or NEW_AND_OLD_IMAGES; "" for no stream
	ARN  string
	// Feed gets each change in the order in which they were made, as one shard has them. It must not wait, and must not
	// call the DB.
	Feed func(Change)
}

// Change is one record of a stream.
type Change struct {
	Sequence string // a number that only grows, in 21 digits
	At       time.Time
	Body     json.RawMessage // as Lambda hands it on
}

// views are the images that a view has: the new one, the old one.
var views = map[string][2]bool{
	"KEYS_ONLY": {}, "NEW_IMAGE": {true, false}, "OLD_IMAGE": {false, true}, "NEW_AND_OLD_IMAGES": {true, true},
}

func (s Stream) check() error {
	if _, known := views[s.View]; s.View != "" && (!known || s.ARN == "" || s.Feed == nil) {
		return fmt.Errorf("its stream has the view %q and the ARN %q, want one of KEYS_ONLY, NEW_IMAGE, OLD_IMAGE, NEW_AND_OLD_IMAGES, and somebody who listens", s.View, s.ARN)
	}
	return nil
}

// streamed is a record as Lambda hands it on ("Using AWS Lambda with Amazon DynamoDB").
type streamed struct {
	EventID        string        `json:"eventID"`
	EventName      string        `json:"eventName"`
	EventVersion   string        `json:"eventVersion"`
	EventSource    string        `json:"eventSource"`
	AWSRegion      string        `json:"awsRegion"`
	DynamoDB       streamedItem  `json:"dynamodb"`
	EventSourceARN string        `json:"eventSourceARN"`
	UserIdentity   *userIdentity `json:"userIdentity,omitempty"`
}

type streamedItem struct {
	ApproximateCreationDateTime int64
	Keys                        Item
	NewImage                    Item `json:",omitempty"`
	OldImage                    Item `json:",omitempty"`
	SequenceNumber              string
	SizeBytes                   int
	StreamViewType              string
}

// userIdentity says that DynamoDB itself deleted an item that had expired.
type userIdentity struct {
	Type        string `json:"type"`
	PrincipalID string `json:"principalId"`
}

// tell puts a change into the table's stream; what changes nothing is not in it. The caller holds the lock.
func (db *DB) tell(t *table, was, is Item, expired bool) {
	if t.Stream.View == "" || reflect.DeepEqual(was, is) {
		return
	}
	now := db.clock.Now()
	db.sequence = max(db.sequence+1, now.UnixNano()) // virtual time only grows, so that a saved stream goes on
	images := views[t.Stream.View]
	record := streamed{
		EventID: eventID(), EventVersion: "1.1", EventSource: "aws:dynamodb", AWSRegion: db.region, EventSourceARN: t.Stream.ARN,
		DynamoDB: streamedItem{
			ApproximateCreationDateTime: now.Unix(), Keys: Item{}, StreamViewType: t.Stream.View,
			SequenceNumber: fmt.Sprintf("%021s", strconv.FormatInt(db.sequence, 10)),
		},
	}
	some := is
	switch {
	case was == nil:
		record.EventName = "INSERT"
	case is == nil:
		record.EventName, some = "REMOVE", was
	default:
		record.EventName = "MODIFY"
	}
	for _, k := range t.indexes[0].keys() {
		record.DynamoDB.Keys[k.Name] = some[k.Name]
	}
	if images[0] {
		record.DynamoDB.NewImage = is
	}
	if images[1] {
		record.DynamoDB.OldImage = was
	}
	if expired {
		record.UserIdentity = &userIdentity{"Service", "dynamodb.amazonaws.com"}
	}
	record.DynamoDB.SizeBytes = expression.Bytes(record.DynamoDB.Keys) + itemBytes(record.DynamoDB.NewImage) + itemBytes(record.DynamoDB.OldImage)
	body, err := json.Marshal(record)
	if err != nil {
		panic("a stored item cannot be written: " + err.Error()) // it was read and checked when it came
	}
	t.Stream.Feed(Change{Sequence: record.DynamoDB.SequenceNumber, At: now, Body: body})
}

func eventID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // crypto/rand never fails since Go 1.24
	return fmt.Sprintf("%x", b)
}
