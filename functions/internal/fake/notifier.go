package fake

import (
	"context"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// Notifier is the real store's.
func (s *Store) Notifier(_ context.Context, name string) (record.Notifier, error) {
	if err := s.call("store.Notifier", name); err != nil {
		return record.Notifier{}, err
	}
	return read(s.Telling, name, "notifier "+name)
}

// Notifiers is the real store's.
func (s *Store) Notifiers(context.Context) ([]record.Notifier, error) {
	return unless(s.call("store.Notifiers"), sorted(s.Telling))
}

// PutNotifier is the real store's.
func (s *Store) PutNotifier(_ context.Context, n record.Notifier) (record.Notifier, error) {
	if err := s.call("store.PutNotifier", n.Name); err != nil {
		return record.Notifier{}, err
	}
	if s.Telling[n.Name].Version != n.Version {
		return record.Notifier{}, fault.New(fault.Conflict, "putting notifier %s: it was changed by somebody else", n.Name)
	}
	n.Version++
	s.Telling[n.Name] = clone(n)
	return n, nil
}

// DeleteNotifier is the real store's.
func (s *Store) DeleteNotifier(_ context.Context, n record.Notifier) error {
	if err := s.call("store.DeleteNotifier", n.Name); err != nil {
		return err
	}
	if s.Telling[n.Name].Version != n.Version {
		return fault.New(fault.Conflict, "deleting notifier %s: it was changed by somebody else", n.Name)
	}
	delete(s.Telling, n.Name)
	return nil
}
