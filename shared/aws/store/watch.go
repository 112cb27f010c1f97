package store

import (
	"context"
	"time"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

const (
	watchKey    = "watch"
	sweepRow    = "sweep"
	evaluateRow = "evaluate"
)

// Watch reads what the sweep noted of its own work; the zero Watch if it was never completed.
func (s *Store) Watch(ctx context.Context) (record.Watch, error) {
	w, err := get[record.Watch](ctx, s, watchKey, sweepRow, "reading when the sweep was completed")
	if fault.Is(err, fault.NotFound) {
		return record.Watch{}, nil
	}
	return w, err
}

// PutWatch notes that a sweep was completed; a fault.Conflict when another was since it was read.
func (s *Store) PutWatch(ctx context.Context, w record.Watch) error {
	before := w.Version
	w.Version++
	return s.putOnce(ctx, item{pk: watchKey, sk: sweepRow, version: w.Version, doc: w}, versionIs(before), "another sweep was completed", "noting a completed sweep")
}

// Evaluated reads when an evaluation was last completed; zero if never.
func (s *Store) Evaluated(ctx context.Context) (time.Time, error) {
	b, err := get[record.Beat](ctx, s, watchKey, evaluateRow, "reading when an evaluation was completed")
	if fault.Is(err, fault.NotFound) {
		return time.Time{}, nil
	}
	return b.At, err
}

// NoteEvaluated notes that an evaluation was completed.
func (s *Store) NoteEvaluated(ctx context.Context, at time.Time) error {
	return s.put(ctx, item{pk: watchKey, sk: evaluateRow, doc: record.Beat{At: at}}, condition{}, "noting a completed evaluation")
}
