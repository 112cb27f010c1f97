package fake

import (
	"context"

	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// Apply is the real store's: everything of a change is written, or nothing.
func (s *Store) Apply(_ context.Context, c store.Change) (record.Machine, error) {
	if err := s.call("store.Apply", c.Machine.ID); err != nil {
		return record.Machine{}, err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if why := s.refuses(c); why != "" {
		return record.Machine{}, fault.New(fault.Conflict, "changing machine %s: %s", c.Machine.ID, why)
	}
	c.Machine.Version++
	s.ByID[c.Machine.ID] = clone(c.Machine)
	if c.Evidence != nil {
		s.Kept = append(s.Kept, clone(*c.Evidence))
	}
	if a := c.Answer; a != nil {
		s.Said[a.Command+" "+a.Machine] = clone(*a)
	}
	if n := c.Notice; n != nil {
		kept := clone(*n)
		kept.Revision++
		s.Told[n.Reference] = kept
	}
	if r := c.Request; r != nil {
		kept := clone(*r)
		kept.Revision++
		s.Asked[r.Machine+" "+r.ID] = kept
	}
	if l := c.TakeLease; l != nil {
		s.Leases[l.Name] = *l
	}
	if l := c.DropLease; l != nil {
		ended := *l
		ended.Until = c.At
		s.Leases[l.Name] = ended
	}
	if l := c.Link; l != nil {
		used := clone(*l)
		used.Version++
		s.Links[l.ID] = used
	}
	if h := c.Hold; h != nil {
		s.Held[h.Scope] = *h
	}
	if c.Breaker != nil {
		s.count(*c.Breaker)
	}
	s.Entries = append(s.Entries, c.Ledger...)
	s.Waiting = append(s.Waiting, c.Start...)
	s.Changes = append(s.Changes, c)
	return c.Machine, nil
}

// refuses is which condition of the transaction does not hold, "" when all do.
func (s *Store) refuses(c store.Change) string {
	if s.ByID[c.Machine.ID].Version != c.Machine.Version {
		return "it was changed by somebody else"
	}
	if a := c.Answer; a != nil {
		if _, twice := s.Said[a.Command+" "+a.Machine]; twice {
			return "the command was answered already"
		}
	}
	if r := c.Request; r != nil && s.Asked[r.Machine+" "+r.ID].Revision != r.Revision {
		return "the request was changed by somebody else"
	}
	if n := c.Notice; n != nil && s.Told[n.Reference].Revision != n.Revision {
		return "the notice was changed by somebody else"
	}
	for _, scope := range c.NotHeld {
		if h, ok := s.Held[scope]; ok && stands(h, c.At) {
			return "it is held: " + string(scope)
		}
	}
	for _, r := range c.Waivers {
		if s.Revised[r.Scope] != r.Number {
			return "a waiver was set or lifted: " + string(r.Scope)
		}
	}
	for _, l := range []*record.Lease{c.TakeLease, c.DropLease} {
		if l == nil {
			continue
		}
		if now, ok := s.Leases[l.Name]; ok && now.Holder != l.Holder && now.Until.After(c.At) {
			return "another execution is at work on its key"
		}
	}
	if l := c.Link; l != nil && s.Links[l.ID].Version != l.Version {
		return "the link was used already"
	}
	if h := c.Hold; h != nil {
		if there, ok := s.Held[h.Scope]; ok && stands(there, c.At) {
			return "it is held already: " + string(h.Scope)
		}
	}
	if b := c.Breaker; b != nil && b.Version != s.Counts.Version {
		return "the breaker was changed by somebody else"
	}
	if b := c.Rules; b != nil && b.Version != s.Rules[b.Policy].Version {
		return "the breaker on its rules was changed by somebody else"
	}
	return ""
}
