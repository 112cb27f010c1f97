package dynamodb_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/dynamodb"
	"github.com/keyward/keyward/local/wire"
)

func TestCreateTableRefuses(t *testing.T) {
	t.Parallel()
	id := dynamodb.Key{Name: "id", Kind: "S"}
	for name, table := range map[string]dynamodb.Table{
		"no name":     {Partition: id},
		"taken":       {Name: "taken", Partition: id},
		"no key":      {Name: "x"},
		"key type":    {Name: "x", Partition: dynamodb.Key{Name: "id", Kind: "BOOL"}},
		"index twice": {Name: "x", Partition: id, Indexes: []dynamodb.Index{{Name: "i", Partition: id}, {Name: "i", Partition: id}}},
		"index key":   {Name: "x", Partition: id, Indexes: []dynamodb.Index{{Name: "i"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := dynamodb.New(clock.New(nil), "us-east-1", "123456789012")
			if err := db.CreateTable(dynamodb.Table{Name: "taken", Partition: id}); err != nil {
				t.Fatal(err)
			}
			if err := db.CreateTable(table); err == nil {
				t.Errorf("CreateTable(%+v) = nil, want an error", table)
			}
		})
	}
}

// BenchmarkLatest is the call that programs make most: the newest of 10,000 rows of one machine.
func BenchmarkLatest(b *testing.B) {
	db := dynamodb.New(clock.New(func() time.Time { return start }), "us-east-1", "123456789012")
	if err := db.CreateTable(dynamodb.Table{Name: "t", Partition: dynamodb.Key{Name: "pk", Kind: "S"}, Sort: dynamodb.Key{Name: "sk", Kind: "S"}}); err != nil {
		b.Fatal(err)
	}
	ops := db.Service().Operations
	call := func(name, body string) {
		if _, err := ops[name](context.Background(), &wire.Request{Body: []byte(body)}); err != nil {
			b.Fatal(err)
		}
	}
	for i := range 10000 {
		call("PutItem", fmt.Sprintf(`{"TableName":"t","Item":{"pk":{"S":"m"},"sk":{"S":"evidence#%05d"},"n":{"N":"1"}}}`, i))
	}
	for b.Loop() {
		call("Query", `{"TableName":"t","KeyConditionExpression":"pk = :p AND begins_with(sk, :s)","ScanIndexForward":false,"Limit":1,
			"ExpressionAttributeValues":{":p":{"S":"m"},":s":{"S":"evidence#"}}}`)
		call("UpdateItem", `{"TableName":"t","Key":{"pk":{"S":"m"},"sk":{"S":"evidence#09999"}},"UpdateExpression":"SET n = n + :one",
			"ConditionExpression":"attribute_exists(pk) AND n > :zero","ExpressionAttributeValues":{":one":{"N":"1"},":zero":{"N":"0"}}}`)
	}
}
