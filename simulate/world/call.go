package world

import (
	"context"
	"time"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// BeginCall is the real store's.
func (s *Store) BeginCall(_ context.Context, c record.Call, now time.Time) (kept record.Call, begun bool, err error) {
	err = s.write("BeginCall", func() error {
		if before, ok := s.calls[c.ID]; ok && before.Kept(now) {
			kept, begun = before.Taken(c.Digest, now)
		} else {
			kept, begun = c.Begun(now), true
		}
		if begun {
			s.calls[c.ID] = kept
		}
		return nil
	})
	return kept, begun, err
}

// EndCall is the real store's.
func (s *Store) EndCall(_ context.Context, c record.Call) error {
	return s.write("EndCall", func() error {
		if s.calls[c.ID].Attempts != c.Attempts {
			return fault.New(fault.Conflict, "ending a call with an idempotency key: another is at it")
		}
		c.Attempts++
		s.calls[c.ID] = c
		return nil
	})
}
