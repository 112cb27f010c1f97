package store

import (
	"context"
	"fmt"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

const (
	breakerKey = "breaker"
	breakerRow = "all"
	rulesStart = "policy#"
	eventStart = "event#"
)

func rulesRow(policy string) string { return rulesStart + policy }

// breakerItem is the one row that every reservation of a revocation writes, under the condition that
// nobody wrote it since: DynamoDB then lets through one after the other, each with the count of those
// before it. It is a hot row only while there is room: who reads that there is none writes nothing, so
// that a thousand enforcements in one second make as many writes as the limit allows, and a thousand
// reads. A row takes 1,000 writes a second and 400 KB; the limit is at most 1,000 machines of about 90
// bytes each, before they are compressed.
func breakerItem(b record.Breaker) item {
	b.Version++
	return item{pk: breakerKey, sk: breakerRow, version: b.Version, doc: b}
}

func rulesItem(b record.RuleBreaker) item {
	b.Version++
	return item{pk: breakerKey, sk: rulesRow(b.Policy), version: b.Version, doc: b}
}

// Breaker reads the breaker over everything; the zero value when nothing was ever counted.
func (s *Store) Breaker(ctx context.Context) (record.Breaker, error) {
	b, err := get[record.Breaker](ctx, s, breakerKey, breakerRow, "reading the breaker")
	if fault.Is(err, fault.NotFound) {
		return record.Breaker{}, nil
	}
	return b, err
}

// RuleBreaker reads the breaker on the rules of a policy; one without trips when there was never one.
func (s *Store) RuleBreaker(ctx context.Context, policy string) (record.RuleBreaker, error) {
	b, err := get[record.RuleBreaker](ctx, s, breakerKey, rulesRow(policy), "reading the breaker of policy "+policy)
	if fault.Is(err, fault.NotFound) {
		return record.RuleBreaker{Policy: policy}, nil
	}
	return b, err
}

// RuleBreakers reads those of all policies that ever had one, by policy.
func (s *Store) RuleBreakers(ctx context.Context) ([]record.RuleBreaker, error) {
	return under[record.RuleBreaker](ctx, s, breakerKey, rulesStart, false, 0, "reading the breakers of policies")
}

// BreakerEvents reads what was done about the breakers, newest first; limit 0 means all.
func (s *Store) BreakerEvents(ctx context.Context, limit int) ([]record.BreakerEvent, error) {
	return under[record.BreakerEvent](ctx, s, breakerKey, eventStart, true, limit, "reading the events of the breaker")
}

// ChangeBreaker writes a change of a breaker in one transaction; a fault.Conflict when it was changed since
// it was read. A revocation is counted by Apply.
func (s *Store) ChangeBreaker(ctx context.Context, c record.BreakerChange) error {
	var t transaction
	const changed = "it was changed by somebody else"
	mark := ""
	if b := c.Breaker; b != nil {
		t.put(s, breakerItem(*b), versionIs(b.Version), changed)
		mark = fmt.Sprintf("%06d", b.Version+1)
	}
	if b := c.Rules; b != nil {
		t.put(s, rulesItem(*b), versionIs(b.Version), changed)
		mark = fmt.Sprintf("%06d#%s", b.Version+1, b.Policy)
	}
	if e := c.Event; e != nil {
		t.put(s, item{pk: breakerKey, sk: eventStart + stamp(e.At) + "#" + mark, doc: e}, isNew, "the event is there already")
	}
	if o := c.Start; o != nil {
		t.put(s, item{pk: outboxKey, sk: "start#" + o.Name, doc: o}, condition{}, "")
	}
	return t.commit(ctx, s, "changing the breaker")
}
