package world

import (
	"context"
	"time"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// Used is the real store's.
func (s *Store) Used(_ context.Context, bucket string) (until time.Time, err error) {
	err = s.w.call("dynamodb", "Used", func() error {
		until = s.used[bucket]
		return nil
	})
	return until, err
}

// Use is the real store's.
func (s *Store) Use(_ context.Context, bucket string, before, until time.Time) error {
	return s.write("Use", func() error {
		if !s.used[bucket].Equal(before) {
			return fault.New(fault.Conflict, "taking a turn of %s: somebody else did", bucket)
		}
		s.used[bucket] = until
		return nil
	})
}

// Queue is the real store's.
func (s *Store) Queue(_ context.Context, t record.Turn) error {
	return s.write("Queue", func() error {
		if s.turns[t.Bucket] == nil {
			s.turns[t.Bucket] = map[string]record.Turn{}
		}
		s.turns[t.Bucket][t.Order] = t
		return nil
	})
}

// Ahead is the real store's.
func (s *Store) Ahead(_ context.Context, bucket, order string, now time.Time) (n int, err error) {
	err = s.w.call("dynamodb", "Ahead", func() error {
		for _, t := range s.turns[bucket] {
			if !t.Until.After(now) {
				delete(s.turns[bucket], t.Order) // DynamoDB's time to live
			} else if t.Order < order {
				n++
			}
		}
		return nil
	})
	return n, err
}
