package world

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// PutPolicy is the real store's.
func (s *Store) PutPolicy(_ context.Context, p record.Policy, told ...record.Start) (record.Policy, error) {
	err := s.write("PutPolicy", func() error {
		if s.policies[p.Name].Version != p.Version {
			return fault.New(fault.Conflict, "putting policy %s: it was changed by somebody else", p.Name)
		}
		p.Version++
		s.policies[p.Name] = p
		s.versions[p.Name] = append(s.versions[p.Name], p)
		for _, o := range told {
			s.outbox[o.Name] = o
		}
		if s.w.Watch != nil {
			s.w.Watch.Put(p)
		}
		return nil
	})
	if err != nil {
		return record.Policy{}, err
	}
	return p, nil
}

// DeletePolicy is the real store's.
func (s *Store) DeletePolicy(ctx context.Context, p record.Policy, told ...record.Start) (record.Policy, error) {
	p.Text, p.Digest, p.PutAt, p.PutBy = "", "", p.Deleted.At, p.Deleted.By
	return s.PutPolicy(ctx, p, told...)
}

// PolicyVersion is the real store's.
func (s *Store) PolicyVersion(_ context.Context, name string, version int) (record.Policy, error) {
	return read(s, "PolicyVersion", fmt.Sprintf("version %d of policy %s", version, name), func() (record.Policy, bool) {
		if all := s.versions[name]; version > 0 && version <= len(all) {
			return all[version-1], true
		}
		return record.Policy{}, false
	})
}

// PolicyVersions is the real store's.
func (s *Store) PolicyVersions(_ context.Context, name string, before, limit int) ([]record.Policy, error) {
	return all(s, "PolicyVersions", func() []record.Policy {
		kept := slices.Clone(s.versions[name])
		if before > 0 {
			kept = kept[:min(len(kept), before-1)]
		}
		slices.Reverse(kept)
		return kept[:min(len(kept), limit)]
	})
}

// Sent is the real store's.
func (s *Store) Sent(_ context.Context, c record.Command) error {
	return s.write("Sent", func() error {
		if s.commands[c.ID] != nil {
			return fault.New(fault.Conflict, "recording command %s: it is recorded already", c.ID)
		}
		c.Open = true
		s.commands[c.ID] = &c
		s.open = append(s.open, c.ID)
		return nil
	})
}

// Settled is the real store's.
func (s *Store) Settled(_ context.Context, c record.Command) error {
	return s.write("Settled", func() error {
		if s.commands[c.ID] == nil {
			return fault.New(fault.Conflict, "settling command %s: there is none", c.ID)
		}
		c.Open = false
		s.commands[c.ID] = &c
		s.open = slices.DeleteFunc(s.open, func(id string) bool { return id == c.ID })
		return nil
	})
}

// Started is the real store's.
func (s *Store) Started(_ context.Context, name string) error {
	return s.write("Started", func() error {
		delete(s.outbox, name)
		return nil
	})
}

func stands(h record.Hold, now time.Time) bool {
	return h.Expires.IsZero() || now.Before(h.Expires)
}

// Holds is the real store's.
func (s *Store) Holds(_ context.Context, now time.Time) ([]record.Hold, error) {
	return all(s, "Holds", func() []record.Hold {
		var list []record.Hold
		for _, scope := range slices.Sorted(maps.Keys(s.holds)) {
			if h, ok := s.holds[scope].listed(s.w.now); ok && stands(*h, now) {
				list = append(list, *h)
			}
		}
		return list
	})
}

// HoldsOn is the real store's.
func (s *Store) HoldsOn(_ context.Context, scopes []record.Scope, now time.Time) ([]record.Hold, error) {
	return all(s, "HoldsOn", func() []record.Hold {
		var list []record.Hold
		for _, scope := range scopes {
			if h := s.holds[scope]; h != nil && h.is && stands(h.now, now) {
				list = append(list, h.now)
			}
		}
		return list
	})
}

// SetHold is the real store's.
func (s *Store) SetHold(_ context.Context, h record.Hold) error {
	return s.write("SetHold", func() error {
		set(s.w, s.holds, h.Scope, h, true)
		if s.w.Watch != nil {
			s.w.Watch.Held(h, true, s.w.seq)
		}
		return nil
	})
}

// LiftHold is the real store's.
func (s *Store) LiftHold(_ context.Context, scope record.Scope) error {
	return s.write("LiftHold", func() error {
		if h := s.holds[scope]; h == nil || !h.is {
			return fault.New(fault.NotFound, "lifting hold on %s: there is none", scope)
		}
		set(s.w, s.holds, scope, record.Hold{}, false)
		if s.w.Watch != nil {
			s.w.Watch.Held(record.Hold{Scope: scope}, false, s.w.seq)
		}
		return nil
	})
}

// Request is the real store's.
func (s *Store) Request(_ context.Context, machine, id string) (record.Request, error) {
	return read(s, "Request", "key request "+id, func() (record.Request, bool) {
		r, ok := s.requests[machine+" "+id]
		return r, ok
	})
}

// PutRequest is the real store's.
func (s *Store) PutRequest(_ context.Context, r record.Request) (record.Request, error) {
	err := s.write("PutRequest", func() error {
		if s.requests[r.Machine+" "+r.ID].Revision != r.Revision {
			return fault.New(fault.Conflict, "recording key request %s: it was changed by somebody else", r.ID)
		}
		r.Revision++
		s.requests[r.Machine+" "+r.ID] = r
		return nil
	})
	return r, err
}
