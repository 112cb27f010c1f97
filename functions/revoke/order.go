package main

import (
	"context"
	"fmt"
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
func (h *handler) order(ctx context.Context, now time.Time, t enforcement.Task) (enforcement.Ordered, error) {
	m, err := h.store.Machine(ctx, t.Input.Machine)
	if err != nil {
		return enforcement.Ordered{}, err
	}
	if !intended(m, t) {
		return enforcement.Ordered{Outcome: "superseded", At: now}, nil
	}
	taken := *m.Taken
	if !taken.OrderedAt.IsZero() {
		return enforcement.Ordered{Outcome: "ordered", At: taken.OrderedAt}, nil
	}
	if err := h.guarded(ctx, taken.KeyARN); err != nil {
		return enforcement.Ordered{}, err
	}
	if err := h.take(ctx, taken); err != nil {
		return enforcement.Ordered{}, err
	}
	superseded := false
	err = h.update(ctx, now, m.ID, func(m record.Machine) (store.Change, bool) {
		if superseded = !intended(m, t); superseded {
			return store.Change{}, false
		}
		taken := *m.Taken
		taken.OrderedAt = now
		m.Taken = &taken
		return store.Change{Machine: m, Ledger: []record.Entry{{
			Machine: m.ID, At: now, Kind: record.EntryOrdered, Generation: m.State.Generation, Execution: t.Execution,
			Text: "KMS was asked: " + action(taken), Detail: taken.GrantID,
		}}}, true
	})
	if err != nil {
		return enforcement.Ordered{}, err
	}
	if superseded {
		// The lease forbids this; if it happens all the same, people have to know.
		h.log.ErrorContext(ctx, "machine changed while its key was taken", boot.KeyMachine, m.ID, boot.KeyExecution, t.Execution)
		return enforcement.Ordered{Outcome: "superseded", At: now}, nil
	}
	h.log.InfoContext(ctx, "revocation ordered", boot.KeyMachine, m.ID, boot.KeyExecution, t.Execution)
	return enforcement.Ordered{Outcome: "ordered", At: now}, nil
}

// intended says whether the ledger's intent for this execution's generation stands.
func intended(m record.Machine, t enforcement.Task) bool {
	return m.State.Key == integrity.KeyRevoking && m.State.Generation == t.Input.Generation &&
		m.Taken != nil && m.Taken.Generation == t.Input.Generation
}

func (h *handler) guarded(ctx context.Context, arn string) error {
	k, err := h.keys.Key(ctx, arn)
	if err != nil {
		return err
	}
	if !k.Guarded {
		return fault.New(fault.Denied, "taking the key: it is not tagged keyward:guarded = true")
	}
	return nil
}

func (h *handler) take(ctx context.Context, taken record.Taken) error {
	switch {
	case taken.NothingToDo && taken.GrantID == "":
		return nil
	case taken.Mode == policy.DisableKey:
		return h.taker.DisableKey(ctx, taken.KeyARN)
	case taken.Mode == policy.RevokeGrant:
		return h.taker.RevokeGrant(ctx, taken.KeyARN, taken.GrantID)
	default:
		return fault.New(fault.Invalid, "taking the key: mode is %q, expected %s or %s", taken.Mode, policy.RevokeGrant, policy.DisableKey)
	}
}

func action(t record.Taken) string {
	switch {
	case t.NothingToDo && t.GrantID != "":
		return fmt.Sprintf("revoke the grant of %s, which it did not list", t.Grantee)
	case t.NothingToDo:
		return "nothing to take, the machine had no access"
	case t.Mode == policy.DisableKey:
		return "disable the key"
	default:
		return fmt.Sprintf("revoke the grant of %s", t.Grantee)
	}
}
