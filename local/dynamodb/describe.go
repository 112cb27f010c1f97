package dynamodb

import (
	"slices"

	"github.com/keyward/keyward/local/dynamodb/expression"
	"github.com/keyward/keyward/local/wire"
)

type describeInput struct{ TableName string }

type describeOutput struct{ Table description }

// description is the part of TableDescription that is known here.
type description struct {
	TableName              string
	TableArn               string
	TableStatus            string
	ItemCount              int
	TableSizeBytes         int
	AttributeDefinitions   []attributeDefinition
	KeySchema              []keyElement
	BillingModeSummary     map[string]string
	GlobalSecondaryIndexes []indexDescription `json:",omitempty"`
	StreamSpecification    map[string]any     `json:",omitempty"`
	LatestStreamArn        string             `json:",omitempty"`
}

type attributeDefinition struct {
	AttributeName string
	AttributeType expression.Kind
}

type keyElement struct {
	AttributeName string
	KeyType       string
}

type indexDescription struct {
	IndexName   string
	IndexArn    string
	IndexStatus string
	KeySchema   []keyElement
	Projection  map[string]string
}

func (db *DB) describeTable(in describeInput) (describeOutput, error) {
	t, err := db.table(in.TableName)
	if err != nil {
		return describeOutput{}, &wire.Error{Code: "ResourceNotFoundException", Message: "Requested resource not found: Table: " + in.TableName + " not found"}
	}
	db.mu.RLock()
	defer db.mu.RUnlock()
	out := description{TableName: t.Name, TableArn: db.arn(t), TableStatus: "ACTIVE", ItemCount: len(t.rows),
		KeySchema: schema(t.indexes[0].Index), BillingModeSummary: map[string]string{"BillingMode": "PAY_PER_REQUEST"}}
	for _, r := range t.rows {
		out.TableSizeBytes += expression.Bytes(r.item)
	}
	for n, i := range t.indexes {
		for _, k := range i.keys() {
			if a := (attributeDefinition{k.Name, k.Kind}); !slices.Contains(out.AttributeDefinitions, a) {
				out.AttributeDefinitions = append(out.AttributeDefinitions, a)
			}
		}
		if n > 0 {
			out.GlobalSecondaryIndexes = append(out.GlobalSecondaryIndexes, indexDescription{IndexName: i.Name, IndexArn: db.arn(t) + "/index/" + i.Name,
				IndexStatus: "ACTIVE", KeySchema: schema(i.Index), Projection: map[string]string{"ProjectionType": "ALL"}})
		}
	}
	if v := t.Stream.View; v != "" {
		out.StreamSpecification, out.LatestStreamArn = map[string]any{"StreamEnabled": true, "StreamViewType": v}, t.Stream.ARN
	}
	return describeOutput{out}, nil
}

func schema(i Index) []keyElement {
	elements := []keyElement{{i.Partition.Name, "HASH"}}
	if i.Sort.Name != "" {
		elements = append(elements, keyElement{i.Sort.Name, "RANGE"})
	}
	return elements
}
