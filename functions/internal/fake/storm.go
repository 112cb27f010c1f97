package fake

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// Storm is the real store's.
func (s *Store) Storm(_ context.Context, group string) (record.Storm, error) {
	if err := s.call("store.Storm"); err != nil {
		return record.Storm{}, err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	g := s.Storms[group]
	g.Group = group
	return g, nil
}

// PutStorm is the real store's.
func (s *Store) PutStorm(_ context.Context, g record.Storm, _ time.Time) (record.Storm, error) {
	if err := s.call("store.PutStorm"); err != nil {
		return g, err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.Storms[g.Group].Version != g.Version {
		return g, fault.New(fault.Conflict, "recording that warnings wait for each other: it was changed")
	}
	g.Version++
	s.Storms[g.Group] = g
	return g, nil
}

// Gather is the real store's.
func (s *Store) JoinStorm(_ context.Context, group string, opens time.Time, one record.Stormed) error {
	if err := s.call("store.JoinStorm", one.Machine); err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	key := group + " " + opens.UTC().String()
	if s.Waits[key] == nil {
		s.Waits[key] = map[string]record.Stormed{}
	}
	s.Waits[key][one.Machine] = one
	return nil
}

// InStorm is the real store's.
func (s *Store) InStorm(_ context.Context, group string, opens time.Time, limit int) ([]record.Stormed, error) {
	if err := s.call("store.InStorm"); err != nil {
		return nil, err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	rows := s.Waits[group+" "+opens.UTC().String()]
	var all []record.Stormed
	for _, machine := range slices.Sorted(maps.Keys(rows)) {
		all = append(all, rows[machine])
	}
	return all[:min(limit, len(all))], nil
}
