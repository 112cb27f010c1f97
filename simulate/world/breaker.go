package world

import (
	"context"
	"slices"
	"time"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/record"
)

// Breaker is the real store's.
func (s *Store) Breaker(context.Context) (b record.Breaker, err error) {
	err = s.w.call("dynamodb", "Breaker", func() error {
		s.w.seq++
		b = s.breaker
		b.Spent = slices.Clone(b.Spent)
		return nil
	})
	return b, err
}

// RuleBreaker is the real store's.
func (s *Store) RuleBreaker(_ context.Context, policy string) (b record.RuleBreaker, err error) {
	err = s.w.call("dynamodb", "RuleBreaker", func() error {
		s.w.seq++
		b = s.PeekRules(policy)
		return nil
	})
	return b, err
}

// PeekRules is RuleBreaker for those who watch: no call is made.
func (s *Store) PeekRules(policy string) record.RuleBreaker {
	b := s.rules[policy]
	b.Policy, b.Trips = policy, slices.Clone(b.Trips)
	return b
}

// RuleBreakers is the real store's.
func (s *Store) RuleBreakers(context.Context) ([]record.RuleBreaker, error) {
	return all(s, "RuleBreakers", func() []record.RuleBreaker {
		var list []record.RuleBreaker
		for _, policy := range sortedKeys(s.rules) {
			list = append(list, s.PeekRules(policy))
		}
		return list
	})
}

// ChangeBreaker is the real store's.
func (s *Store) ChangeBreaker(_ context.Context, c record.BreakerChange) error {
	return s.write("ChangeBreaker", func() error {
		if why := s.refusesBreaker(c.Breaker, c.Rules); why != "" {
			return fault.New(fault.Conflict, "changing the breaker: it was changed by somebody else")
		}
		s.count(c.Breaker)
		if b := c.Rules; b != nil {
			kept := *b
			kept.Version++
			s.rules[b.Policy] = kept
		}
		if c.Event != nil {
			s.events = append(s.events, *c.Event)
		}
		if c.Start != nil {
			s.outbox[c.Start.Name] = *c.Start
		}
		return nil
	})
}

// BreakerEvents is the real store's.
func (s *Store) BreakerEvents(_ context.Context, limit int) ([]record.BreakerEvent, error) {
	return all(s, "BreakerEvents", func() []record.BreakerEvent { return newest(s.events, limit) })
}

func (s *Store) count(b *record.Breaker) {
	if b != nil {
		s.breaker = *b
		s.breaker.Spent = slices.Clone(b.Spent)
		s.breaker.Version++
	}
}

// refusesBreaker is which of the two was changed since it was read, "" for none.
func (s *Store) refusesBreaker(all *record.Breaker, rules *record.RuleBreaker) string {
	switch {
	case all != nil && all.Version != s.breaker.Version:
		return "the breaker was changed by somebody else"
	case rules != nil && rules.Version != s.rules[rules.Policy].Version:
		return "the breaker on its rules was changed by somebody else"
	}
	return ""
}

// Calendars are SSM's change calendars, open unless they were closed. It has the call of ssmcalendar.
type Calendars struct {
	w      *World
	closed map[string]time.Time
}

// Shut closes or opens a calendar.
func (c *Calendars) Shut(name string, closed bool) {
	if delete(c.closed, name); closed {
		c.closed[name] = c.w.now
	}
}

// ClosedSince is zero while a calendar is open.
func (c *Calendars) ClosedSince(name string) time.Time { return c.closed[name] }

// Calendar is ssmcalendar's.
func (c *Calendars) Calendar(_ context.Context, name string) (v guard.Calendar, err error) {
	err = c.w.call("ssm", "GetCalendarState", func() error {
		v = guard.Calendar{Read: true, Open: c.closed[name].IsZero()}
		return nil
	})
	return v, err
}
