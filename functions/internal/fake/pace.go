package fake

import (
	"context"
	"time"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// Used is the real store's.
func (s *Store) Used(_ context.Context, bucket string) (time.Time, error) {
	return unless(s.call("store.Used", bucket), s.UsedUntil[bucket])
}

// Use is the real store's.
func (s *Store) Use(_ context.Context, bucket string, before, until time.Time) error {
	if err := s.call("store.Use", bucket); err != nil {
		return err
	}
	if !s.UsedUntil[bucket].Equal(before) {
		return fault.New(fault.Conflict, "taking a turn of %s: somebody else did", bucket)
	}
	s.UsedUntil[bucket] = until
	return nil
}

// Queue is the real store's.
func (s *Store) Queue(_ context.Context, t record.Turn) error {
	if err := s.call("store.Queue", t.Bucket, t.Order); err != nil {
		return err
	}
	s.Turns[t.Bucket+" "+t.Order] = t
	return nil
}

// Ahead is the real store's.
func (s *Store) Ahead(_ context.Context, bucket, order string, now time.Time) (int, error) {
	n := 0
	for _, t := range s.Turns {
		if t.Bucket == bucket && t.Order < order && t.Until.After(now) {
			n++
		}
	}
	return unless(s.call("store.Ahead", bucket), n)
}
