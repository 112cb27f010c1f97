package simulate

import (
	"fmt"
	"slices"
	"time"

	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// How long things may take before they count as never: in calm weather, and what each trouble of AWS adds is
// added to it.
const (
	allowedIdle   = 35 * time.Minute // a sweep may be lost, and the next one too
	allowedDelay  = 90 * time.Minute // past a deadline
	allowedNotice = 31 * time.Hour   // a daily look may be lost, then the sweep asks after 26 hours
	allowedMail   = 3 * time.Hour
)

// scan looks at every machine, every five minutes.
func (f *fleet) scan() {
	// Where faults keep sweeps from being completed, that is AWS's trouble too. In calm weather it would be ours.
	if at := f.Store.PeekWatch().SweptAt; f.options.Faults != "none" && f.Now().Sub(at) > 10*time.Minute {
		f.outages = append(f.outages, span{f.Now().Add(-5 * time.Minute), f.Now()})
	}
	for _, s := range f.all {
		m := f.Store.Peek(s.guest.ID)
		if m == nil {
			continue
		}
		f.measured.machineSteps++
		f.scanClimb(s, m)
		if len(s.owed) > 0 {
			f.scanMail(s)
		}
		f.scanLocked(s, m)
		f.scanCommanded(s, m)
		st := &m.State
		if st.Standing == integrity.Bad || st.Key == integrity.KeyRevoked || st.Key == integrity.KeyRevoking || st.HeldFor != "" || !st.CommandedAt.IsZero() {
			f.scanLive(s, m)
		} else {
			s.idleSince, s.heldWrongly, s.keyless = time.Time{}, time.Time{}, time.Time{}
		}
		if s.commandStands {
			s.coveredAt, s.unwarned, s.keyless = f.Now(), time.Time{}, time.Time{}
		} else if s.bad() {
			f.scanBad(s, m)
		}
	}
}

// scanLocked: what was locked for a revocation that did not come is brought back. What its machine cannot bring back is
// told, and is no matter here.
func (f *fleet) scanLocked(s *subject, m *record.Machine) {
	_, runs := f.Flow.Runs(m.Execution)
	left := !s.guest.InUse() && s.able() && !runs && m.Taken == nil && m.State.Key == integrity.KeyReleased && s.goodSince.IsZero() &&
		guard.Reason(m.State.HeldFor) != guard.ReasonNotUnlocked
	mark(&s.lockedSince, left, f.Now())
	if f.past(s.lockedSince, allowedDelay) {
		f.violate(s, leftLocked, "it is locked, has its key and nothing runs since "+brief(s.lockedSince))
		s.lockedSince = time.Time{}
	}
}

// past says whether something lasts for longer than is allowed, AWS's trouble not counted.
func (f *fleet) past(since time.Time, allowed time.Duration) bool {
	d := f.Now().Sub(since)
	return !since.IsZero() && d > allowed && d > allowed+2*f.down(since)
}

// scanMail: what is owed is told, or the execution that should have told it failed and rang.
func (f *fleet) scanMail(s *subject) {
	for kind, since := range s.owed {
		if s.failedAt.After(since) || s.guest.Power == integrity.Gone {
			delete(s.owed, kind)
		} else if f.past(since, allowedMail) {
			delete(s.owed, kind)
			f.violate(s, mailLost, kind+" is owed since "+brief(since))
		}
	}
}

// scanLive: what a machine's record owes is alive, or says why it is not.
func (f *fleet) scanLive(s *subject, m *record.Machine) {
	st := m.State
	f.scanHeld(s, m)
	effect, owed := integrity.Owed(st, f.terms(s, m))
	_, runs := f.Flow.Runs(m.Execution)
	mark(&s.idleSince, owed && !runs, f.Now())
	if f.past(s.idleSince, allowedIdle) {
		f.violate(s, idle, fmt.Sprintf("%s is owed, %q does not run", effect, m.Execution))
		s.idleSince = time.Time{}
	}
	lost := s.takenBy == "revoke" && !s.bad() && s.able() && !s.known.bad && s.known.sent.After(s.takenAt) && !s.kind.terms.RestoreManual &&
		!s.outsider && st.HeldFor == "" && !s.commandStands
	mark(&s.keyless, lost, f.Now())
	if f.past(s.keyless, allowedDelay) {
		f.violate(s, keyless, "it was judged to be in order at "+brief(s.known.at))
		s.keyless = time.Time{}
	}
}

// terms are the policy's as long as its rules have not tripped: then it only tells.
func (f *fleet) terms(s *subject, m *record.Machine) policy.Integrity {
	if rules := f.Store.PeekRules(s.kind.name); guard.Stopped(*m, rules) {
		return guard.Terms(s.kind.parsed, rules, m.PolicyUsed, guard.FailedRules(m.Findings))
	}
	return s.kind.terms
}

// scanHeld: a reason that somebody or something ends is ended.
func (f *fleet) scanHeld(s *subject, m *record.Machine) {
	wrong := false
	switch guard.Reason(m.State.HeldFor) {
	case guard.ReasonHeldGlobal, guard.ReasonHeldPolicy, guard.ReasonHeldMachine, guard.ReasonHoldsUnread:
		wrong = !slices.ContainsFunc(record.Scopes(s.guest.ID, s.kind.name), func(scope record.Scope) bool { return f.holds[string(scope)].stands(f.Now()) })
	case guard.ReasonCalendarClosed, guard.ReasonCalendarUnread:
		wrong = f.Calendars.ClosedSince(calendar).IsZero()
	case guard.ReasonKeyShared:
		wrong = f.EC2.SharedSince(s.key).IsZero() && f.Now().Sub(m.State.HeldSince) > guard.RetryAfter
	case guard.ReasonPolicyUnread, guard.ReasonKeyUnread, guard.ReasonNotGuarded:
		wrong = true // nothing of it lasts in this world
	case guard.ReasonDependantsUnread, guard.ReasonNotWarned, guard.ReasonNotWritten, guard.ReasonTaskFailed, guard.ReasonNotRevoked, guard.ReasonUnconfirmed:
		wrong = f.Now().Sub(m.State.HeldSince) > guard.RetryAfter
	case guard.ReasonNoAnswer, guard.ReasonUnknown, guard.ReasonStale, guard.ReasonOvertaken, guard.ReasonSilence:
		wrong = s.able() && f.Now().Sub(s.ableSince) > allowedNotice
	case guard.ReasonTagDrift:
		wrong = s.able() && s.driftedAt.IsZero() && f.Now().Sub(s.ableSince) > allowedNotice && f.Now().Sub(s.undriftedAt) > allowedNotice
	}
	mark(&s.heldWrongly, wrong, f.Now())
	if f.past(s.heldWrongly, allowedIdle) {
		f.violate(s, heldForNothing, m.State.HeldFor)
		s.heldWrongly = time.Time{}
	}
}

// scanBad: a machine that is bad is noticed, warned, and loses its key.
func (f *fleet) scanBad(s *subject, m *record.Machine) {
	st := &m.State
	paused := f.Store.PeekWatch().Paused
	_, all := paused[record.Everything]
	_, its := paused[s.kind.name]
	if st.HeldFor != "" || f.terms(s, m).OnFail != s.kind.terms.OnFail || all || its {
		s.coveredAt = f.Now()
	}
	if !s.able() || s.outsider || st.HeldFor != "" {
		return
	}
	since := s.badSince
	for _, t := range []time.Time{s.ableSince, s.runsSince, st.SettledAt, s.allowedUntil(), s.commandOver} {
		if t.After(since) {
			since = t
		}
	}
	if f.past(since, allowedNotice+time.Duration(s.kind.terms.Confirm)*time.Hour) && st.Standing != integrity.Bad && s.told(unnoticed) {
		f.violate(s, unnoticed, "it is bad and can answer since "+brief(since))
	}
	taken := st.Key == integrity.KeyRevoked || st.Key == integrity.KeyRevoking // who lost it already has nothing to be warned of
	owed := f.terms(s, m).OnFail == policy.ActRevoke && st.Standing == integrity.Bad && s.known.bad && s.warnedAt.Before(s.judgedGood) && !taken
	mark(&s.unwarned, owed, f.Now())
	if f.past(s.unwarned, allowedNotice) && s.told(unwarned) {
		f.violate(s, unwarned, "its policy revokes since "+brief(s.kind.since))
	}
	if f.terms(s, m).OnFail != policy.ActRevoke || s.warnedAt.Before(s.judgedGood) || !s.known.bad {
		return
	}
	deadline := s.promised
	if s.stood.After(s.warnedAt) || s.ableSince.After(s.warnedAt) { // its clock stood still, as long as that was seen
		deadline = s.ableSince.Add(allowedNotice + s.kind.terms.Grace)
		if s.promised.After(deadline) {
			deadline = s.promised
		}
	}
	if since.After(deadline) {
		deadline = since.Add(allowedNotice)
	}
	for _, later := range []time.Time{s.coveredAt, st.DueAt} { // a deadline moves by the time in which nobody could look
		if later.After(deadline) {
			deadline = later
		}
	}
	if !f.held(s, deadline) && f.past(deadline, allowedDelay) && f.Keys.Usable(s.key, s.guest.Session) && s.told(leftWithKey) {
		f.violate(s, leftWithKey, fmt.Sprintf("its deadline was %s, it is held no more since %s", brief(s.promised), brief(s.coveredAt)))
	}
}

// told keeps the same thing about a machine from being told at every scan.
func (s *subject) told(invariant string) bool {
	if s.broken == nil {
		s.broken = map[string]bool{}
	}
	first := !s.broken[invariant]
	s.broken[invariant] = true
	return first
}

// held says whether a person's hold covers the machine, or did a while after its deadline.
func (f *fleet) held(s *subject, deadline time.Time) bool {
	for _, scope := range record.Scopes(s.guest.ID, s.kind.name) {
		h := f.holds[string(scope)]
		if h.stands(f.Now()) || h.over().After(deadline) && f.Now().Sub(h.over()) < allowedDelay {
			return true
		}
	}
	return false
}
