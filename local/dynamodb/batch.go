package dynamodb

import (
	"maps"
	"slices"

	"github.com/keyward/keyward/local/dynamodb/expression"
	"github.com/keyward/keyward/local/wire"
)

// BatchGetItem takes 100 keys and gives 16 MB, BatchWriteItem takes 25 writes (API reference).
const (
	maxBatchGet   = 100
	maxBatchWrite = 25
	maxBatchBytes = 16 << 20
)

type batchGetInput struct {
	metrics
	RequestItems map[string]batchKeys
}

type batchKeys struct {
	Keys                     []Item
	ConsistentRead           bool              `json:",omitempty"`
	ProjectionExpression     *string           `json:",omitempty"`
	ExpressionAttributeNames map[string]string `json:",omitempty"`
}

type batchGetOutput struct {
	Responses       map[string][]Item
	UnprocessedKeys map[string]batchKeys
}

func (db *DB) batchGetItem(in batchGetInput) (batchGetOutput, error) {
	out := batchGetOutput{Responses: map[string][]Item{}, UnprocessedKeys: map[string]batchKeys{}}
	if err := in.metrics.check(); err != nil {
		return out, err
	}
	count := 0
	for _, of := range in.RequestItems {
		count += len(of.Keys)
	}
	switch {
	case count == 0:
		return out, wire.Validation("The batch get request list for a table cannot be null or empty")
	case count > maxBatchGet:
		return out, wire.Validation("Too many items requested for the BatchGetItem call")
	}
	size := 0
	for _, name := range slices.Sorted(maps.Keys(in.RequestItems)) {
		if err := db.batchGetTable(name, in.RequestItems[name], &size, &out); err != nil {
			return out, err
		}
	}
	return out, nil
}

func (db *DB) batchGetTable(name string, of batchKeys, size *int, out *batchGetOutput) error {
	out.Responses[name] = []Item{}
	left := of
	left.Keys = nil
	seen := map[string]bool{}
	for _, key := range of.Keys {
		g, err := db.prepareGet(getInput{TableName: name, Key: key, ProjectionExpression: of.ProjectionExpression,
			placeholders: placeholders{ExpressionAttributeNames: of.ExpressionAttributeNames}})
		if err != nil {
			return err
		}
		if seen[g.key] {
			return wire.Validation("Provided list of item keys contains duplicates")
		}
		seen[g.key] = true
		db.mu.RLock()
		item := g.item()
		db.mu.RUnlock()
		if *size += itemBytes(item); *size > maxBatchBytes {
			left.Keys = append(left.Keys, key)
			continue
		}
		if item != nil {
			out.Responses[name] = append(out.Responses[name], item)
		}
	}
	if left.Keys != nil {
		out.UnprocessedKeys[name] = left
	}
	return nil
}

func itemBytes(item Item) int { return expression.Bytes(item) }

type batchWriteInput struct {
	metrics
	RequestItems map[string][]struct {
		PutRequest    *struct{ Item Item }
		DeleteRequest *struct{ Key Item }
	}
}

type batchWriteOutput struct {
	UnprocessedItems map[string]any
}

func (db *DB) batchWriteItem(in batchWriteInput) (batchWriteOutput, error) {
	out := batchWriteOutput{UnprocessedItems: map[string]any{}}
	if err := in.metrics.check(); err != nil {
		return out, err
	}
	var writes []*write
	for _, name := range slices.Sorted(maps.Keys(in.RequestItems)) {
		seen := map[string]bool{}
		for _, one := range in.RequestItems[name] {
			if (one.PutRequest == nil) == (one.DeleteRequest == nil) {
				return out, wire.Validation("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
			}
			var w *write
			var err error
			if one.PutRequest != nil {
				w, err = db.prepare("put", writeInput{TableName: name}, nil, one.PutRequest.Item, nil)
			} else {
				w, err = db.prepare("delete", writeInput{TableName: name}, one.DeleteRequest.Key, nil, nil)
			}
			if err != nil {
				return out, err
			}
			if seen[w.key] {
				return out, wire.Validation("Provided list of item keys contains duplicates")
			}
			seen[w.key] = true
			writes = append(writes, w)
		}
	}
	switch {
	case len(writes) == 0:
		return out, wire.Validation("Batch write request list for a table cannot be null or empty")
	case len(writes) > maxBatchWrite:
		return out, wire.Validation("Too many items requested for the BatchWriteItem call")
	}
	for _, w := range writes {
		if _, _, err := db.do(w); err != nil {
			return out, err
		}
	}
	return out, nil
}
