package world

import (
	"context"
	"time"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// Storm is the real store's.
func (s *Store) Storm(_ context.Context, group string) (g record.Storm, err error) {
	err = s.w.call("dynamodb", "Storm", func() error {
		s.w.seq++
		g = s.storms[group]
		g.Group = group
		return nil
	})
	return g, err
}

// PutStorm is the real store's.
func (s *Store) PutStorm(_ context.Context, g record.Storm, _ time.Time) (record.Storm, error) {
	err := s.write("PutStorm", func() error {
		if s.storms[g.Group].Version != g.Version {
			return fault.New(fault.Conflict, "recording that warnings wait for each other: it was changed")
		}
		g.Version++
		s.storms[g.Group] = g
		return nil
	})
	return g, err
}

// Gather is the real store's.
func (s *Store) JoinStorm(_ context.Context, group string, opens time.Time, one record.Stormed) error {
	return s.write("JoinStorm", func() error {
		key := waitKey(group, opens)
		if s.waits[key] == nil {
			s.waits[key] = map[string]record.Stormed{}
		}
		s.waits[key][one.Machine] = one
		return nil
	})
}

// InStorm is the real store's.
func (s *Store) InStorm(_ context.Context, group string, opens time.Time, limit int) ([]record.Stormed, error) {
	return all(s, "InStorm", func() []record.Stormed {
		rows := s.waits[waitKey(group, opens)]
		var list []record.Stormed
		for _, machine := range sortedKeys(rows) {
			list = append(list, rows[machine])
		}
		return list[:min(limit, len(list))]
	})
}

func waitKey(group string, opens time.Time) string {
	return group + " " + opens.UTC().Format(time.RFC3339Nano)
}
