package store

import (
	"context"
	"time"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

const callRow = "call"

func callKey(id string) string { return "call#" + id }

// BeginCall writes that a call is being carried out, unless somebody does or did so: then it returns what is kept of it,
// and false. A call whose bearer died is taken over, and one that is no longer kept begins anew. Of two who begin
// at the same moment one does.
func (s *Store) BeginCall(ctx context.Context, c record.Call, now time.Time) (record.Call, bool, error) {
	doing := "beginning a call with an idempotency key"
	c = c.Begun(now)
	const tries = 3
	for range tries {
		err := s.putCall(ctx, c, gone(now), doing)
		if !fault.Is(err, fault.Conflict) {
			return c, err == nil, err
		}
		kept, err := get[record.Call](ctx, s, callKey(c.ID), callRow, doing)
		switch {
		case fault.Is(err, fault.NotFound):
			continue // it was deleted in between
		case err != nil:
			return c, false, err
		}
		taken, may := kept.Taken(c.Digest, now)
		if !may {
			return kept, false, nil
		}
		if err = s.putCall(ctx, taken, versionIs(kept.Attempts), doing); !fault.Is(err, fault.Conflict) {
			return taken, err == nil, err
		}
	}
	return c, false, fault.New(fault.Transient, "%s: others are at it", doing)
}

// EndCall writes the answer of a call, or, without a status, that it may be carried out again at once. A fault.Conflict
// when another took it over.
func (s *Store) EndCall(ctx context.Context, c record.Call) error {
	before := c.Attempts
	c.Attempts++
	return s.putCall(ctx, c, versionIs(before), "ending a call with an idempotency key")
}

func (s *Store) putCall(ctx context.Context, c record.Call, holds condition, doing string) error {
	var t transaction
	t.put(s, item{pk: callKey(c.ID), sk: callRow, version: c.Attempts, doc: c, expires: c.At.Add(record.KeepCalls)}, holds, "another is at it")
	return t.commit(ctx, s, doing)
}
