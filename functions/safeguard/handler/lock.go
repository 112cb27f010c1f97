package handler

import (
	"context"
	"slices"
	"time"

	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/safeguard"
)

const statusWithin = time.Minute

// lock puts the machine at rest: it reads what is in use and writes that down, so that it can be brought
// back, then has it stopped, unmounted and closed, and believes only the read-back. It acts only on an
// intent that recheck wrote for this very generation.
func (h *Handler) lock(ctx context.Context, now time.Time, t enforcement.Task) (outcome, text string, err error) {
	m, err := h.Store.Machine(ctx, t.Input.Machine)
	if err != nil {
		return "", "", err
	}
	if !intended(m, t) {
		return superseded, "", nil
	}
	p, err := h.policy(ctx, m.Policy)
	if err != nil {
		return "", "", err
	}
	g := mine(m, t)
	if !g.LockedAt.IsZero() {
		return locked, g.Text, nil
	}
	names := safeguard.Of(p.Integrity.Safeguard)
	if g.BeforeAt.IsZero() {
		return h.before(ctx, now, t, p, names)
	}
	r, err := h.ask(ctx, now, t, safeguard.Lock, names, p.Integrity.Safeguard.LockWithin)
	switch {
	case err != nil || r.waiting:
		return waiting, "", err
	case r.failed != "":
		return h.notLocked(ctx, now, t, p, r)
	}
	if ok, why := safeguard.Locked(names, r.answer); !ok {
		r.failed = why
		return h.notLocked(ctx, now, t, p, r)
	}
	_, err = h.edit(ctx, now, t, func(_ *record.Machine, g *record.Safeguard) ([]record.Entry, bool) {
		g.LockedAt, g.Command, g.Failed, g.Text = now, nil, "", r.answer.Text()
		return []record.Entry{{Kind: record.EntryLock, Text: "locked and read back: " + g.Text}}, true
	})
	return locked, r.answer.Text(), err
}

// before reads what is in use. Nothing was stopped until it is written down.
func (h *Handler) before(ctx context.Context, now time.Time, t enforcement.Task, p *policy.Policy, names safeguard.Names) (string, string, error) {
	r, err := h.ask(ctx, now, t, safeguard.Status, names, statusWithin)
	switch {
	case err != nil || r.waiting:
		return waiting, "", err
	case r.failed != "":
		return h.notLocked(ctx, now, t, p, r)
	}
	_, err = h.edit(ctx, now, t, func(m *record.Machine, g *record.Safeguard) ([]record.Entry, bool) {
		g.Before, g.BeforeAt, g.Command, g.Text = safeguard.Running(r.answer).Joined(g.Before), now, nil, r.answer.Text()
		if len(g.Before.Units) > 0 {
			g.Rules = failing(*m, p, g.Rules)
		}
		return nil, true
	})
	return waiting, "", err
}

// failing are the rules that fail now and that stopping a service can make pass, with those of before.
func failing(m record.Machine, p *policy.Policy, rules []string) []string {
	rules = slices.Clone(rules)
	can := p.Stoppable()
	for _, f := range m.Findings {
		if f.Verdict == policy.Fail && slices.Contains(can, f.Rule) && !slices.Contains(rules, f.Rule) {
			rules = append(rules, f.Rule)
		}
	}
	return rules
}

func (h *Handler) notLocked(ctx context.Context, now time.Time, t enforcement.Task, p *policy.Policy, r said) (string, string, error) {
	_, err := h.edit(ctx, now, t, func(_ *record.Machine, g *record.Safeguard) ([]record.Entry, bool) {
		g.Command, g.Failed = nil, r.failed
		if text := r.answer.Text(); text != "" {
			g.Text = text
		}
		return []record.Entry{{Kind: record.EntryLock, Text: "not locked: " + r.failed}}, true
	})
	return missed(p), r.failed, err
}

// unlock brings back what the lock stopped, since no revocation came of it, lets an application go on that is at rest
// still, and gives up an intent of which KMS was not asked. What could not be brought back is told.
func (h *Handler) unlock(ctx context.Context, now time.Time, t enforcement.Task) (outcome, text string, err error) {
	m, err := h.Store.Machine(ctx, t.Input.Machine)
	if err != nil {
		return "", "", err
	}
	g := mine(m, t)
	if g.Rest.Open() && g.Rest.UnlockedBy != t.Execution {
		return waiting, "", h.letGo(ctx, now, t, *g.Rest)
	}
	if g.BeforeAt.IsZero() {
		return unlocked, "nothing had been stopped", h.giveUp(ctx, now, t)
	}
	if g.UnlockedAt.IsZero() {
		r, err := h.ask(ctx, now, t, safeguard.Unlock, g.Before, unlockWithin)
		if err != nil || r.waiting {
			return waiting, "", err
		}
		ok, why := r.failed == "", r.failed
		if ok {
			ok, why = safeguard.Unlocked(g.Before, r.answer)
		}
		if err := h.unlocked(ctx, now, t, ok, why, r.answer.Text()); err != nil {
			return "", "", err
		}
		if !ok {
			return failed, why, h.giveUp(ctx, now, t)
		}
		g.Text = r.answer.Text() + why
	}
	return unlocked, g.Text, h.giveUp(ctx, now, t)
}

const unlockWithin = 5 * time.Minute

func (h *Handler) unlocked(ctx context.Context, now time.Time, t enforcement.Task, ok bool, why, text string) error {
	_, err := h.edit(ctx, now, t, func(_ *record.Machine, g *record.Safeguard) ([]record.Entry, bool) {
		g.Command, g.LockedAt = nil, time.Time{}
		if text != "" {
			g.Text = text
		}
		if !ok {
			g.Failed = why
			return []record.Entry{{Kind: record.EntryUnlock, Text: "not brought back: " + why}}, true
		}
		g.UnlockedAt = now
		return []record.Entry{{Kind: record.EntryUnlock, Text: "brought back and read back: " + g.Text + why}}, true
	})
	return err
}

// giveUp takes back an intent of which KMS was never asked, with its lease, so that the machine has its key
// as before and the next attempt begins anew.
func (h *Handler) giveUp(ctx context.Context, now time.Time, t enforcement.Task) error {
	const tries = 5
	for range tries {
		m, err := h.Store.Machine(ctx, t.Input.Machine)
		if err != nil || !intended(m, t) || !m.Taken.OrderedAt.IsZero() {
			return err
		}
		lease := &record.Lease{
			Name: record.LeaseName(m.Taken.Mode, m.Taken.KeyARN, m.ID), Holder: record.LeaseHolder("revoke", m.ID, m.Taken.Generation),
		}
		m.State, m.Taken = integrity.Unordered(m.State, now), nil
		_, err = h.Store.Apply(ctx, store.Change{Machine: m, At: now, DropLease: lease, Ledger: []record.Entry{{
			Machine: m.ID, At: now, Kind: record.EntryFailed, Generation: m.State.Generation, Execution: t.Execution,
			Text: "not revoked: the intent was given up before KMS was asked",
		}}})
		if !fault.Is(err, fault.Conflict) {
			return err
		}
	}
	return fault.New(fault.Transient, "changing %s: it keeps being changed by others", t.Input.Machine)
}
