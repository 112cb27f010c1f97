package handler

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// apart is the least time between the two read-backs that confirm a revocation.
const apart = 10 * time.Second

// confirm reads KMS back, whatever the order answered. A revocation is confirmed when two reads at
// least 10 seconds apart say that the machine has no access; the first alone is only seen.
func (h *Handler) confirm(ctx context.Context, now time.Time, t enforcement.Task) (enforcement.Confirmation, error) {
	m, err := h.Store.Machine(ctx, t.Input.Machine)
	if err != nil {
		return enforcement.Confirmation{}, err
	}
	if done := m.State.Key == integrity.KeyRevoked && m.Taken != nil && m.Taken.Generation == t.Input.Generation; done {
		return enforcement.Confirmation{Outcome: "revoked", At: m.Taken.ConfirmedAt}, nil
	}
	if !intended(m, t) {
		h.leave(ctx, now, t)
		return enforcement.Confirmation{Outcome: "notRevoked", At: now, Text: "the intent was withdrawn before it was carried out"}, nil
	}
	gone, remains, text, err := h.readBack(ctx, m.ID, *m.Taken)
	if err != nil {
		return enforcement.Confirmation{}, err
	}
	if !gone {
		return h.notRevoked(ctx, now, t, text)
	}
	return h.seen(ctx, now, t, text, remains)
}

// readBack says whether the machine has lost what was to be taken, and what others gave it beside that.
func (h *Handler) readBack(ctx context.Context, machine string, taken record.Taken) (gone bool, remains []string, text string, err error) {
	if taken.Mode == policy.DisableKey {
		k, err := h.Keys.Key(ctx, taken.KeyARN)
		return err == nil && k.State == "Disabled", nil, "KMS says that the key is " + k.State, err
	}
	grants, err := h.Keys.Grants(ctx, taken.KeyARN, taken.Grantee)
	if err != nil {
		return false, nil, "", err
	}
	for _, g := range grants {
		if g.Ours(machine) || slices.Contains(taken.Grants, g.ID) {
			return false, nil, "KMS still lists a grant of the machine", nil
		}
		remains = append(remains, guard.KeyGrant{Name: g.Name, Grantee: g.Grantee, Operations: g.Operations}.String())
	}
	if len(remains) > 0 {
		return true, remains, fmt.Sprintf("KMS lists no grant that Keyward made any more, but %d others of the same machine: not effective", len(remains)), nil
	}
	return true, nil, "KMS lists no grant of the machine", nil
}

func (h *Handler) seen(ctx context.Context, now time.Time, t enforcement.Task, text string, remains []string) (enforcement.Confirmation, error) {
	result := enforcement.Confirmation{Outcome: "seen", At: now, Text: text}
	terms, err := h.terms(ctx, t.Input.Policy)
	if err != nil {
		return enforcement.Confirmation{}, err
	}
	var ordered time.Time
	err = h.update(ctx, now, t.Input.Machine, func(m record.Machine) (store.Change, bool) {
		ordered = time.Time{}
		if !intended(m, t) {
			return store.Change{}, false
		}
		taken := *m.Taken
		m.Taken = &taken
		if taken.FirstRead.IsZero() {
			taken.FirstRead = now
			return store.Change{Machine: m}, true
		}
		if now.Sub(taken.FirstRead) < apart {
			return store.Change{}, false
		}
		taken.ConfirmedAt, taken.InForceAt = now, now.Add(patience)
		var entries []record.Entry
		if g := m.Safeguard; terms.Effect == policy.EffectLock && g != nil && g.Generation == taken.Generation && !g.LockedAt.IsZero() && len(remains) == 0 {
			taken.EffectiveAt, taken.EffectiveBy = now, record.ByMachine
			entries = append(entries, record.Entry{
				Machine: m.ID, At: now, Kind: record.EntryEffective, Generation: m.State.Generation, Execution: t.Execution,
				Text: "effective: says the machine, which was locked and read back before its key went",
			})
		}
		m.State, m.Grant, m.GrantedFor, m.NotEffective = integrity.Revoked(m.State, now, terms), "", 0, remains
		result.Outcome, ordered = "revoked", taken.OrderedAt
		c := store.Change{Machine: m, Ledger: append([]record.Entry{{
			Machine: m.ID, At: now, Kind: record.EntryConfirmed, Generation: m.State.Generation, Execution: t.Execution,
			Text: "revoked: " + text + ", read back twice", Detail: strings.Join(taken.Grants, " "),
		}}, entries...)}
		mine := lease(taken, m)
		if mine.Until = taken.FirstRead.Add(inFlight); now.Before(mine.Until) {
			c.TakeLease = mine // an order that was given up before the first read may still be on its way to KMS
		} else {
			c.DropLease = mine
		}
		return c, true
	})
	if err != nil {
		return enforcement.Confirmation{}, err
	}
	h.Log.InfoContext(ctx, "revocation read back", boot.KeyMachine, t.Input.Machine, boot.KeyKind, result.Outcome, boot.Took("ConfirmedSeconds", ordered, now))
	return result, nil
}

