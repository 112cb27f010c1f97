package handler

import (
	"context"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/integrity"
)

// standing says how the fleet stands, as this sweep found it: what the dashboard shows.
func (s *sweep) standing(ctx context.Context) {
	by := map[integrity.Standing]int{}
	var revoked, held, due, notEffective int
	for i := range s.machines {
		m := &s.machines[i]
		by[m.State.Standing]++
		switch {
		case m.State.Key == integrity.KeyRevoked:
			revoked++
		case m.State.Standing == integrity.Bad && !m.State.DueAt.IsZero():
			due++
		}
		if m.State.HeldFor != "" {
			held++
		}
		if len(m.NotEffective) > 0 {
			notEffective++
		}
	}
	s.Log.InfoContext(ctx, "standing", boot.Count("Good", by[integrity.Good]), boot.Count("Bad", by[integrity.Bad]), boot.Count("Unknown", by[integrity.Unknown]),
		boot.Count("Due", due), boot.Count("Held", held), boot.Count("Revoked", revoked), boot.Count("NotEffective", notEffective))
}
