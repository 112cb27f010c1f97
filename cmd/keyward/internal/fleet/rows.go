package fleet

import (
	"cmp"
	"slices"
	"strings"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// Rows are the machines that pass the filter, those that want somebody's eye first. They are asked for each time that
// the screen is drawn, and there may be ten thousand.
func (v View) Rows() []*record.Machine {
	if v.Look == nil {
		return nil
	}
	word := strings.ToLower(v.Filter)
	rows := make([]*record.Machine, 0, len(v.Look.Machines))
	for i := range v.Look.Machines {
		if m := &v.Look.Machines[i]; word == "" || has(m, word) {
			rows = append(rows, m)
		}
	}
	return rows
}

// has is whether a machine has a word in what is shown of it.
func has(m *record.Machine, word string) bool {
	return slices.ContainsFunc([]string{m.ID, m.Name, m.Owner, m.Policy, standingOf(m.State.Standing), keyOf(m.State.Key), m.State.Why}, func(text string) bool {
		return strings.Contains(strings.ToLower(text), word)
	})
}

// Sort has the machines first that lost their key, are bad, held or unknown.
func Sort(machines []record.Machine) {
	slices.SortFunc(machines, func(a, b record.Machine) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.ID, b.ID)) })
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
