package fleet

import (
	"cmp"
	"slices"
	"strings"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// Rows are the machines that pass the filter, those that want somebody's eye first.
func (v View) Rows() []record.Machine {
	if v.Look == nil {
		return nil
	}
	rows := v.Look.Machines
	if v.Filter != "" {
		word := strings.ToLower(v.Filter)
		rows = slices.DeleteFunc(slices.Clone(rows), func(m record.Machine) bool {
			text := strings.Join([]string{m.ID, m.Name, m.Owner, m.Policy, standingOf(m.State.Standing), keyOf(m.State.Key), m.State.Why}, " ")
			return !strings.Contains(strings.ToLower(text), word)
		})
	}
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b record.Machine) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.ID, b.ID)) })
	return rows
}

func rank(m record.Machine) int {
	switch {
	case m.State.Key == integrity.KeyRevoked:
		return 0
	case m.State.Standing == integrity.Bad:
		return 1
	case m.State.HeldFor != "":
		return 2
	case m.State.Standing == integrity.Unknown:
		return 3
	}
	return 4
}
