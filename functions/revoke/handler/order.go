package handler

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// order asks KMS to take the key. It acts only on an intent that recheck wrote for this very
// generation, so that a task that runs late or twice takes nothing that was given back since.
func (h *Handler) order(ctx context.Context, now time.Time, t enforcement.Task) (enforcement.Ordered, error) {
	m, err := h.Store.Machine(ctx, t.Input.Machine)
	if err != nil {
		return enforcement.Ordered{}, err
	}
	if !intended(m, t) {
		return h.superseded(ctx, now, t)
	}
	if err := h.guarded(ctx, m.Taken.KeyARN); err != nil {
		return enforcement.Ordered{}, err
	}
	at, superseded, err := h.recordOrder(ctx, now, t)
	if err != nil {
		return enforcement.Ordered{}, err
	}
	if superseded {
		return h.superseded(ctx, now, t)
	}
	if err := h.take(ctx, *m.Taken); err != nil {
		return enforcement.Ordered{}, err
	}
	if m, err = h.Store.Machine(ctx, m.ID); err != nil {
		return enforcement.Ordered{}, err
	}
	if !intended(m, t) {
		// A judgement came between: the machine's next execution finds in the record what was taken.
		h.Log.WarnContext(ctx, "machine changed while its key was taken", boot.KeyMachine, m.ID, boot.KeyExecution, t.Execution)
		return h.superseded(ctx, now, t)
	}
	h.Log.InfoContext(ctx, "revocation ordered", boot.KeyMachine, m.ID, boot.KeyExecution, t.Execution, boot.Took("OrderedSeconds", m.State.DueAt, at))
	return enforcement.Ordered{Outcome: "ordered", At: at}, nil
}

// leaseFor is longer than the timeouts of all tasks from here to the second read-back: the wait for a turn used up some
// of what recheck took.
const leaseFor = 10 * time.Minute

// recordOrder writes that KMS is asked before it is, and asks the holds and the waivers a last time with it. An order that
// is written already is asked again: both calls change nothing the second time.
func (h *Handler) recordOrder(ctx context.Context, now time.Time, t enforcement.Task) (at time.Time, superseded bool, err error) {
	err = h.update(ctx, now, t.Input.Machine, func(m record.Machine) (store.Change, bool) {
		if superseded = !intended(m, t); superseded {
			return store.Change{}, false
		}
		taken := *m.Taken
		m.Taken = &taken
		if at = taken.OrderedAt; !at.IsZero() {
			return store.Change{}, false
		}
		taken.OrderedAt, at = now, now
		mine := lease(taken, m)
		mine.Until = now.Add(leaseFor)
		return store.Change{Machine: m, NotHeld: record.Scopes(m.ID, m.Policy), Waivers: taken.Waivers, TakeLease: mine, Ledger: []record.Entry{{
			Machine: m.ID, At: now, Kind: record.EntryOrdered, Generation: m.State.Generation, Execution: t.Execution,
			Text: "KMS is asked: " + action(taken), Detail: strings.Join(taken.Grants, " "),
		}}}, true
	})
	return at, superseded, err
}

// superseded gives the lease back, so that whatever comes next need not wait long.
func (h *Handler) superseded(ctx context.Context, now time.Time, t enforcement.Task) (enforcement.Ordered, error) {
	h.leave(ctx, now, t)
	return enforcement.Ordered{Outcome: "superseded", At: now}, nil
}

// inFlight is longer than this function's timeout, and shorter than a restore tries again by itself.
const inFlight = 32 * time.Second

// leave gives back the lease of this execution's revocation, if it still has it. Once an order is written it keeps it for
// as long as another invocation can be on its way, which Step Functions gave up and which read the record before it was
// changed: that one may be about to ask KMS by that order, after a restore that did not wait for it.
func (h *Handler) leave(ctx context.Context, now time.Time, t enforcement.Task) {
	err := h.update(ctx, now, t.Input.Machine, func(m record.Machine) (store.Change, bool) {
		if m.Taken == nil || m.Taken.Generation != t.Input.Generation {
			return store.Change{}, false
		}
		mine := &record.Lease{
			Name:   record.LeaseName(m.Key.Mode, m.Key.ARN, m.ID),
			Holder: record.LeaseHolder("revoke", m.ID, t.Input.Generation),
		}
		if !m.Taken.OrderedAt.IsZero() {
			mine.Until = now.Add(inFlight)
			return store.Change{Machine: m, TakeLease: mine}, true
		}
		return store.Change{Machine: m, DropLease: mine}, true
	})
	if err != nil {
		h.Log.InfoContext(ctx, "lease is left to its end", boot.KeyMachine, t.Input.Machine, boot.KeyError, err.Error())
	}
}

// intended says whether the ledger's intent for this execution's generation stands.
func intended(m record.Machine, t enforcement.Task) bool {
	return m.State.Key == integrity.KeyRevoking && m.State.Generation == t.Input.Generation &&
		m.Taken != nil && m.Taken.Generation == t.Input.Generation
}

func (h *Handler) guarded(ctx context.Context, arn string) error {
	k, err := h.Keys.Key(ctx, arn)
	if err != nil {
		return err
	}
	if !k.Guarded {
		return fault.New(fault.Denied, "taking the key: it is not tagged keyward:guarded = true")
	}
	return nil
}

func (h *Handler) take(ctx context.Context, taken record.Taken) error {
	switch taken.Mode {
	case policy.DisableKey:
		if taken.HadNone {
			return nil
		}
		return h.Taker.DisableKey(ctx, taken.KeyARN)
	case policy.RevokeGrant:
		for _, id := range taken.Grants {
			if err := h.Taker.RevokeGrant(ctx, taken.KeyARN, id); err != nil {
				return err
			}
		}
		return nil
	default:
		return fault.New(fault.Invalid, "taking the key: mode is %q, expected %s or %s", taken.Mode, policy.RevokeGrant, policy.DisableKey)
	}
}

func action(t record.Taken) string {
	switch {
	case t.HadNone && len(t.Grants) > 0:
		return fmt.Sprintf("revoke the grant of %s, which it did not list", t.Grantee)
	case t.HadNone:
		return "nothing to take, the machine had no access"
	case t.Mode == policy.DisableKey:
		return "disable the key"
	case len(t.Grants) > 1:
		return fmt.Sprintf("revoke %d grants of %s", len(t.Grants), t.Grantee)
	default:
		return fmt.Sprintf("revoke the grant of %s", t.Grantee)
	}
}
