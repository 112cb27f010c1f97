package fake

import (
	"context"
	"time"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// fresh is a heartbeat that is never old in a test that does not say otherwise.
var fresh = Start.Add(10 * 365 * 24 * time.Hour)

// Watch is the real store's.
func (s *Store) Watch(context.Context) (record.Watch, error) {
	return unless(s.call("store.Watch"), clone(s.Watched))
}

// PutWatch is the real store's.
func (s *Store) PutWatch(_ context.Context, w record.Watch) error {
	if err := s.call("store.PutWatch"); err != nil {
		return err
	}
	if w.Version != s.Watched.Version {
		return fault.New(fault.Conflict, "noting a completed sweep: another sweep was completed")
	}
	w.Version++
	s.Watched = clone(w)
	return nil
}

// Evaluated is the real store's.
func (s *Store) Evaluated(context.Context) (time.Time, error) {
	return unless(s.call("store.Evaluated"), s.EvaluatedAt)
}

// NoteEvaluated is the real store's.
func (s *Store) NoteEvaluated(_ context.Context, at time.Time) error {
	if err := s.call("store.NoteEvaluated"); err != nil {
		return err
	}
	s.EvaluatedAt = at
	return nil
}
