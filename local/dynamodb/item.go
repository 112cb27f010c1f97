package dynamodb

import (
	"slices"
	"strings"

	"github.com/keyward/keyward/local/dynamodb/expression"
	"github.com/keyward/keyward/local/wire"
)

// metrics are parameters that ask for numbers which are not kept here.
type metrics struct {
	ReturnConsumedCapacity      string
	ReturnItemCollectionMetrics string
}

func (m metrics) check() error {
	for name, v := range map[string]string{"ReturnConsumedCapacity": m.ReturnConsumedCapacity, "ReturnItemCollectionMetrics": m.ReturnItemCollectionMetrics} {
		if v != "" && v != "NONE" {
			return wire.Unimplemented("%s %q of dynamodb", name, v)
		}
	}
	return nil
}

type getInput struct {
	placeholders
	metrics
	TableName            string
	Key                  Item
	ConsistentRead       bool
	ProjectionExpression *string
}

type getOutput struct {
	Item Item `json:",omitzero"`
}

func (db *DB) getItem(in getInput) (getOutput, error) {
	if err := in.metrics.check(); err != nil {
		return getOutput{}, err
	}
	g, err := db.prepareGet(in)
	if err != nil {
		return getOutput{}, err
	}
	db.mu.RLock()
	defer db.mu.RUnlock()
	return getOutput{Item: g.item()}, nil
}

// get is one checked read that waits for the lock.
type get struct {
	table      *table
	key        string
	projection expression.Projection
}

func (db *DB) prepareGet(in getInput) (*get, error) {
	b, err := in.bind()
	if err != nil {
		return nil, err
	}
	g := &get{}
	if in.ProjectionExpression != nil {
		if g.projection, err = b.Projection(*in.ProjectionExpression); err != nil {
			return nil, err
		}
	}
	if err := b.Unused(); err != nil {
		return nil, err
	}
	if g.table, err = db.table(in.TableName); err != nil {
		return nil, err
	}
	g.key, err = g.table.keyOf(in.Key)
	return g, err
}

// item is what is there, nil for nothing. The caller holds the lock.
func (g *get) item() Item {
	r := g.table.rows[g.key]
	if r == nil {
		return nil
	}
	return g.projection.Of(r.item)
}

type putInput struct {
	writeInput
	metrics
	Item         Item
	ReturnValues string
}

type writeOutput struct {
	Attributes Item `json:",omitempty"`
}

func (db *DB) putItem(in putInput) (writeOutput, error) {
	return db.writeItem("put", in.writeInput, in.metrics, nil, in.Item, nil, in.ReturnValues)
}

type deleteInput struct {
	writeInput
	metrics
	Key          Item
	ReturnValues string
}

func (db *DB) deleteItem(in deleteInput) (writeOutput, error) {
	return db.writeItem("delete", in.writeInput, in.metrics, in.Key, nil, nil, in.ReturnValues)
}

type updateInput struct {
	writeInput
	metrics
	Key              Item
	UpdateExpression *string
	ReturnValues     string
}

func (db *DB) updateItem(in updateInput) (writeOutput, error) {
	return db.writeItem("update", in.writeInput, in.metrics, in.Key, nil, in.UpdateExpression, in.ReturnValues)
}

func (db *DB) writeItem(name string, in writeInput, m metrics, key, item Item, update *string, returns string) (writeOutput, error) {
	if err := m.check(); err != nil {
		return writeOutput{}, err
	}
	if err := checkReturns(name, returns); err != nil {
		return writeOutput{}, err
	}
	w, err := db.prepare(name, in, key, item, update)
	if err != nil {
		return writeOutput{}, err
	}
	old, next, err := db.do(w)
	if err != nil {
		return writeOutput{}, err
	}
	return writeOutput{Attributes: w.returned(returns, old, next)}, nil
}

func checkReturns(name, returns string) error {
	all := []string{"ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"}
	switch {
	case returns == "" || returns == "NONE" || returns == "ALL_OLD":
		return nil
	case !slices.Contains(all, returns):
		return wire.Validation("1 validation error detected: Value '%s' at 'returnValues' failed to satisfy constraint: Member must satisfy enum value set: [%s]", returns, strings.Join(all, ", "))
	case name != "update":
		return wire.Validation("Return values set to invalid value")
	}
	return nil
}

func (w *write) returned(returns string, old, next Item) Item {
	if w.update == nil && strings.HasPrefix(returns, "UPDATED") {
		return nil
	}
	switch returns {
	case "ALL_OLD":
		return old
	case "ALL_NEW":
		return next
	case "UPDATED_OLD":
		return w.update.Paths().Of(old)
	case "UPDATED_NEW":
		return w.update.Paths().Of(next)
	}
	return nil
}
