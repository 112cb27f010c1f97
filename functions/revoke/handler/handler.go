// Package handler orders and confirms revocations. It is what the program revoke serves, apart from its wiring: the one
// package that can take a key is linked by main alone.
package handler

import (
	"context"
	"log/slog"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/functions/internal/turn"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

type records interface {
	Machine(ctx context.Context, id string) (record.Machine, error)
	Policy(ctx context.Context, name string) (record.Policy, error)
	HoldsOn(ctx context.Context, scopes []record.Scope, now time.Time) ([]record.Hold, error)
	Apply(ctx context.Context, c store.Change) (record.Machine, error)
	turn.Store
}

type keys interface {
	Key(ctx context.Context, id string) (kmskey.Key, error)
	Grants(ctx context.Context, key, grantee string) ([]kmskey.Grant, error)
}

// taker takes keys away.
type taker interface {
	DisableKey(ctx context.Context, key string) error
	RevokeGrant(ctx context.Context, key, grant string) error
}

// Handler serves the ops turn, order, confirm and withdraw. All fields are required.
type Handler struct {
	Store records
	Keys  keys
	Taker taker
	Pace  Pace
	Log   *slog.Logger
}

// Handle serves one task; its result depends on the op.
func (h *Handler) Handle(ctx context.Context, now time.Time, t enforcement.Task) (any, error) {
	if t.Version != enforcement.Version {
		return nil, fault.New(fault.Invalid, "reading the task: version is %d, expected %d", t.Version, enforcement.Version)
	}
	switch t.Op {
	case "turn":
		return h.turn(ctx, now, t)
	case "order":
		return h.order(ctx, now, t)
	case "confirm":
		return h.confirm(ctx, now, t)
	case "withdraw":
		return h.withdraw(ctx, now, t)
	default:
		return nil, fault.New(fault.Invalid, "reading the task: op is %q, expected turn, order, confirm or withdraw", t.Op)
	}
}

// update writes what edit makes of the machine, and computes it again when somebody else changed the
// machine meanwhile. Edit says false when there is nothing to write.
func (h *Handler) update(ctx context.Context, now time.Time, machine string, edit func(m record.Machine) (store.Change, bool)) error {
	const tries = 5
	for range tries {
		m, err := h.Store.Machine(ctx, machine)
		if err != nil {
			return err
		}
		change, wanted := edit(m)
		if !wanted {
			return nil
		}
		change.At = now
		_, err = h.Store.Apply(ctx, change)
		if !fault.Is(err, fault.Conflict) {
			return err
		}
	}
	return fault.New(fault.Transient, "changing %s: it keeps being changed by others", machine)
}

// terms are the machine's policy's words on what follows; those of the built-in policy when it is gone
// or cannot be read any more. They only say when to look for a correction: what KMS says is recorded
// whatever became of the policy.
func (h *Handler) terms(ctx context.Context, name string) (policy.Integrity, error) {
	stored, err := h.Store.Policy(ctx, name)
	if fault.Is(err, fault.NotFound) {
		return policy.Default().Integrity, nil
	}
	if err != nil {
		return policy.Integrity{}, err
	}
	p, err := stored.Compile()
	if err != nil {
		h.Log.WarnContext(ctx, "policy cannot be read", boot.KeyPolicy, name, boot.KeyError, err.Error())
		return policy.Default().Integrity, nil
	}
	return p.Integrity, nil
}
