package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

const outboxKey = "outbox"

// How long records stay. Machines, policies and ledger entries stay for good.
const (
	keepEvidence = 400 * 24 * time.Hour
	keepCommands = 32 * 24 * time.Hour
)

// Change is one transition of one machine: everything in it is written, or nothing. The machine's
// Version is the one that was read; the store raises it.
type Change struct {
	Machine  record.Machine
	Evidence *record.Evidence
	Answer   *record.Answer // written once: a second answer of the same machine to the same command is a conflict
	Ledger   []record.Entry
	Start    []record.Start // for the outbox
	Request  *record.Request
	Notice   *record.Notice // what became of it

	NotHeld   []record.Scope    // fails when one of these is held at At
	Waivers   []record.Revision // fails when a waiver was set or lifted on one of these scopes since
	TakeLease *record.Lease     // fails when somebody else holds it at At
	DropLease *record.Lease     // given back, if this holder has it

	Link *record.ActionLink // used with this: fails when it was used before
	Hold *record.Hold       // fails when there is one at At

	Breaker *record.Breaker     // with this revocation counted; its Version is the one that was read
	Rules   *record.RuleBreaker // as it was read: fails when it was changed since

	At time.Time // now, for holds and leases that have ended
}

// Apply writes a change in one transaction and returns the machine with its new version. It is a
// fault.Conflict when the machine was changed since, is held, a waiver was set, the lease is taken, or the answer is
// there already; the text says which.
func (s *Store) Apply(ctx context.Context, c Change) (record.Machine, error) {
	before := c.Machine.Version
	c.Machine.Version++
	c.Ledger, c.Machine.Ledger = record.Link(c.Machine.Ledger, "", record.Noted(c.Machine, c.Ledger))
	var t transaction
	t.put(s, machineItem(c.Machine), versionIs(before), "it was changed by somebody else")
	if e := c.Evidence; e != nil {
		t.put(s, item{
			pk: machineKey(e.Machine), sk: "evidence#" + Cursor(*e), doc: e,
			expires: e.Sent.Add(keepEvidence),
		}, condition{}, "")
	}
	if a := c.Answer; a != nil {
		t.put(s, answerItem(*a), isNew, "the command was answered already")
	}
	for i, e := range c.Ledger {
		t.put(s, item{
			pk: machineKey(e.Machine), sk: fmt.Sprintf("ledger#%s#%06d#%02d", stamp(e.At), c.Machine.Version, i), doc: e,
		}, isNew, "the ledger entry is there already")
	}
	t.start(s, c.Start)
	if r := c.Request; r != nil {
		t.put(s, requestItem(*r), versionIs(r.Revision), "the request was changed by somebody else")
	}
	if n := c.Notice; n != nil {
		t.put(s, noticeItem(*n), versionIs(noticeRevision(*n)), "the notice was changed by somebody else")
	}
	for _, scope := range c.NotHeld {
		t.check(s, holdKey(scope), holdRow, gone(c.At), "it is held: "+string(scope))
	}
	for _, r := range c.Waivers {
		t.check(s, waiversKey(r.Scope), revisionRow, versionIs(r.Number), "a waiver was set or lifted: "+string(r.Scope))
	}
	if l := c.TakeLease; l != nil {
		t.put(s, leaseItem(*l), leaseIsFree(*l, c.At), "another execution is at work on its key")
	}
	if l := c.DropLease; l != nil {
		// Expired at once instead of deleted, so that one that is gone already is no conflict. One that
		// another holder took meanwhile is: what this one found out may not be true any more.
		l := *l
		l.Until = c.At
		t.put(s, leaseItem(l), leaseIsFree(l, c.At), "another execution is at work on its key")
	}
	if l := c.Link; l != nil {
		t.put(s, linkItem(*l), versionIs(l.Version), "the link was used already")
	}
	if h := c.Hold; h != nil {
		t.put(s, holdItem(*h), gone(c.At), "it is held already: "+string(h.Scope))
	}
	if b := c.Breaker; b != nil {
		t.put(s, breakerItem(*b), versionIs(b.Version), "the breaker was changed by somebody else")
	}
	if b := c.Rules; b != nil {
		t.check(s, breakerKey, rulesRow(b.Policy), versionIs(b.Version), "the breaker on its rules was changed by somebody else")
	}
	if err := t.commit(ctx, s, "changing machine "+c.Machine.ID); err != nil {
		return record.Machine{}, err
	}
	return c.Machine, nil
}

// transaction collects writes together with what to say when the condition of one does not hold.
type transaction struct {
	items    []types.TransactWriteItem
	meanings []string
	err      error
}

func (t *transaction) put(s *Store, i item, c condition, meaning string) {
	row, err := s.attributes(i)
	t.err = errors.Join(t.err, err)
	t.items = append(t.items, types.TransactWriteItem{Put: &types.Put{
		TableName: &s.table, Item: row,
		ConditionExpression: expression(c), ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.values,
	}})
	t.meanings = append(t.meanings, meaning)
}

// start puts executions into the outbox.
func (t *transaction) start(s *Store, all []record.Start) {
	for _, o := range all {
		t.put(s, item{pk: outboxKey, sk: "start#" + o.Name, doc: o}, condition{}, "")
	}
}

func (t *transaction) remove(s *Store, pk, sk string, c condition, meaning string) {
	t.items = append(t.items, types.TransactWriteItem{Delete: &types.Delete{
		TableName: &s.table, Key: s.key(pk, sk),
		ConditionExpression: expression(c), ExpressionAttributeNames: c.names, ExpressionAttributeValues: maps.Clone(c.values),
	}})
	t.meanings = append(t.meanings, meaning)
}

func (t *transaction) check(s *Store, pk, sk string, c condition, meaning string) {
	t.items = append(t.items, types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &s.table, Key: s.key(pk, sk),
		ConditionExpression: expression(c), ExpressionAttributeNames: c.names, ExpressionAttributeValues: maps.Clone(c.values),
	}})
	t.meanings = append(t.meanings, meaning)
}

func (t *transaction) commit(ctx context.Context, s *Store, doing string) error {
	if t.err != nil {
		return t.err
	}
	_, err := s.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: t.items})
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		return awsconf.Wrap(err, doing)
	}
	for i, r := range cancelled.CancellationReasons {
		switch code := aws.ToString(r.Code); {
		case code == "ConditionalCheckFailed":
			return fault.Wrap(fault.Conflict, err, "%s: %s", doing, t.meanings[i])
		case busyCodes[code]:
			return fault.Wrap(fault.Transient, err, "%s: the table is busy with it", doing)
		case code != "None":
			return fault.Wrap(fault.Invalid, err, "%s: DynamoDB refuses a record: %s", doing, code)
		}
	}
	return awsconf.Wrap(err, doing)
}

// putOnce is put as a transaction of one, whose token makes it harmless that the SDK repeats a call
// whose answer was lost: a plain put would find its own row and take it for somebody else's.
func (s *Store) putOnce(ctx context.Context, i item, c condition, meaning, doing string) error {
	var t transaction
	t.put(s, i, c, meaning)
	return t.commit(ctx, s, doing)
}

func (s *Store) remove(ctx context.Context, pk, sk string, c condition, doing string) error {
	_, err := s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &s.table, Key: s.key(pk, sk),
		ConditionExpression: expression(c), ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.values,
	})
	return awsconf.Wrap(err, doing)
}
