package handler

import (
	"context"
	"time"

	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// disabling reads back a key that KMS was asked to disable before its machine went away: nobody else would,
// and the key must not be called untouched. stands says that it is disabled and noted as revoked, so that a
// person can have it back. Until two reads say so, or KMS had its time, it asks to be called again.
func (h *Handler) disabling(ctx context.Context, now time.Time, t enforcement.Task, m record.Machine) (stands bool, err error) {
	taken := m.Taken
	if taken == nil || taken.Mode != policy.DisableKey || taken.OrderedAt.IsZero() || taken.HadNone || m.State.Key != integrity.KeyRevoking {
		return false, nil
	}
	k, err := h.Keys.Key(ctx, taken.KeyARN)
	switch {
	case err != nil:
		return false, err
	case k.State == "Disabled" && !taken.FirstRead.IsZero() && now.Sub(taken.FirstRead) >= apart:
		return true, h.revokedGone(ctx, now, t)
	case k.State == "Disabled":
		err = h.update(ctx, now, m.ID, func(m record.Machine) (store.Change, bool) {
			if m.Taken == nil || !m.Taken.FirstRead.IsZero() {
				return store.Change{}, false
			}
			seen := *m.Taken
			seen.FirstRead, m.Taken = now, &seen
			return store.Change{Machine: m}, true
		})
		if err != nil {
			return false, err
		}
	case now.Sub(taken.OrderedAt) >= patience:
		return false, nil // KMS had its time and did not disable it
	}
	return false, fault.New(fault.Transient, "reading back the key of %s, which is gone: once is not enough", m.ID)
}

func (h *Handler) revokedGone(ctx context.Context, now time.Time, t enforcement.Task) error {
	return h.update(ctx, now, t.Input.Machine, func(m record.Machine) (store.Change, bool) {
		if m.State.Generation != t.Input.Generation || m.State.Key != integrity.KeyRevoking || m.Taken == nil {
			return store.Change{}, false
		}
		taken := *m.Taken
		taken.ConfirmedAt, m.Taken = now, &taken
		m.State = integrity.RevokedGone(m.State, now)
		return store.Change{Machine: m, DropLease: lease(taken, m), Ledger: []record.Entry{{
			Machine: m.ID, At: now, Kind: record.EntryConfirmed, Generation: m.State.Generation, Execution: t.Execution,
			Text: "the machine is gone, and its key had been disabled: KMS says that the key is Disabled, read back twice",
		}}}, true
	})
}
