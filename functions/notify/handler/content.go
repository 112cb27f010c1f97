package handler

import (
	"cmp"
	"time"

	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// content is what a notice says, from the records.
func content(kind notice.Kind, m record.Machine, p *policy.Policy, t enforcement.Task) notice.Notice {
	s := m.State
	n := notice.Notice{
		Kind: kind, Machine: m.ID, Name: m.Name, Owner: m.Owner, Policy: p.Name, Version: p.Version,
		TimeZone: cmp.Or(p.Notify.TimeZone, p.Schedule.TimeZone), Reference: t.Execution,
		Findings: m.Findings, FoundAt: s.Since, DueAt: s.DueAt, NextLook: s.LookAt,
		Mode: m.Key.Mode, Silence: s.Silence, RestoreManual: p.Integrity.RestoreManual,
	}
	if m.Taken != nil {
		n.RevokedAt, n.NothingTaken = m.Taken.ConfirmedAt, m.Taken.HadNone
	}
	if s.Silence && kind == notice.Warning {
		n.GoodAt = s.GoodAt
	}
	switch kind {
	case notice.StoodDown:
		n.FoundAt, n.DueAt = time.Time{}, s.OldDueAt // the violation is over, and so is its deadline
	case notice.Restored:
		n.FoundAt = time.Time{}
	case notice.Held:
		n.Why = guard.Reason(s.HeldFor).Text()
		if d := t.Input.Decision; d != nil && d.Reason == s.HeldFor && d.Text != "" {
			n.Why = d.Text // with the list of what stands in the way
		}
	case notice.CannotCheck:
		n.GoodAt = s.GoodAt
		n.FoundAt = s.SilentSince
		n.Why = cmp.Or(t.Input.Why, s.Why)
	case notice.Unconfirmed:
		if c := t.Input.Confirmation; c != nil {
			n.Why = c.Text
		}
	}
	return n
}
