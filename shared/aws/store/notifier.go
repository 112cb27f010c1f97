package store

import (
	"context"

	"github.com/keyward/keyward/shared/record"
)

const (
	notifierRow  = "notifier"
	notifierList = "notifiers"
)

func notifierKey(name string) string { return "notifier#" + name }

// PutNotifier writes n as the version after the one it names; a fault.Conflict when somebody was quicker.
func (s *Store) PutNotifier(ctx context.Context, n record.Notifier) (record.Notifier, error) {
	before := int64(n.Version)
	n.Version++
	i := item{pk: notifierKey(n.Name), sk: notifierRow, listPK: notifierList, listSK: n.Name, version: int64(n.Version), doc: n}
	if err := s.putOnce(ctx, i, versionIs(before), "it was changed by somebody else", "putting notifier "+n.Name); err != nil {
		return record.Notifier{}, err
	}
	return n, nil
}

// Notifier reads a notifier; fault.NotFound if there is none.
func (s *Store) Notifier(ctx context.Context, name string) (record.Notifier, error) {
	return get[record.Notifier](ctx, s, notifierKey(name), notifierRow, "reading notifier "+name)
}

// Notifiers reads all notifiers, by name.
func (s *Store) Notifiers(ctx context.Context) ([]record.Notifier, error) {
	return list[record.Notifier](ctx, s, notifierList, "listing notifiers")
}

// DeleteNotifier takes n away in the version that it names, which is not 0; a fault.Conflict when somebody changed it, or took it away, since.
func (s *Store) DeleteNotifier(ctx context.Context, n record.Notifier) error {
	doing := "deleting notifier " + n.Name
	var t transaction
	t.remove(s, notifierKey(n.Name), notifierRow, versionIs(int64(n.Version)), "it was changed by somebody else")
	return t.commit(ctx, s, doing)
}
