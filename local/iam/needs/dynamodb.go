package needs

import (
	"maps"
	"slices"

	"github.com/keyward/keyward/local/iam/permission"
	"github.com/keyward/keyward/local/wire"
)

type table struct{ TableName, IndexName string }

func (t table) arn(f Facts) string {
	arn := f.named("dynamodb", "table/", t.TableName)
	if t.IndexName != "" {
		arn += "/index/" + t.IndexName
	}
	return arn
}

func onTable(action string) need {
	return on(action, func(f Facts, t table) string { return t.arn(f) })
}

// ofDynamoDB: a call that holds several needs the permission of each
// (docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html).
var ofDynamoDB = map[string]need{
	"dynamodb.GetItem":            onTable("dynamodb:GetItem"),
	"dynamodb.PutItem":            onTable("dynamodb:PutItem"),
	"dynamodb.UpdateItem":         onTable("dynamodb:UpdateItem"),
	"dynamodb.DeleteItem":         onTable("dynamodb:DeleteItem"),
	"dynamodb.Query":              onTable("dynamodb:Query"),
	"dynamodb.DescribeTable":      onTable("dynamodb:DescribeTable"),
	"dynamodb.BatchGetItem":       batch("dynamodb:BatchGetItem"),
	"dynamodb.BatchWriteItem":     batch("dynamodb:BatchWriteItem"),
	"dynamodb.TransactGetItems":   transaction,
	"dynamodb.TransactWriteItems": transaction,
}

func batch(action string) need {
	return func(f Facts, r *wire.Request) ([]permission.Request, error) {
		in, err := wire.Peek[struct{ RequestItems map[string]any }](r)
		if err != nil {
			return nil, err
		}
		var all []permission.Request
		for _, name := range slices.Sorted(maps.Keys(in.RequestItems)) {
			all = append(all, one(action, table{TableName: name}.arn(f))...)
		}
		return all, nil
	}
}

func transaction(f Facts, r *wire.Request) ([]permission.Request, error) {
	in, err := wire.Peek[struct {
		TransactItems []struct{ ConditionCheck, Put, Update, Delete, Get *table }
	}](r)
	if err != nil {
		return nil, err
	}
	var all []permission.Request
	seen := map[string]bool{} // of a hundred parts most are the same
	for _, item := range in.TransactItems {
		for action, t := range map[string]*table{
			"dynamodb:ConditionCheckItem": item.ConditionCheck, "dynamodb:PutItem": item.Put, "dynamodb:UpdateItem": item.Update,
			"dynamodb:DeleteItem": item.Delete, "dynamodb:GetItem": item.Get,
		} {
			if t != nil && !seen[action+t.arn(f)] {
				seen[action+t.arn(f)] = true
				all = append(all, one(action, t.arn(f))...)
			}
		}
	}
	return all, nil
}
