// Package content is what a notice says, from the records: of a machine, its policy and what its execution was asked to say.
// It is pure, asks nobody and sends nothing: notify mails it, and the command line shows what a mail would be.
package content

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/keyward/keyward/shared/delivery"
	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// ofSafeguard are the holds that come of keeping data safe, or after it.
var ofSafeguard = []guard.Reason{guard.ReasonNoSnapshot, guard.ReasonNotLocked, guard.ReasonNotUnlocked, guard.ReasonNotRevoked}

// Of is what a notice of a kind says.
func Of(kind notice.Kind, m record.Machine, p *policy.Policy, t enforcement.Task) notice.Notice {
	s := m.State
	n := notice.Notice{
		Kind: kind, Machine: m.ID, Name: m.Name, Owner: m.Owner, Zone: m.Zone, Policy: p.Name, Version: p.Version,
		TimeZone: cmp.Or(p.Notify.TimeZone, p.Schedule.TimeZone), Reference: t.Execution,
		Findings: m.Findings, Waived: m.Waived, OldDueAt: s.OldDueAt, FoundAt: s.Since, DueAt: s.DueAt, NextLook: s.LookAt,
		Mode: m.Key.Mode, Key: m.Key.ARN, Session: m.SessionARN, Silence: s.Silence, RestoreManual: p.Integrity.RestoreManual,
		Drill: drill.Is(m.ID),
	}
	if m.Taken != nil {
		n.RevokedAt, n.NothingTaken = m.Taken.ConfirmedAt, m.Taken.HadNone
	}
	if s.Silence && kind == notice.Warning {
		n.GoodAt = s.GoodAt
	}
	if s.Key == integrity.KeyRevoked {
		n.NotEffective = m.NotEffective
	}
	g := m.Safeguard
	if g == nil {
		g = &record.Safeguard{}
	}
	switch kind {
	case notice.StoodDown:
		n.FoundAt, n.DueAt = time.Time{}, s.OldDueAt // the violation is over, and so is its deadline
	case notice.Restored:
		n.FoundAt = time.Time{}
	case notice.Revoked:
		if w := delivery.Of(m); (guard.Delivery{Counts: w.Counts, Lost: w.Lost}).Missed() {
			n.Unwarned = w.Counts
		}
		if taken := m.Taken; taken != nil {
			if o := m.Order; o != nil && !s.CommandedAt.IsZero() {
				n.OrderedBy, n.Why, n.FoundAt, n.DueAt, n.Findings, n.Unwarned = o.By, o.Reason, time.Time{}, time.Time{}, nil, nil
			}
			n.InForceAt, n.EffectiveAt, n.ByMachine = taken.InForceAt, taken.EffectiveAt, taken.EffectiveBy == record.ByMachine
		}
		if m.Taken != nil && g.Generation == m.Taken.Generation {
			n.StepFailed, n.OnMachine = g.Failed, g.Text
		}
	case notice.WaiverEnding:
		n.FoundAt, n.DueAt = time.Time{}, t.Input.DueAt
	case notice.Held:
		reason := guard.Reason(s.HeldFor)
		if u := t.Input.Unlock; u != nil && u.Outcome == "failed" {
			reason = guard.ReasonNotUnlocked
		}
		n.Why = reason.Text()
		if d := t.Input.Decision; d != nil && d.Reason == string(reason) && d.Text != "" {
			n.Why = d.Text // with the list of what stands in the way
		}
		if reason == guard.ReasonWarningBounced {
			n.Why, n.Unwarned = reason.Text(), delivery.Of(m).Lost // addresses are shown as they are
		}
		if slices.Contains(ofSafeguard, reason) && g.Generation == t.Input.Generation {
			n.StepFailed, n.OnMachine = g.Failed, g.Text
		}
	case notice.NotEffective, notice.KeyLost, notice.TagDrift, notice.RestoreDropped:
		n.Why = t.Input.Why
	case notice.RequestPending, notice.RequestApproved, notice.RequestUnopposed, notice.RequestDenied, notice.RequestExpired, notice.RequestFailed:
		n.FoundAt, n.RevokedAt = time.Time{}, time.Time{}
		n.Why, n.By, n.Request, n.DueAt = t.Input.Why, t.Input.By, t.Input.Request, t.Input.DueAt
	case notice.Waived:
		n.FoundAt, n.RevokedAt = time.Time{}, time.Time{}
		n.Why, n.By, n.Waiver, n.What, n.DueAt = t.Input.Why, t.Input.By, t.Input.Request, t.Input.What, t.Input.DueAt
	case notice.WaiverAsked:
		n.By = t.Input.By
		if s.Standing != integrity.Bad { // it complies again before this could be sent
			n.FoundAt, n.DueAt = time.Time{}, time.Time{}
		}
	case notice.DueSoon:
		n.DueAt = t.Input.DueAt
	case notice.Escalated:
		n.WarnedAt = s.WarnedAt
		if at := t.Input.Step - 1; at >= 0 && at < len(p.Notify.Escalate) {
			n.After = p.Notify.Escalate[at].After
		}
		if s.HeldFor != "" {
			n.Why = guard.Reason(s.HeldFor).Text()
		}
	case notice.OrderFailed:
		n.FoundAt, n.DueAt, n.RevokedAt = time.Time{}, time.Time{}, time.Time{}
		n.Why, n.By = t.Input.Why, t.Input.By
	case notice.Effective:
		n.FoundAt, n.DueAt = time.Time{}, time.Time{}
		if taken := m.Taken; taken != nil {
			n.EffectiveAt, n.ByMachine = taken.EffectiveAt, taken.EffectiveBy == record.ByMachine
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
	said(&n, p)
	return n
}

// said adds the policy's own texts.
func said(n *notice.Notice, p *policy.Policy) {
	values := map[string]string{
		"machine": n.Machine, "name": n.Name, "owner": n.Owner, "zone": n.Zone, "policy": n.Policy, "event": string(n.Kind),
	}
	if n.Version > 0 {
		values["version"] = strconv.Itoa(n.Version)
	}
	n.Prefix, n.Header = policy.Filled(p.Notify.Subject, values), policy.Filled(p.Notify.Header, values)
	n.Text, n.FooterText = policy.Filled(p.Notify.Texts[string(n.Kind)], values), policy.Filled(p.Notify.Footer, values)
}
