package world

import (
	"context"
	"time"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// Watch is the real store's.
func (s *Store) Watch(context.Context) (v record.Watch, err error) {
	err = s.w.call("dynamodb", "Watch", func() error {
		v = s.watch // whoever changes it makes a new map: sweep/handler/clocks.go
		return nil
	})
	return v, err
}

// PeekWatch is Watch for those who watch: no call is made.
func (s *Store) PeekWatch() record.Watch { return s.watch }

// PutWatch is the real store's.
func (s *Store) PutWatch(_ context.Context, v record.Watch) error {
	return s.write("PutWatch", func() error {
		if v.Version != s.watch.Version {
			return fault.New(fault.Conflict, "noting a completed sweep: another sweep was completed")
		}
		v.Version++
		s.watch = v
		return nil
	})
}

// Evaluated is the real store's.
func (s *Store) Evaluated(context.Context) (at time.Time, err error) {
	err = s.w.call("dynamodb", "Evaluated", func() error {
		at = s.evaluated
		return nil
	})
	return at, err
}

// NoteEvaluated is the real store's.
func (s *Store) NoteEvaluated(_ context.Context, at time.Time) error {
	return s.write("NoteEvaluated", func() error {
		s.evaluated = at
		return nil
	})
}
