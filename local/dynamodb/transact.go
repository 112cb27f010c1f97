package dynamodb

import (
	"crypto/sha256"
	"encoding/json"
	"strings"
	"time"

	"github.com/keyward/keyward/local/wire"
)

// A transaction has at most 100 items and 4 MB, and its token is good for ten minutes
// (TransactWriteItems in the API reference).
const (
	maxTransaction  = 100
	transactionSize = 4 << 20
	tokenLife       = 10 * time.Minute
)

type transactWriteInput struct {
	metrics
	ClientRequestToken string
	TransactItems      []transactWrite
}

type transactWrite struct {
	ConditionCheck *transactKeyed
	Put            *transactPut
	Update         *transactUpdate
	Delete         *transactKeyed
}

type transactKeyed struct {
	writeInput
	Key Item
}

type transactPut struct {
	writeInput
	Item Item
}

type transactUpdate struct {
	writeInput
	Key              Item
	UpdateExpression *string
}

// reason is one element of CancellationReasons.
type reason struct {
	Code    string
	Message string `json:",omitempty"`
	Item    Item   `json:",omitempty"`
}

// remembered is a transaction that was carried out under a token.
type remembered struct {
	digest [sha256.Size]byte
	until  time.Time
}

func (db *DB) transactWriteItems(in transactWriteInput) (struct{}, error) {
	writes, err := db.prepareTransaction(in)
	if err != nil {
		return struct{}{}, err
	}
	text, err := json.Marshal(in.TransactItems)
	if err != nil {
		return struct{}{}, err
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	digest := sha256.Sum256(text)
	if done, err := db.repeated(in.ClientRequestToken, digest); done || err != nil {
		return struct{}{}, err
	}
	if err := db.commit(writes); err != nil {
		return struct{}{}, err
	}
	if in.ClientRequestToken != "" {
		db.tokens[in.ClientRequestToken] = &remembered{digest: digest, until: db.clock.Now().Add(tokenLife)}
	}
	return struct{}{}, nil
}

func (db *DB) prepareTransaction(in transactWriteInput) ([]*write, error) {
	if err := in.metrics.check(); err != nil {
		return nil, err
	}
	if err := checkCount(len(in.TransactItems)); err != nil {
		return nil, err
	}
	type target struct {
		table *table
		key   string
	}
	seen := map[target]bool{}
	writes := make([]*write, len(in.TransactItems))
	for i, one := range in.TransactItems {
		w, err := db.prepareOne(one)
		if err != nil {
			return nil, err
		}
		if seen[target{w.table, w.key}] {
			return nil, wire.Validation("Transaction request cannot include multiple operations on one item")
		}
		seen[target{w.table, w.key}] = true
		writes[i] = w
	}
	return writes, nil
}

func checkCount(n int) error {
	if n < 1 || n > maxTransaction {
		word := "less than or equal to 100"
		if n < 1 {
			word = "greater than or equal to 1"
		}
		return wire.Validation("1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length %s", word)
	}
	return nil
}

func (db *DB) prepareOne(t transactWrite) (*write, error) {
	count := 0
	for _, there := range []bool{t.ConditionCheck != nil, t.Put != nil, t.Update != nil, t.Delete != nil} {
		if there {
			count++
		}
	}
	if count != 1 {
		return nil, wire.Validation("TransactItems can only contain one of Check, Put, Update or Delete")
	}
	switch {
	case t.Put != nil:
		return db.prepare("put", t.Put.writeInput, nil, t.Put.Item, nil)
	case t.Delete != nil:
		return db.prepare("delete", t.Delete.writeInput, t.Delete.Key, nil, nil)
	case t.Update != nil:
		if t.Update.UpdateExpression == nil {
			return nil, wire.Validation("1 validation error detected: Value null at 'transactItems.1.member.update.updateExpression' failed to satisfy constraint: Member must not be null")
		}
		return db.prepare("update", t.Update.writeInput, t.Update.Key, nil, t.Update.UpdateExpression)
	}
	if t.ConditionCheck.ConditionExpression == nil {
		return nil, wire.Validation("1 validation error detected: Value null at 'transactItems.1.member.conditionCheck.conditionExpression' failed to satisfy constraint: Member must not be null")
	}
	return db.prepare("check", t.ConditionCheck.writeInput, t.ConditionCheck.Key, nil, nil)
}

// repeated says whether this very transaction was carried out under its token already. The caller
// holds the lock.
func (db *DB) repeated(token string, digest [sha256.Size]byte) (bool, error) {
	now := db.clock.Now()
	for t, r := range db.tokens {
		if !now.Before(r.until) {
			delete(db.tokens, t)
		}
	}
	earlier, ok := db.tokens[token]
	if token == "" || !ok {
		return false, nil
	}
	if earlier.digest != digest {
		return false, &wire.Error{Code: "IdempotentParameterMismatchException",
			Message: "Provided idempotent token with different parameters than a previously used token. Please use a different token"}
	}
	return true, nil
}

// commit carries out all writes or none. The caller holds the lock.
func (db *DB) commit(writes []*write) error {
	reasons := make([]reason, len(writes))
	results := make([]Item, len(writes))
	failed, size := false, 0
	for i, w := range writes {
		old, next, err := w.result()
		reasons[i] = w.reason(old, err)
		failed = failed || err != nil
		results[i] = next
		size += itemBytes(next)
	}
	if failed {
		return cancelled(reasons)
	}
	if size > transactionSize {
		return wire.Validation("Transaction request size has exceeded the maximum allowed size of 4 MB")
	}
	for i, w := range writes {
		if w.name != "check" {
			db.store(w.table, w.key, results[i], false)
		}
	}
	return nil
}

func (w *write) reason(old Item, err error) reason {
	switch e := err.(type) {
	case nil:
		return reason{Code: "None"}
	case *wire.Error:
		if e != errCondition {
			return reason{Code: "ValidationError", Message: e.Message}
		}
		r := reason{Code: "ConditionalCheckFailed", Message: e.Message}
		if w.returnItem {
			r.Item = old
		}
		return r
	}
	return reason{Code: "ValidationError", Message: err.Error()}
}

func cancelled(reasons []reason) error {
	codes := make([]string, len(reasons))
	for i, r := range reasons {
		codes[i] = r.Code
	}
	return &wire.Error{
		Code:    "TransactionCanceledException",
		Message: "Transaction cancelled, please refer cancellation reasons for specific reasons [" + strings.Join(codes, ", ") + "]",
		Members: map[string]any{"CancellationReasons": reasons},
	}
}

type transactGetInput struct {
	metrics
	TransactItems []struct{ Get *transactGet }
}

type transactGet struct {
	TableName                string
	Key                      Item
	ProjectionExpression     *string
	ExpressionAttributeNames map[string]string
}

type transactGetOutput struct{ Responses []getOutput }

func (db *DB) transactGetItems(in transactGetInput) (transactGetOutput, error) {
	if err := in.metrics.check(); err != nil {
		return transactGetOutput{}, err
	}
	if err := checkCount(len(in.TransactItems)); err != nil {
		return transactGetOutput{}, err
	}
	gets := make([]*get, len(in.TransactItems))
	for i, one := range in.TransactItems {
		if one.Get == nil {
			return transactGetOutput{}, wire.Validation("1 validation error detected: Value null at 'transactItems.%d.member.get' failed to satisfy constraint: Member must not be null", i+1)
		}
		var err error
		gets[i], err = db.prepareGet(getInput{TableName: one.Get.TableName, Key: one.Get.Key, ProjectionExpression: one.Get.ProjectionExpression,
			placeholders: placeholders{ExpressionAttributeNames: one.Get.ExpressionAttributeNames}})
		if err != nil {
			return transactGetOutput{}, err
		}
	}
	db.mu.RLock()
	defer db.mu.RUnlock()
	out := transactGetOutput{Responses: make([]getOutput, len(gets))}
	for i, g := range gets {
		out.Responses[i].Item = g.item()
	}
	return out, nil
}
