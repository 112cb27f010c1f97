// Package dynamodb is DynamoDB as far as our programs call it: tables that the template declares,
// items with conditional, batched and transactional writes, queries on the table and its global
// secondary indexes, expiry.
//
// Every operation is one step: it happens whole or not at all, and what is read is always the latest,
// also where AWS would only promise it in the end. There is no Scan, no capacity, no
// legacy parameter and no index that holds less than the whole item: who asks for one is told so with
// status 501. Texts of errors are DynamoDB's own where they are known. Expired items stay visible
// until the next whole hour of virtual time, since AWS too deletes them late: callers must filter.
//
// A table may have a stream, which is one shard: all its changes in the order in which they were made. Programs do not
// read it by calls; local/lambda hands it to them.
//
// local/stack creates the tables, local/wire hands it the calls.
package dynamodb

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/dynamodb/expression"
	"github.com/keyward/keyward/local/wire"
)

type (
	// Item is one row: attribute names and values.
	Item = expression.Item
	// Value is one attribute value.
	Value = expression.Value
)

// DB is the tables of one account and Region. All methods may be called from any goroutine.
type DB struct {
	clock   *clock.Clock
	region  string
	account string

	mu       sync.RWMutex
	sequence int64 // of the last record of any stream
	tables   map[string]*table
	tokens   map[string]*remembered // ClientRequestTokens of transactions
}

// New returns a DB without tables.
func New(c *clock.Clock, region, account string) *DB {
	return &DB{clock: c, region: region, account: account, tables: map[string]*table{}, tokens: map[string]*remembered{}}
}

// Service is what local/wire dispatches to.
func (db *DB) Service() wire.Service {
	return wire.Service{
		Name: "dynamodb", Protocol: wire.JSON10, TargetPrefix: "DynamoDB_20120810",
		Operations: map[string]wire.Operation{
			"GetItem": operation(db.getItem), "PutItem": operation(db.putItem), "UpdateItem": operation(db.updateItem),
			"DeleteItem": operation(db.deleteItem), "Query": operation(db.query), "DescribeTable": operation(db.describeTable),
			"BatchGetItem": operation(db.batchGetItem), "BatchWriteItem": operation(db.batchWriteItem),
			"TransactGetItems": operation(db.transactGetItems), "TransactWriteItems": operation(db.transactWriteItems),
		},
	}
}

// table finds a table by its name or ARN.
func (db *DB) table(name string) (*table, error) {
	db.mu.RLock()
	defer db.mu.RUnlock()
	t, ok := db.tables[name]
	if !ok {
		for _, one := range db.tables {
			if db.arn(one) == name {
				return one, nil
			}
		}
		return nil, &wire.Error{Code: "ResourceNotFoundException", Message: "Requested resource not found"}
	}
	return t, nil
}

func (db *DB) arn(t *table) string {
	return "arn:aws:dynamodb:" + db.region + ":" + db.account + ":table/" + t.Name
}

// Save is every item of every table, for --data.
func (db *DB) Save() (json.RawMessage, error) {
	db.mu.RLock()
	defer db.mu.RUnlock()
	tables := map[string][]Item{}
	for name, t := range db.tables {
		rows := make([]*row, 0, len(t.rows))
		for _, r := range t.rows {
			rows = append(rows, r)
		}
		slices.SortFunc(rows, func(a, b *row) int { return cmp.Compare(a.key, b.key) })
		tables[name] = make([]Item, len(rows))
		for i, r := range rows {
			tables[name][i] = r.item
		}
	}
	return json.Marshal(tables)
}

// Load puts saved items into the tables, which must exist and have fitting keys.
func (db *DB) Load(saved json.RawMessage) error {
	var tables map[string][]Item
	if err := json.Unmarshal(saved, &tables); err != nil {
		return fmt.Errorf("reading saved tables: %w", err)
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	for name, items := range tables {
		t, ok := db.tables[name]
		if !ok {
			return fmt.Errorf("loading table %s: the template declares no such table", name)
		}
		for i, item := range items {
			key, err := t.keyOfItem(item)
			if err != nil {
				return fmt.Errorf("loading item %d of table %s: %w", i, name, err)
			}
			db.keep(t, key, item)
		}
	}
	return nil
}

// refuse turns an error in DynamoDB's words into the answer to the call.
func refuse(err error) error {
	if e, ok := err.(*expression.Error); ok {
		return wire.Validation("%s", e.Message)
	}
	return err
}
