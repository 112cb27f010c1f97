package world

import (
	"context"
	"maps"
	"slices"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// BeginNotice is the real store's.
func (s *Store) BeginNotice(_ context.Context, n record.Notice) (record.Notice, error) {
	err := s.write("BeginNotice", func() error {
		s.saw()
		n.Attempts, n.Revision = 1, 0
		if earlier, ok := s.notices[n.Machine][n.Reference]; ok {
			if !earlier.AcceptedAt.IsZero() {
				n = earlier
				return nil
			}
			if !earlier.BegunAt.IsZero() && slices.Equal(earlier.Counts, n.Counts) {
				n.BegunAt = earlier.BegunAt
			}
			n.Attempts, n.Revision, n.Outcomes = earlier.Attempts+1, earlier.Revision, earlier.Outcomes
		}
		n = s.keepNotice(n)
		return nil
	})
	return n, err
}

// EndNotice is the real store's.
func (s *Store) EndNotice(_ context.Context, n record.Notice) error {
	return s.write("EndNotice", func() error {
		now := s.notices[n.Machine][n.Reference]
		if now.Attempts != n.Attempts {
			return fault.New(fault.Conflict, "recording outcome of notice %s: another attempt was begun", n.Reference)
		}
		n.Revision, n.Outcomes = now.Revision, now.Outcomes
		s.keepNotice(n)
		return nil
	})
}

// PutNotice is the real store's.
func (s *Store) PutNotice(_ context.Context, n record.Notice) error {
	return s.write("PutNotice", func() error {
		if why := s.refusesNotice(&n); why != "" {
			return fault.New(fault.Conflict, "recording outcome of notice %s: %s", n.Reference, why)
		}
		s.keepNotice(n)
		return nil
	})
}

func (s *Store) refusesNotice(n *record.Notice) string {
	if n != nil && s.notices[n.Machine][n.Reference].Revision != n.Revision {
		return "the notice was changed by somebody else"
	}
	return ""
}

// keepNotice writes the next revision.
func (s *Store) keepNotice(n record.Notice) record.Notice {
	n.Revision++
	if s.notices[n.Machine] == nil {
		s.notices[n.Machine] = map[string]record.Notice{}
	}
	kept := n
	kept.Outcomes = slices.Clone(n.Outcomes)
	s.notices[n.Machine][n.Reference] = kept
	if s.w.Watch != nil {
		s.w.Watch.Noted(n, s.w.seq)
	}
	return n
}

// Notice is the real store's.
func (s *Store) Notice(_ context.Context, machine, reference string) (record.Notice, error) {
	return read(s, "Notice", "notice "+reference, func() (record.Notice, bool) {
		n, ok := s.notices[machine][reference]
		n.Outcomes = slices.Clone(n.Outcomes)
		return n, ok
	})
}

// Notices is the real store's.
func (s *Store) Notices(_ context.Context, machine string) ([]record.Notice, error) {
	return all(s, "Notices", func() []record.Notice {
		var list []record.Notice
		for _, reference := range slices.Sorted(maps.Keys(s.notices[machine])) {
			list = append(list, s.notices[machine][reference])
		}
		return list
	})
}
