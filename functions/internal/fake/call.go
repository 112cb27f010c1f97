package fake

import (
	"context"
	"time"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// BeginCall is the real store's.
func (s *Store) BeginCall(_ context.Context, c record.Call, now time.Time) (record.Call, bool, error) {
	if err := s.call("store.BeginCall"); err != nil {
		return c, false, err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	kept, ok := s.Called[c.ID]
	if !ok || !kept.Kept(now) {
		s.Called[c.ID] = c.Begun(now)
		return c.Begun(now), true, nil
	}
	taken, may := kept.Taken(c.Digest, now)
	s.Called[c.ID] = taken
	return taken, may, nil
}

// EndCall is the real store's.
func (s *Store) EndCall(_ context.Context, c record.Call) error {
	if err := s.call("store.EndCall"); err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.Called[c.ID].Attempts != c.Attempts {
		return fault.New(fault.Conflict, "ending a call with an idempotency key: another is at it")
	}
	c.Attempts++
	s.Called[c.ID] = c
	return nil
}
