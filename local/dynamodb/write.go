package dynamodb

import (
	"context"

	"github.com/keyward/keyward/local/dynamodb/expression"
	"github.com/keyward/keyward/local/wire"
)

// maxItem is the largest item, names and values together.
const maxItem = 400 * 1024

// operation adapts a typed method to local/wire.
func operation[In, Out any](f func(In) (Out, error)) wire.Operation {
	return func(_ context.Context, r *wire.Request) (any, error) {
		in, err := wire.Decode[In](r)
		if err != nil {
			return nil, err
		}
		out, err := f(in)
		if err != nil {
			return nil, refuse(err)
		}
		return out, nil
	}
}

// placeholders are the parameters that every operation with expressions has.
type placeholders struct {
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues map[string]Value
}

func (p placeholders) bind() (*expression.Bindings, error) {
	return expression.Bind(p.ExpressionAttributeNames, p.ExpressionAttributeValues)
}

// writeInput is the parameters of all writes; which of them an operation has, its own type says.
type writeInput struct {
	placeholders
	TableName                           string
	ConditionExpression                 *string
	ReturnValuesOnConditionCheckFailure string
}

// write is one checked write that waits for the lock.
type write struct {
	table      *table
	name       string // put, update, delete or check
	key        string
	keys       Item // the key attributes
	item       Item // of a put
	update     *expression.Update
	condition  expression.Condition
	returnItem bool // when the condition fails
}

func (db *DB) prepare(name string, in writeInput, key, item Item, update *string) (*write, error) {
	w := &write{name: name, item: item, keys: key}
	switch in.ReturnValuesOnConditionCheckFailure {
	case "", "NONE":
	case "ALL_OLD":
		w.returnItem = true
	default:
		return nil, wire.Validation("1 validation error detected: Value '%s' at 'returnValuesOnConditionCheckFailure' failed to satisfy constraint: Member must satisfy enum value set: [ALL_OLD, NONE]", in.ReturnValuesOnConditionCheckFailure)
	}
	if err := w.bind(in, update); err != nil {
		return nil, err
	}
	var err error
	if w.table, err = db.table(in.TableName); err != nil {
		return nil, err
	}
	return w, w.checkKeys()
}

func (w *write) bind(in writeInput, update *string) error {
	b, err := in.bind()
	if err != nil {
		return err
	}
	if update != nil {
		if w.update, err = b.Update(*update); err != nil {
			return err
		}
	}
	if in.ConditionExpression != nil {
		if w.condition, err = b.Condition("ConditionExpression", *in.ConditionExpression); err != nil {
			return err
		}
	}
	return b.Unused()
}

func (w *write) checkKeys() (err error) {
	if w.name == "put" {
		for _, v := range w.item {
			if err := v.Check(); err != nil {
				return err
			}
		}
		if expression.Bytes(w.item) > maxItem {
			return wire.Validation("Item size has exceeded the maximum allowed size")
		}
		w.key, err = w.table.keyOfItem(w.item)
		return err
	}
	if w.key, err = w.table.keyOf(w.keys); err != nil || w.update == nil {
		return err
	}
	for _, name := range w.update.Names() {
		if name == w.table.Partition.Name || name == w.table.Sort.Name {
			return wire.Validation("One or more parameter values were invalid: Cannot update attribute %s. This attribute is part of the key", name)
		}
	}
	return nil
}

// result is what the write makes of the item that is there: nil for none. The caller holds the lock.
func (w *write) result() (old, next Item, err error) {
	if r := w.table.rows[w.key]; r != nil {
		old = r.item
	}
	if w.condition != nil && !w.condition(old) {
		return old, nil, errCondition
	}
	switch w.name {
	case "put":
		return old, w.item, nil
	case "check":
		return old, old, nil
	case "delete":
		return old, nil, nil
	}
	base := old
	if base == nil {
		base = w.keys
	}
	next = base
	if w.update != nil {
		if next, err = w.update.Apply(base); err != nil {
			return old, nil, refuse(err)
		}
	}
	return old, next, w.checkUpdated(next)
}

func (w *write) checkUpdated(next Item) error {
	for _, v := range next {
		if err := v.Check(); err != nil {
			return refuse(err)
		}
	}
	if expression.Bytes(next) > maxItem {
		return wire.Validation("Item size to update has exceeded the maximum allowed size")
	}
	return w.checkUpdatedKeys(next)
}

// checkUpdatedKeys refuses index keys as UpdateItem does, in words of its own.
func (w *write) checkUpdatedKeys(next Item) error {
	for _, i := range w.table.indexes[1:] {
		for _, k := range i.keys() {
			v, ok := next[k.Name]
			switch {
			case ok && v.Kind != k.Kind:
				return wire.Validation("The update expression attempted to update the secondary index key to unsupported type")
			case ok && v.Text == "":
				return wire.Validation("The update expression attempted to update the secondary index key to a value that is not supported. The AttributeValue for a key attribute cannot contain an empty %s value.", kindWord(k.Kind))
			}
		}
	}
	return nil
}

var errCondition = &wire.Error{Code: "ConditionalCheckFailedException", Message: "The conditional request failed"}

// do carries out one write by itself.
func (db *DB) do(w *write) (old, next Item, err error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	old, next, err = w.result()
	if err == errCondition && w.returnItem && old != nil {
		return nil, nil, &wire.Error{Code: errCondition.Code, Message: errCondition.Message, Members: map[string]any{"Item": old}}
	}
	if err != nil {
		return nil, nil, err
	}
	db.store(w.table, w.key, next, false)
	return old, next, nil
}
