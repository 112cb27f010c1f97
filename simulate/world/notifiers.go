package world

import (
	"context"
	"maps"
	"slices"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// Notifier is the real store's.
func (s *Store) Notifier(_ context.Context, name string) (record.Notifier, error) {
	return read(s, "Notifier", "notifier "+name, func() (record.Notifier, bool) {
		n, ok := s.notifiers[name]
		return n, ok
	})
}

// Notifiers is the real store's.
func (s *Store) Notifiers(context.Context) ([]record.Notifier, error) {
	return all(s, "Notifiers", func() []record.Notifier {
		var list []record.Notifier
		for _, name := range slices.Sorted(maps.Keys(s.notifiers)) {
			list = append(list, s.notifiers[name])
		}
		return list
	})
}

// PutNotifier is the real store's.
func (s *Store) PutNotifier(_ context.Context, n record.Notifier) (record.Notifier, error) {
	err := s.write("PutNotifier", func() error {
		if s.notifiers[n.Name].Version != n.Version {
			return fault.New(fault.Conflict, "putting notifier %s: it was changed by somebody else", n.Name)
		}
		n.Version++
		s.notifiers[n.Name] = n
		return nil
	})
	if err != nil {
		return record.Notifier{}, err
	}
	return n, nil
}

// DeleteNotifier is the real store's.
func (s *Store) DeleteNotifier(_ context.Context, n record.Notifier) error {
	return s.write("DeleteNotifier", func() error {
		if s.notifiers[n.Name].Version != n.Version {
			return fault.New(fault.Conflict, "deleting notifier %s: it was changed by somebody else", n.Name)
		}
		delete(s.notifiers, n.Name)
		return nil
	})
}
