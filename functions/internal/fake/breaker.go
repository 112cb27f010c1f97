package fake

import (
	"context"
	"slices"
	"time"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/record"
)

// Limits are those that the template has by default.
var Limits = guard.Limits{Machines: 5, Percent: 2, Window: time.Hour, Rules: guard.RuleLimits{Percent: 10, Machines: 3}}

// Breaker is the real store's.
func (s *Store) Breaker(context.Context) (record.Breaker, error) {
	if err := s.call("store.Breaker"); err != nil {
		return record.Breaker{}, err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	return clone(s.Counts), nil
}

// RuleBreaker is the real store's.
func (s *Store) RuleBreaker(_ context.Context, policy string) (record.RuleBreaker, error) {
	if err := s.call("store.RuleBreaker", policy); err != nil {
		return record.RuleBreaker{}, err
	}
	b, ok := s.Rules[policy]
	if !ok {
		b.Policy = policy
	}
	return clone(b), nil
}

// RuleBreakers is the real store's.
func (s *Store) RuleBreakers(context.Context) ([]record.RuleBreaker, error) {
	return unless(s.call("store.RuleBreakers"), sorted(s.Rules))
}

// BreakerEvents is the real store's.
func (s *Store) BreakerEvents(_ context.Context, limit int) ([]record.BreakerEvent, error) {
	events := slices.Clone(s.Events)
	slices.Reverse(events)
	if limit > 0 && len(events) > limit {
		events = events[:limit]
	}
	return unless(s.call("store.BreakerEvents"), events)
}

// ChangeBreaker is the real store's.
func (s *Store) ChangeBreaker(_ context.Context, c record.BreakerChange) error {
	if err := s.call("store.ChangeBreaker"); err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if b := c.Breaker; b != nil && b.Version != s.Counts.Version {
		return fault.New(fault.Conflict, "changing the breaker: it was changed by somebody else")
	}
	if b := c.Rules; b != nil && b.Version != s.Rules[b.Policy].Version {
		return fault.New(fault.Conflict, "changing the breaker: it was changed by somebody else")
	}
	if c.Breaker != nil {
		s.count(*c.Breaker)
	}
	if b := c.Rules; b != nil {
		kept := clone(*b)
		kept.Version++
		s.Rules[b.Policy] = kept
	}
	if c.Event != nil {
		s.Events = append(s.Events, *c.Event)
	}
	if c.Start != nil {
		s.Waiting = append(s.Waiting, *c.Start)
	}
	return nil
}

func (s *Store) count(b record.Breaker) {
	s.Counts = clone(b)
	s.Counts.Version++
}
