package handler

import (
	"cmp"
	"context"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/content"
	"github.com/keyward/keyward/shared/delivery"
	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// warn sends the warning of a violation. That SES accepted it starts the grace, which counts from the start of
// the first attempt that SES may have accepted: the deadline that every mail of it names is the one that is stored.
func (h *Handler) warn(ctx context.Context, now time.Time, t enforcement.Task) (enforcement.Warned, error) {
	m, p, err := h.read(ctx, t)
	if err != nil {
		return enforcement.Warned{}, err
	}
	if m.State.Generation != t.Input.Generation || m.State.Standing != integrity.Bad || !integrity.Revokes(m.State, p.Integrity) {
		return enforcement.Warned{Outcome: "superseded", DueAt: now.Truncate(time.Second)}, nil
	}
	if !m.State.WarnedAt.IsZero() {
		return enforcement.Warned{Outcome: "warned", DueAt: m.State.DueAt, AcceptedAt: m.State.WarnedAt}, nil
	}
	one := h.unwarned(m, p, t)
	switch {
	case len(one.counts) == 0:
		h.Log.ErrorContext(ctx, nobody, boot.KeyMachine, m.ID, boot.KeyKind, string(notice.Warning))
		return enforcement.Warned{Outcome: "unreachable", DueAt: now.Truncate(time.Second)}, nil
	case t.Gathers && !drill.Is(m.ID):
		return h.together(ctx, now, one)
	}
	return h.alone(ctx, now, one)
}

// unwarned is a warning that is to be sent.
type unwarned struct {
	m      record.Machine
	p      *policy.Policy
	t      enforcement.Task
	n      notice.Notice
	counts []string // for whom it counts
}

func (h *Handler) unwarned(m record.Machine, p *policy.Policy, t enforcement.Task) unwarned {
	so := delivery.Of(m)
	n := content.Of(notice.Warning, m, p, t)
	n.Missed, n.Reference = so.Lost, cmp.Or(so.Reference, t.Execution)
	n.Relapse = !m.State.Silence && !m.State.OldDueAt.IsZero()
	return unwarned{m: m, p: p, t: t, n: n, counts: h.addressees(m, p).Count(so.Lost)}
}

// alone sends the warning of one machine.
func (h *Handler) alone(ctx context.Context, now time.Time, one unwarned) (enforcement.Warned, error) {
	sent, err := h.send(ctx, now, one.m, one.p, one.n, one.t, one.counts)
	if err != nil {
		return enforcement.Warned{}, err
	}
	return h.warned(ctx, now, one, sent)
}

// warned is the answer to a warning that the mail service accepted.
func (h *Handler) warned(ctx context.Context, now time.Time, one unwarned, sent record.Notice) (enforcement.Warned, error) {
	due, outcome, err := h.accepted(ctx, now, one.t, one.p, sent)
	return enforcement.Warned{Outcome: outcome, DueAt: due, AcceptedAt: sent.AcceptedAt, Reference: sent.Reference}, err
}

// accepted starts the grace. What another changed meanwhile is read again; when the violation is over
// by then, or the mail came back already, nothing is started: the sweep has the next ones warned.
func (h *Handler) accepted(ctx context.Context, now time.Time, t enforcement.Task, p *policy.Policy, sent record.Notice) (due time.Time, outcome string, err error) {
	const tries = 5
	for range tries {
		m, err := h.Store.Machine(ctx, t.Input.Machine)
		if err != nil {
			return time.Time{}, "", err
		}
		if m.State.Generation != t.Input.Generation {
			return now.Truncate(time.Second), "warned", nil // the next state finds that it was superseded
		}
		w := delivery.Of(m)
		w.Reference, w.Counts = cmp.Or(w.Reference, t.Execution), sent.Counts
		m.State, m.Warning = integrity.Warned(m.State, sent.BegunAt, p.Integrity), &w
		due, outcome = m.State.DueAt, "warned"
		if (guard.Delivery{Counts: w.Counts, Lost: w.Lost}).Missed() {
			m.State, due, outcome = integrity.Bounced(m.State, now), now.Truncate(time.Second), "superseded"
		}
		_, err = h.Store.Apply(ctx, store.Change{Machine: m, At: now, Ledger: []record.Entry{{
			Machine: m.ID, At: now, Kind: record.EntryWarned, Generation: m.State.Generation, Execution: t.Execution,
			Text: accepted(outcome, due), Detail: sent.MessageID,
		}}})
		if !fault.Is(err, fault.Conflict) {
			return due, outcome, err
		}
	}
	return time.Time{}, "", fault.New(fault.Transient, "recording the warning of %s: it keeps being changed by others", t.Input.Machine)
}

// accepted is the ledger's line.
func accepted(outcome string, due time.Time) string {
	if outcome == "superseded" {
		return "warning accepted by the mail service, and came back; others are warned"
	}
	return "warning accepted by the mail service; due " + due.Format(time.RFC3339)
}