// patience is how long KMS may take to show what it was asked: changes reach everywhere within five
// minutes (KMS developer guide, eventual consistency).
const patience = 5 * time.Minute

// notRevoked notes that the machine still has its key. Before the order is old enough to have reached
// everywhere it only says "seen", to be asked again. An order that was never written was never asked.
func (h *Handler) notRevoked(ctx context.Context, now time.Time, t enforcement.Task, text string) (enforcement.Confirmation, error) {
	result := enforcement.Confirmation{Outcome: "notRevoked", At: now, Text: text}
	err := h.update(ctx, now, t.Input.Machine, func(m record.Machine) (store.Change, bool) {
		if !intended(m, t) {
			return store.Change{}, false
		}
		if ordered := m.Taken.OrderedAt; !ordered.IsZero() && now.Sub(ordered) < patience {
			result.Outcome = "seen"
			return store.Change{}, false
		}
		mine := lease(*m.Taken, m)
		m.State, m.Taken = integrity.NotRevoked(m.State, "not-revoked", now), nil
		return store.Change{
			Machine: m, DropLease: mine,
			Ledger: []record.Entry{{
				Machine: m.ID, At: now, Kind: record.EntryFailed, Generation: m.State.Generation, Execution: t.Execution,
				Text: "not revoked: " + text,
			}},
		}, true
	})
	return result, err
}

// lease is the one that recheck took for this revocation.
func lease(taken record.Taken, m record.Machine) *record.Lease {
	return &record.Lease{
		Name: record.LeaseName(taken.Mode, taken.KeyARN, m.ID), Holder: record.LeaseHolder("revoke", m.ID, taken.Generation),
	}
}

// withdraw removes the grant of a machine that is gone. It is no revocation: nobody is left to use it.
func (h *Handler) withdraw(ctx context.Context, now time.Time, t enforcement.Task) (enforcement.Ordered, error) {
	m, err := h.Store.Machine(ctx, t.Input.Machine)
	if err != nil {
		return enforcement.Ordered{}, err
	}
	if m.State.Generation != t.Input.Generation || m.State.GoneAt.IsZero() {
		return enforcement.Ordered{Outcome: "superseded", At: now}, nil
	}
	err = h.guarded(ctx, m.Key.ARN)
	if fault.Is(err, fault.NotFound) {
		return enforcement.Ordered{Outcome: "nothing", At: now}, h.withdrawn(ctx, now, t, "its key does not exist any more")
	}
	if err != nil {
		return enforcement.Ordered{}, err
	}
	if stands, err := h.disabling(ctx, now, t, m); stands || err != nil {
		return enforcement.Ordered{Outcome: "ordered", At: now}, err
	}
	grants, err := h.Keys.Grants(ctx, m.Key.ARN, m.SessionARN)
	if err != nil {
		return enforcement.Ordered{}, err
	}
	outcome, text := "nothing", "it held no grant"
	for _, g := range grants {
		if !g.Ours(m.ID) {
			continue
		}
		if err := h.Taker.RevokeGrant(ctx, m.Key.ARN, g.ID); err != nil {
			return enforcement.Ordered{}, err
		}
		outcome, text = "ordered", "its grant was withdrawn"
	}
	return enforcement.Ordered{Outcome: outcome, At: now}, h.withdrawn(ctx, now, t, text)
}

func (h *Handler) withdrawn(ctx context.Context, now time.Time, t enforcement.Task, text string) error {
	return h.update(ctx, now, t.Input.Machine, func(m record.Machine) (store.Change, bool) {
		if m.State.Generation != t.Input.Generation || m.State.Key == integrity.KeyWithdrawn {
			return store.Change{}, false
		}
		detail := m.Grant
		m.State, m.Grant, m.GrantedFor = integrity.Withdrawn(m.State, now), "", 0
		return store.Change{Machine: m, Ledger: []record.Entry{{
			Machine: m.ID, At: now, Kind: record.EntryWithdrawn, Generation: m.State.Generation, Execution: t.Execution,
			Text: "the machine is gone: " + text, Detail: detail,
		}}}, true
	})
}
