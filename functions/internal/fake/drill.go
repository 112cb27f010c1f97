package fake

import (
	"context"
	"slices"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// Drill is the real store's.
func (s *Store) Drill(context.Context) (record.Drill, error) {
	return unless(s.call("store.Drill"), clone(s.Drilled))
}

// PutDrill is the real store's.
func (s *Store) PutDrill(_ context.Context, d record.Drill) (record.Drill, error) {
	if err := s.call("store.PutDrill", string(d.Phase)); err != nil {
		return record.Drill{}, err
	}
	if s.Drilled.Version != d.Version {
		return record.Drill{}, fault.New(fault.Conflict, "writing drill %s: another drill or another step of it was quicker", d.ID)
	}
	d.Version++
	s.Drilled = clone(d)
	s.AllDrills = append(slices.DeleteFunc(s.AllDrills, func(o record.Drill) bool { return o.ID == d.ID }), clone(d))
	return d, nil
}

// Drills is the real store's.
func (s *Store) Drills(_ context.Context, limit int) ([]record.Drill, error) {
	all := clone(s.AllDrills)
	slices.Reverse(all)
	return unless(s.call("store.Drills"), all[:min(limit, len(all))])
}

// Trier tries keys.
type Trier struct {
	*Calls
	Disabled bool
}

// Use is kmskey/use's.
func (t *Trier) Use(_ context.Context, key, machine string) (bool, error) {
	return unless(t.call("kms.Use", key, machine), t.Disabled)
}
