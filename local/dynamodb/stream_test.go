package dynamodb_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/dynamodb"
	"github.com/keyward/keyward/local/wire"
)

const streamARN = "arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/2026-01-01T00:00:00.000"

// streaming is a table with a stream, and what it told.
func streaming(t *testing.T, view string) (db *dynamodb.DB, at *clock.Clock, call func(name, body string) error, told *[]dynamodb.Change) {
	t.Helper()
	at = clock.New(func() time.Time { return start })
	db, told = dynamodb.New(at, "us-east-1", "123456789012"), &[]dynamodb.Change{}
	if err := db.CreateTable(dynamodb.Table{
		Name: "t", Partition: dynamodb.Key{Name: "pk", Kind: "S"}, Sort: dynamodb.Key{Name: "sk", Kind: "S"}, TimeToLive: "ttl",
		Stream: dynamodb.Stream{View: view, ARN: streamARN, Feed: func(c dynamodb.Change) { *told = append(*told, c) }},
	}); err != nil {
		t.Fatal(err)
	}
	ops := db.Service().Operations
	return db, at, func(name, body string) error {
		_, err := ops[name](context.Background(), &wire.Request{Body: []byte(body)})
		return err
	}, told
}

type told struct {
	EventID, EventName, EventSourceARN string
	DynamoDB                           struct {
		Keys, NewImage, OldImage map[string]map[string]string
		StreamViewType           string
		SizeBytes                int
		SequenceNumber           string
	}
	UserIdentity *struct{ Type, PrincipalID string }
}

func read(t *testing.T, c dynamodb.Change) (r told) {
	t.Helper()
	if err := json.Unmarshal(c.Body, &r); err != nil {
		t.Fatal(err)
	}
	if r.EventID == "" || r.EventSourceARN != streamARN || r.DynamoDB.SequenceNumber != c.Sequence || len(c.Sequence) != 21 || r.DynamoDB.SizeBytes == 0 || c.At.IsZero() {
		t.Errorf("record %s", c.Body)
	}
	return r
}

func TestStream(t *testing.T) {
	t.Parallel()
	db, at, call, changes := streaming(t, "NEW_AND_OLD_IMAGES")
	must := func(name, body string) {
		t.Helper()
		if err := call(name, body); err != nil {
			t.Fatal(err)
		}
	}
	must("PutItem", `{"TableName":"t","Item":{"pk":{"S":"a"},"sk":{"S":"1"},"v":{"S":"x"}}}`)
	must("PutItem", `{"TableName":"t","Item":{"pk":{"S":"a"},"sk":{"S":"1"},"v":{"S":"x"}}}`) // changes nothing
	must("UpdateItem", `{"TableName":"t","Key":{"pk":{"S":"a"},"sk":{"S":"1"}},"UpdateExpression":"SET v = :v","ExpressionAttributeValues":{":v":{"S":"y"}}}`)
	if err := call("PutItem", `{"TableName":"t","Item":{"pk":{"S":"a"},"sk":{"S":"1"}},"ConditionExpression":"attribute_not_exists(pk)"}`); err == nil {
		t.Fatal("a write whose condition does not hold is done")
	}
	must("DeleteItem", `{"TableName":"t","Key":{"pk":{"S":"a"},"sk":{"S":"1"}}}`)
	must("DeleteItem", `{"TableName":"t","Key":{"pk":{"S":"a"},"sk":{"S":"1"}}}`)
	must("TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"t","Item":{"pk":{"S":"b"},"sk":{"S":"2"}}}},
		{"Put":{"TableName":"t","Item":{"pk":{"S":"b"},"sk":{"S":"1"},"ttl":{"N":"`+"1772326000"+`"}}}}]}`)
	if err := at.Forward(t.Context(), 2*time.Hour); err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, c := range *changes {
		r := read(t, c)
		by := ""
		if r.UserIdentity != nil {
			by = " by " + r.UserIdentity.PrincipalID
		}
		got = append(got, r.EventName+" "+r.DynamoDB.Keys["pk"]["S"]+r.DynamoDB.Keys["sk"]["S"]+" "+r.DynamoDB.OldImage["v"]["S"]+">"+r.DynamoDB.NewImage["v"]["S"]+by)
		if i > 0 && c.Sequence <= (*changes)[i-1].Sequence {
			t.Errorf("sequence %s after %s", c.Sequence, (*changes)[i-1].Sequence)
		}
	}
	want := []string{"INSERT a1 >x", "MODIFY a1 x>y", "REMOVE a1 y>", "INSERT b2 >", "INSERT b1 >", "REMOVE b1 > by dynamodb.amazonaws.com"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	saved, err := db.Save()
	if err != nil {
		t.Fatal(err)
	}
	again, _, _, later := streaming(t, "NEW_IMAGE")
	if err := again.Load(saved); err != nil || len(*later) > 0 {
		t.Errorf("what was saved is told again: %v, %v", *later, err)
	}
}

func TestStreamViews(t *testing.T) {
	t.Parallel()
	for view, want := range map[string][2]int{"KEYS_ONLY": {0, 0}, "NEW_IMAGE": {2, 0}, "OLD_IMAGE": {0, 3}, "NEW_AND_OLD_IMAGES": {2, 3}} {
		_, _, call, changes := streaming(t, view)
		for _, item := range []string{`{"pk":{"S":"a"},"sk":{"S":"1"},"v":{"S":"x"}}`, `{"pk":{"S":"a"},"sk":{"S":"1"}}`} {
			if err := call("PutItem", `{"TableName":"t","Item":`+item+`}`); err != nil {
				t.Fatal(err)
			}
		}
		r := read(t, (*changes)[1])
		if got := [2]int{len(r.DynamoDB.NewImage), len(r.DynamoDB.OldImage)}; got != want || r.DynamoDB.StreamViewType != view {
			t.Errorf("%s has images of %v attributes, want %v", view, got, want)
		}
	}
	db := dynamodb.New(clock.New(nil), "us-east-1", "123456789012")
	err := db.CreateTable(dynamodb.Table{Name: "t", Partition: dynamodb.Key{Name: "pk", Kind: "S"}, Stream: dynamodb.Stream{View: "ALL"}})
	if err == nil || !strings.Contains(err.Error(), `the view "ALL"`) {
		t.Errorf("another view = %v", err)
	}
}
