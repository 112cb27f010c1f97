package world

import (
	"context"
	"slices"
	"strconv"

	"github.com/keyward/keyward/shared/record"
)

// Ledger is the real store's.
func (s *Store) Ledger(_ context.Context, machine string, limit int) ([]record.Entry, error) {
	return all(s, "Ledger", func() []record.Entry { return newest(s.ledger[machine], limit) })
}

// LedgerFrom is the real store's. What Keep dropped is not there, and a place is a count.
func (s *Store) LedgerFrom(_ context.Context, machine, after string, limit int) (part []record.Entry, next string, err error) {
	err = s.w.call("dynamodb", "LedgerFrom", func() error {
		at, _ := strconv.Atoi(after)
		rest := s.ledger[machine][min(at, len(s.ledger[machine])):]
		part = slices.Clone(rest[:min(limit, len(rest))])
		if len(part) < len(rest) {
			next = strconv.Itoa(at + len(part))
		}
		return nil
	})
	return part, next, err
}

// newest are the last of a list, newest first; limit 0 means all.
func newest[T any](list []T, limit int) []T {
	list = slices.Clone(list)
	slices.Reverse(list)
	if limit > 0 && len(list) > limit {
		list = list[:limit]
	}
	return list
}
