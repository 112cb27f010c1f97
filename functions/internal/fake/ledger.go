package fake

import (
	"context"
	"slices"
	"strconv"

	"github.com/keyward/keyward/shared/record"
)

// Ledger is the real store's.
func (s *Store) Ledger(_ context.Context, machine string, _ int) ([]record.Entry, error) {
	var found []record.Entry
	for _, e := range s.Entries {
		if e.Machine == machine {
			found = append(found, e)
		}
	}
	slices.Reverse(found)
	return unless(s.call("store.Ledger"), found)
}

// LedgerFrom is the real store's. A place is a count.
func (s *Store) LedgerFrom(_ context.Context, machine, after string, limit int) ([]record.Entry, string, error) {
	var found []record.Entry
	for _, e := range s.Entries {
		if e.Machine == machine {
			found = append(found, e)
		}
	}
	at, _ := strconv.Atoi(after)
	rest := found[min(at, len(found)):]
	next := ""
	if len(rest) > limit {
		rest, next = rest[:limit], strconv.Itoa(at+limit)
	}
	return rest, next, s.call("store.LedgerFrom")
}

// WaiverHead is the real store's.
func (s *Store) WaiverHead(context.Context, string) (record.Head, error) {
	return s.Heads, s.call("store.WaiverHead")
}
