package handler

import (
	"context"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/functions/internal/turn"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/pace"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// longestWait is how long a revocation waits for its turn, from the intent: what the look before it saw gets no younger.
// After that it is held, and another look comes first.
const longestWait = 5 * time.Minute

// askAgain is when a bucket that could not be read is asked again.
const askAgain = 10 * time.Second

// Pace are the buckets of the calls that take keys.
type Pace struct{ DisableKey, RevokeGrant pace.Bucket }

// turn asks for a turn to call KMS. While it waits nothing was asked of KMS, so that a hold takes effect and the wait has an
// end. An order that is written had its turn: its repeat after a crash needs none, as little as one without an intent,
// which calls nobody.
func (h *Handler) turn(ctx context.Context, now time.Time, t enforcement.Task) (enforcement.Turn, error) {
	m, err := h.Store.Machine(ctx, t.Input.Machine)
	if err != nil {
		return enforcement.Turn{}, err
	}
	its := enforcement.Turn{Outcome: "now", At: now}
	if !intended(m, t) || !m.Taken.OrderedAt.IsZero() {
		return its, nil
	}
	bucket, calls := h.calls(*m.Taken)
	if calls == 0 {
		return its, nil
	}
	waited := t.Input.Turn != nil && t.Input.Turn.Outcome == enforcement.Paced
	if reason := h.stopped(ctx, now, m); waited && reason != "" {
		return h.giveUp(ctx, now, t, m, reason)
	}
	at, err := turn.Asker{Store: h.Store, Bucket: bucket}.Ask(ctx, now, place(m), calls, waited)
	if err != nil {
		h.Log.WarnContext(ctx, "pace cannot be read", boot.KeyMachine, m.ID, boot.KeyError, err.Error())
		at = now.Add(askAgain).Truncate(time.Second)
	}
	switch {
	case at.IsZero():
		return its, nil
	case at.Sub(m.Taken.IntentAt) > longestWait:
		return h.giveUp(ctx, now, t, m, guard.ReasonNoTurn)
	}
	return enforcement.Turn{Outcome: enforcement.Paced, At: at}, nil
}

// calls are the calls to KMS that a revocation takes, and their bucket.
func (h *Handler) calls(taken record.Taken) (pace.Bucket, int) {
	switch {
	case taken.Mode == policy.RevokeGrant:
		return h.Pace.RevokeGrant, len(taken.Grants)
	case taken.HadNone:
		return h.Pace.DisableKey, 0
	default:
		return h.Pace.DisableKey, 1
	}
}

// place is the machine's in the queue: the breaker's order of severity.
func place(m record.Machine) string {
	s := guard.SeverityOf(m)
	return pace.Order(s.Failed, s.DueAt, s.ID)
}

// stopped is why a revocation that waits must not go on: a person's hold, "" when there is none. One that cannot be
// read is asked for again in the transaction of the order.
func (h *Handler) stopped(ctx context.Context, now time.Time, m record.Machine) guard.Reason {
	scopes := record.Scopes(m.ID, m.Policy)
	held, err := h.Store.HoldsOn(ctx, scopes, now)
	if err != nil || len(held) == 0 {
		return ""
	}
	return map[record.Scope]guard.Reason{
		scopes[0]: guard.ReasonHeldGlobal, scopes[1]: guard.ReasonHeldPolicy, scopes[2]: guard.ReasonHeldMachine,
	}[held[0].Scope]
}

// giveUp takes the intent back. When an earlier revocation took the key already and it was not given back since, there is
// nothing to give up: KMS is read first, and only if it says that the machine has its key is it noted so.
func (h *Handler) giveUp(ctx context.Context, now time.Time, t enforcement.Task, m record.Machine, reason guard.Reason) (enforcement.Turn, error) {
	wait := enforcement.Turn{Outcome: enforcement.Paced, At: now.Add(askAgain).Truncate(time.Second)}
	gone, _, _, err := h.readBack(ctx, m.ID, *m.Taken)
	if err != nil {
		return enforcement.Turn{}, err
	}
	if gone {
		return wait, nil
	}
	superseded := false
	err = h.update(ctx, now, m.ID, func(m record.Machine) (store.Change, bool) {
		if superseded = !intended(m, t) || !m.Taken.OrderedAt.IsZero(); superseded {
			return store.Change{}, false
		}
		mine := lease(*m.Taken, m)
		// Why it stands still is stored by the state that follows, which also knows whether people were told.
		m.State, m.Taken = integrity.Unheld(integrity.NotRevoked(m.State, string(reason), now), now), nil
		return store.Change{Machine: m, DropLease: mine, Ledger: []record.Entry{{
			Machine: m.ID, At: now, Kind: record.EntryFailed, Generation: m.State.Generation, Execution: t.Execution,
			Text: "intent withdrawn before KMS was asked: " + reason.Text(),
		}}}, true
	})
	switch {
	case err != nil:
		return enforcement.Turn{}, err
	case superseded:
		return wait, nil // the next try finds out by what
	}
	h.Log.WarnContext(ctx, "revocation gave up its turn", boot.KeyMachine, m.ID, boot.KeyReason, string(reason), boot.KeyExecution, t.Execution)
	return enforcement.Turn{Outcome: "held", Reason: string(reason), At: now}, nil
}
