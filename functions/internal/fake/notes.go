package fake

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// Holds is the real store's.
func (s *Store) Holds(_ context.Context, now time.Time) ([]record.Hold, error) {
	return unless(s.call("store.Holds"), slices.DeleteFunc(sorted(s.Held), func(h record.Hold) bool { return !stands(h, now) }))
}

func stands(h record.Hold, now time.Time) bool { return h.Expires.IsZero() || now.Before(h.Expires) }

// HoldsOn is the real store's.
func (s *Store) HoldsOn(_ context.Context, scopes []record.Scope, now time.Time) ([]record.Hold, error) {
	var held []record.Hold
	for _, scope := range scopes {
		if err := s.call("store.HoldsOn", string(scope)); err != nil {
			return nil, err
		}
		if h, ok := s.Held[scope]; ok && stands(h, now) {
			held = append(held, h)
		}
	}
	return held, nil
}

// SetHold is the real store's.
func (s *Store) SetHold(_ context.Context, h record.Hold) error {
	if err := s.call("store.SetHold", string(h.Scope)); err != nil {
		return err
	}
	s.Held[h.Scope] = h
	return nil
}

// LiftHold is the real store's.
func (s *Store) LiftHold(_ context.Context, scope record.Scope) error {
	if err := s.call("store.LiftHold", string(scope)); err != nil {
		return err
	}
	if _, ok := s.Held[scope]; !ok {
		return fault.New(fault.NotFound, "lifting hold on %s: there is none", scope)
	}
	delete(s.Held, scope)
	return nil
}

// BeginNotice is the real store's.
func (s *Store) BeginNotice(_ context.Context, n record.Notice) (record.Notice, error) {
	if err := s.call("store.BeginNotice", n.Reference); err != nil {
		return n, err
	}
	if earlier, ok := s.Told[n.Reference]; ok {
		if !earlier.AcceptedAt.IsZero() {
			return clone(earlier), nil
		}
		if !earlier.BegunAt.IsZero() && slices.Equal(earlier.Counts, n.Counts) {
			n.BegunAt = earlier.BegunAt
		}
		n.Attempts, n.Revision, n.Outcomes = earlier.Attempts, earlier.Revision, clone(earlier.Outcomes)
	}
	n.Attempts++
	n.Revision++
	s.Told[n.Reference] = clone(n)
	return n, nil
}

// EndNotice is the real store's.
func (s *Store) EndNotice(_ context.Context, n record.Notice) error {
	if err := s.call("store.EndNotice", n.Reference); err != nil {
		return err
	}
	if s.Told[n.Reference].Attempts != n.Attempts {
		return fault.New(fault.Conflict, "recording outcome of notice %s: %s", n.Reference, strconv.Itoa(n.Attempts))
	}
	n.Revision, n.Outcomes = s.Told[n.Reference].Revision+1, s.Told[n.Reference].Outcomes
	s.Told[n.Reference] = clone(n)
	return nil
}

// Notice is the real store's.
func (s *Store) Notice(_ context.Context, machine, reference string) (record.Notice, error) {
	if err := s.call("store.Notice", reference); err != nil {
		return record.Notice{}, err
	}
	n, ok := s.Told[reference]
	if !ok || n.Machine != machine {
		return record.Notice{}, missing("notice " + reference)
	}
	return clone(n), nil
}

// PutNotice is the real store's.
func (s *Store) PutNotice(_ context.Context, n record.Notice) error {
	if err := s.call("store.PutNotice", n.Reference); err != nil {
		return err
	}
	return s.notice(n)
}

func (s *Store) notice(n record.Notice) error {
	if s.Told[n.Reference].Revision != n.Revision {
		return fault.New(fault.Conflict, "recording outcome of notice %s: it was changed by somebody else", n.Reference)
	}
	n.Revision++
	s.Told[n.Reference] = clone(n)
	return nil
}

// Notices is the real store's.
func (s *Store) Notices(_ context.Context, machine string) ([]record.Notice, error) {
	told := slices.DeleteFunc(sorted(s.Told), func(n record.Notice) bool { return n.Machine != machine })
	return unless(s.call("store.Notices"), told)
}

// Request is the real store's.
func (s *Store) Request(_ context.Context, machine, id string) (record.Request, error) {
	if err := s.call("store.Request", id); err != nil {
		return record.Request{}, err
	}
	return read(s.Asked, machine+" "+id, "key request "+id)
}

// PutRequest is the real store's.
func (s *Store) PutRequest(_ context.Context, r record.Request) (record.Request, error) {
	if err := s.call("store.PutRequest", r.ID); err != nil {
		return r, err
	}
	if err := s.request(&r); err != nil {
		return r, err
	}
	s.Asked[r.Machine+" "+r.ID] = clone(r)
	return r, nil
}

func (s *Store) request(r *record.Request) error {
	if s.Asked[r.Machine+" "+r.ID].Revision != r.Revision {
		return fault.New(fault.Conflict, "recording key request %s: it was changed by somebody else", r.ID)
	}
	r.Revision++
	return nil
}

// RequestsOf is the real store's.
func (s *Store) RequestsOf(_ context.Context, machine string) ([]record.Request, error) {
	err := s.call("store.RequestsOf")
	all := slices.DeleteFunc(slices.Collect(maps.Values(s.Asked)), func(r record.Request) bool { return r.Machine != machine })
	slices.SortFunc(all, func(a, b record.Request) int { return cmp.Compare(a.ID, b.ID) })
	return unless(err, all)
}

// RequestsFrom is the real store's.
func (s *Store) RequestsFrom(_ context.Context, after string, limit int) ([]record.Request, error) {
	err := s.call("store.RequestsFrom")
	all := slices.Collect(maps.Values(s.Asked))
	slices.SortFunc(all, func(a, b record.Request) int { return cmp.Compare(store.RequestCursor(a), store.RequestCursor(b)) })
	all = slices.DeleteFunc(all, func(r record.Request) bool { return store.RequestCursor(r) <= after })
	return unless(err, all[:min(limit, len(all))])
}
