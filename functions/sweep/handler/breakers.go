package handler

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/functions/internal/breaker"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// readBreakers reads both, and how many revocations are on their way to the breaker.
func (s *sweep) readBreakers(ctx context.Context) (err error) {
	if s.breaker, err = s.Store.Breaker(ctx); err != nil {
		return err
	}
	all, err := s.Store.RuleBreakers(ctx)
	if err != nil {
		return err
	}
	for _, b := range all {
		s.rules[b.Policy] = b
	}
	for i := range s.machines {
		if s.onItsWay(&s.machines[i]) {
			s.claimed++
		}
	}
	return nil
}

// onItsWay is whether the machine is past its deadline and its enforcement alive, or about to be started by
// this sweep. One that is owed none, since its policy does not revoke any more or cannot be read, takes
// no place from others.
func (s *sweep) onItsWay(m *record.Machine) bool {
	p, st := s.policies[m.Policy], &m.State
	if p == nil || st.DueAt.IsZero() || s.now.Before(st.DueAt) || !st.FrozenSince.IsZero() || st.Key == integrity.KeyRevoking {
		return false
	}
	effect, ok := integrity.Owed(*st, s.terms(*m, p))
	return ok && effect == integrity.Revoke
}

func (s *sweep) rulesOf(name string) record.RuleBreaker {
	b := s.rules[name]
	b.Policy = name
	return b
}

// breakers trips the rules that too many machines newly fail, before the first of them is due, and keeps
// the breaker over everything: how many machines are guarded, whether it is closed again.
func (s *sweep) breakers(ctx context.Context) error {
	problems := []error{s.keep(ctx)}
	for _, name := range slices.Sorted(maps.Keys(s.policies)) {
		if p := s.policies[name]; p.Integrity.OnFail == policy.ActRevoke {
			problems = append(problems, s.trip(ctx, name, p.Version))
		}
	}
	return errors.Join(problems...)
}

func (s *sweep) trip(ctx context.Context, name string, version int) error {
	b := s.rulesOf(name)
	trips := guard.Trips(version, s.machines, b, s.Limits.Rules, s.now)
	if len(trips) == 0 {
		if kept, dropped := guard.Settled(version, s.machines, b); dropped {
			return s.change(ctx, record.BreakerChange{Rules: &kept})
		}
		return nil
	}
	c, err := breaker.Trip(b, trips, s.place(), s.now)
	if err != nil {
		return err
	}
	s.Log.WarnContext(ctx, "rules tripped", boot.KeyPolicy, name, boot.KeyReason, c.Event.Text)
	return s.change(ctx, c)
}

// keep closes the breaker once there is room and nobody waits, and tells of one that stays open.
func (s *sweep) keep(ctx context.Context) error {
	guardedNow, waiting := 0, 0
	for i := range s.machines {
		m := &s.machines[i]
		if m.State.GoneAt.IsZero() {
			guardedNow++
		}
		if m.State.HeldFor == string(guard.ReasonBreakerOpen) {
			waiting++
		}
	}
	b := s.breaker
	changed := b.Guarded != guardedNow
	b.Guarded = guardedNow
	c := record.BreakerChange{Breaker: &b}
	switch room := guard.BreakerFor("", b, s.Limits, s.now).Room(); {
	case !b.OpenSince.IsZero() && room > 0 && waiting == 0:
		c, changed = breaker.Close(b, s.now), true
	case !b.OpenSince.IsZero() && s.now.Sub(b.ToldAt) >= breaker.TellAgain:
		again, err := breaker.StillOpen(b, waiting, s.place(), s.now)
		if err != nil {
			return err
		}
		c, changed = again, true
	}
	if !changed {
		return nil
	}
	return s.change(ctx, c)
}

// change writes a change and keeps what was written. Somebody who was quicker is seen by the next sweep.
func (s *sweep) change(ctx context.Context, c record.BreakerChange) error {
	if err := s.Store.ChangeBreaker(ctx, c); err != nil {
		return ignoreConflict(err)
	}
	if c.Breaker != nil {
		s.breaker = *c.Breaker
		s.breaker.Version++
	}
	if c.Rules != nil {
		s.rules[c.Rules.Policy] = *c.Rules
	}
	return nil
}

func (s *sweep) place() breaker.Place { return breaker.Place{Account: s.Account, Region: s.Region} }

// breakerFacts are the breakers as the machine meets them. What is on its way takes room already, so that
// no more are started than there is room for, the most severe first.
func (s *sweep) breakerFacts(m record.Machine, p *policy.Policy) (guard.Breaker, guard.Rule) {
	all := guard.BreakerFor(m.ID, s.breaker, s.Limits, s.now)
	all.Used += s.claimed
	return all, guard.RuleFor(m, p.Version, s.machines, s.rulesOf(m.Policy), s.Limits.Rules, s.now)
}

// bySeverity is the order in which enforcements are started again.
func bySeverity(machines []record.Machine) []record.Machine {
	return slices.SortedStableFunc(slices.Values(machines), func(a, b record.Machine) int {
		return guard.CompareSeverity(guard.SeverityOf(a), guard.SeverityOf(b))
	})
}

// terms are the policy's for what the machine fails: a rule that tripped only notifies.
func (s *sweep) terms(m record.Machine, p *policy.Policy) policy.Integrity {
	if guard.Stopped(m, s.rulesOf(m.Policy)) {
		return guard.Terms(p, s.rulesOf(m.Policy), m.PolicyUsed, guard.FailedRules(m.Findings))
	}
	return p.Integrity
}
