package world

import (
	"context"
	"slices"
	"time"

	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// Written is a transition that was written.
type Written struct {
	store.Change
	Before integrityBefore
	Seq    int64
	By     *Invocation
}

// integrityBefore is the machine's record before the change; Known is false for a new one.
type integrityBefore struct {
	Machine record.Machine
	Known   bool
}

// Apply is the real store's: everything of a change is written, or nothing. A field of store.Change that is
// not carried out here would be a condition that nobody holds: TestChangeIsCarriedOut names it.
func (s *Store) Apply(_ context.Context, c store.Change) (record.Machine, error) {
	var after record.Machine
	err := s.write("Apply", func() error {
		if why := s.refuses(c); why != "" {
			return fault.New(fault.Conflict, "changing machine %s: %s", c.Machine.ID, why)
		}
		after = s.apply(c)
		return nil
	})
	if err != nil {
		return record.Machine{}, err
	}
	return after, nil
}

func (s *Store) apply(c store.Change) record.Machine {
	before, known := s.machine(c.Machine.ID)
	c.Machine.Version++
	c.Ledger, c.Machine.Ledger = record.Link(c.Machine.Ledger, "", record.Noted(c.Machine, c.Ledger))
	set(s.w, s.machines, c.Machine.ID, copied(c.Machine), true)
	if !known {
		at, _ := slices.BinarySearch(s.order, c.Machine.ID)
		s.order = slices.Insert(s.order, at, c.Machine.ID)
		s.rows = slices.Insert(s.rows, at, s.machines[c.Machine.ID])
	}
	if e := c.Evidence; e != nil {
		s.keepEvidence(*e)
	}
	if a := c.Answer; a != nil {
		if s.answers[a.Command] == nil {
			s.answers[a.Command] = map[string]record.Answer{}
		}
		s.answers[a.Command][a.Machine] = *a
	}
	for _, e := range c.Ledger {
		s.ledger[e.Machine] = trimmed(append(s.ledger[e.Machine], e), s.Keep)
	}
	for _, o := range c.Start {
		s.outbox[o.Name] = o
	}
	if r := c.Request; r != nil {
		kept := *r
		kept.Revision++
		s.requests[r.Machine+" "+r.ID] = kept
	}
	if n := c.Notice; n != nil {
		s.keepNotice(*n)
	}
	if l := c.TakeLease; l != nil {
		s.leases[l.Name] = *l
	}
	if l := c.DropLease; l != nil {
		ended := *l
		ended.Until = c.At
		s.leases[l.Name] = ended
	}
	if l := c.Link; l != nil {
		s.links[l.ID] = l.Version + 1
	}
	if h := c.Hold; h != nil {
		set(s.w, s.holds, h.Scope, *h, true)
	}
	s.count(c.Breaker)
	s.saw()
	if s.w.Watch != nil {
		s.w.Watch.Applied(Written{Change: c, Before: integrityBefore{before, known}, Seq: s.w.seq, By: s.w.current}, s.w.current)
	}
	return copied(c.Machine)
}

func (s *Store) keepEvidence(e record.Evidence) {
	list := s.evidence[e.Machine]
	at, _ := slices.BinarySearchFunc(list, e, func(a, b record.Evidence) int {
		if a.Sent.Equal(b.Sent) {
			return 1 // after those of the same instant
		}
		return a.Sent.Compare(b.Sent)
	})
	for at < len(list) && !list[at].Sent.After(e.Sent) {
		at++
	}
	s.evidence[e.Machine] = trimmed(slices.Insert(list, at, e), s.Keep)
}

func trimmed[T any](list []T, keep int) []T {
	if keep > 0 && len(list) > keep {
		list = slices.Delete(list, 0, len(list)-keep)
	}
	return list
}

// refuses is which condition of the transaction does not hold, "" when all do.
func (s *Store) refuses(c store.Change) string {
	if m, _ := s.machine(c.Machine.ID); m.Version != c.Machine.Version {
		return "it was changed by somebody else"
	}
	if a := c.Answer; a != nil {
		if _, twice := s.answers[a.Command][a.Machine]; twice {
			return "the command was answered already"
		}
	}
	if r := c.Request; r != nil && s.requests[r.Machine+" "+r.ID].Revision != r.Revision {
		return "the request was changed by somebody else"
	}
	if why := s.refusesNotice(c.Notice); why != "" {
		return why
	}
	for _, scope := range c.NotHeld {
		if h := s.holds[scope]; h != nil && h.is && stands(h.now, c.At) {
			return "it is held: " + string(scope)
		}
	}
	for _, r := range c.Waivers {
		if s.revisions[r.Scope] != r.Number {
			return "a waiver was set or lifted: " + string(r.Scope)
		}
	}
	for _, l := range []*record.Lease{c.TakeLease, c.DropLease} {
		if l == nil {
			continue
		}
		if now, ok := s.leases[l.Name]; ok && now.Holder != l.Holder && now.Until.Truncate(time.Millisecond).After(c.At.Truncate(time.Millisecond)) {
			return "another execution is at work on its key"
		}
	}
	if l := c.Link; l != nil && s.links[l.ID] != l.Version {
		return "the link was used already"
	}
	if h := c.Hold; h != nil {
		if there := s.holds[h.Scope]; there != nil && there.is && stands(there.now, c.At) {
			return "it is held already: " + string(h.Scope)
		}
	}
	return s.refusesBreaker(c.Breaker, c.Rules)
}

// copied is a record that shares nothing that a handler changes in place: TestCopiesShareNothing holds that.
func copied(m record.Machine) record.Machine {
	own(&m)
	return m
}

// own gives a record that was copied its own of what a handler changes in place.
func own(m *record.Machine) {
	if m.Taken != nil {
		taken := *m.Taken
		taken.Grants, taken.Waivers = slices.Clone(taken.Grants), slices.Clone(taken.Waivers)
		m.Taken = &taken
	}
	if m.Warning != nil {
		warning := *m.Warning
		warning.Counts, warning.Lost = slices.Clone(warning.Counts), slices.Clone(warning.Lost)
		m.Warning = &warning
	}
}
