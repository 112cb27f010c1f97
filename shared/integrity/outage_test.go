package integrity_test

import (
	"testing"
	"time"

	"github.com/keyward/keyward/shared/integrity"
)

func TestOutage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		live func(*machine)
	}{
		{"a deadline in it, and one after it", func(m *machine) {
			m.fail(0, integrity.Warn)
			m.warned(0)
			m.state = integrity.Outage(m.state, at(1), at(3))
			m.want("due", m.state.DueAt, at(6))
			m.want("frozen", m.state.Frozen, 2*time.Hour)
			m.state = integrity.Outage(m.state, at(5), at(8))
			m.want("due", m.state.DueAt, at(9))
			m.want("since", m.state.OutageSince, at(5))
			m.fail(8.5)
			m.fail(9, integrity.Revoke)
		}},
		{"in parts", func(m *machine) {
			m.fail(0, integrity.Warn)
			m.warned(0)
			for h := 1.0; h < 3; h++ {
				m.state = integrity.Outage(m.state, at(h), at(h+1))
			}
			m.want("due", m.state.DueAt, at(6))
			m.want("one outage", m.state.OutageSince, at(1))
		}},
		{"twice the same", func(m *machine) {
			m.fail(0, integrity.Warn)
			m.warned(0)
			m.state = integrity.Outage(m.state, at(1), at(3))
			m.want("again", integrity.Outage(m.state, at(1), at(3)), m.state)
			m.want("a part", integrity.Outage(m.state, at(2), at(3)), m.state)
		}},
		{"warned in it", func(m *machine) {
			m.fail(2, integrity.Warn)
			m.warned(2)
			m.state = integrity.Outage(m.state, at(0), at(3))
			m.want("due", m.state.DueAt, at(7))
		}},
		{"a deadline that had passed before it", func(m *machine) {
			m.fail(0, integrity.Warn)
			m.warned(0)
			m.state = integrity.Outage(m.state, at(5), at(9))
			m.want("due", m.state.DueAt, at(4))
		}},
		{"a clock that stands still already", func(m *machine) {
			m.fail(0, integrity.Warn)
			m.warned(0)
			m.see(1, "Unknown", integrity.Stopped)
			m.state = integrity.Outage(m.state, at(0.5), at(3))
			m.want("due", m.state.DueAt, at(4.5))
			m.fail(3)
			m.want("due", m.state.DueAt, at(6.5))
		}},
		{"silence", func(m *machine) {
			m.pass(0)
			m.silent(1, integrity.CannotCheck)
			m.state = integrity.Outage(m.state, at(2), at(22))
			m.want("silent since", m.state.SilentSince, at(21))
			m.silent(26)
			m.silent(45, integrity.Hold)
		}},
		{"nothing runs", func(m *machine) {
			m.pass(0)
			m.want("state", integrity.Outage(m.state, at(1), at(9)), m.state)
		}},
		{"ordered", func(m *machine) {
			m.fail(0, integrity.Warn)
			m.warned(0)
			m.state = integrity.Ordered(m.state, at(4))
			m.want("state", integrity.Outage(m.state, at(1), at(9)), m.state)
			m.want("state", integrity.Blinded(m.state, at(9)), m.state)
		}},
		{"more than a day", func(m *machine) {
			m.fail(0, integrity.Warn)
			m.warned(0)
			m.state = integrity.Outage(m.state, at(1), at(25))
			m.want("a day", integrity.Frozen(m.state), false)
			m.state = integrity.Outage(m.state, at(25), at(25.1))
			m.want("more", integrity.Frozen(m.state), true)
			m.state = integrity.Held(m.state, integrity.HeldFrozen, at(25.1))
			m.want("held for", integrity.Frozen(m.state), false)
			m.fail(29, integrity.Remind)
			m.want("evidence ends it not", m.state.HeldFor, integrity.HeldFrozen)
			m.state = integrity.Resumed(m.state, at(29))
			m.state = integrity.Outage(m.state, at(25.1), at(30))
			m.want("another day", integrity.Frozen(m.state), false)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.live(newMachine(t))
		})
	}
}

func TestDoubtful(t *testing.T) {
	t.Parallel()
	known := integrity.State{LastVerdict: "Pass"}
	silent := integrity.State{LastVerdict: "Unknown", KnownAt: at(0)}
	blind := integrity.State{LastVerdict: "Pass", KnownAt: at(0), FrozenSince: at(1), BlindSince: at(1)}
	many := func(n int, s integrity.State) []integrity.State {
		var all []integrity.State
		for range n {
			all = append(all, s)
		}
		return all
	}
	tests := []struct {
		name       string
		fleet      [][]integrity.State
		silent, of int
		want       bool
	}{
		{"nobody", nil, 0, 0, false},
		{"two of two", [][]integrity.State{many(2, silent)}, 2, 2, false},
		{"three of three", [][]integrity.State{many(3, silent)}, 3, 3, true},
		{"a fifth", [][]integrity.State{many(3, silent), many(12, known)}, 3, 15, false},
		{"more than a fifth", [][]integrity.State{many(3, silent), many(11, known)}, 3, 14, true},
		{"that cannot be looked at", [][]integrity.State{many(3, blind), many(3, known)}, 3, 6, true},
		{"that never answered", [][]integrity.State{many(9, integrity.State{LastVerdict: "Unknown"}), many(3, known)}, 0, 12, false},
		{"that are stopped or gone", [][]integrity.State{
			many(5, integrity.State{LastVerdict: "Unknown", KnownAt: at(0), FrozenSince: at(1)}),
			many(5, integrity.State{LastVerdict: "Unknown", KnownAt: at(0), GoneAt: at(1)}),
			many(5, integrity.State{LastVerdict: "Unknown", KnownAt: at(0), GoneOnce: at(1)}),
		}, 0, 0, false},
	}
	for _, tt := range tests {
		var c integrity.Crowd
		for _, part := range tt.fleet {
			for _, s := range part {
				c.Add(&s)
			}
		}
		if c.Silent != tt.silent || c.Of != tt.of || c.Doubtful() != tt.want {
			t.Errorf("%s: %d of %d, doubtful %v, want %d of %d, %v", tt.name, c.Silent, c.Of, c.Doubtful(), tt.silent, tt.of, tt.want)
		}
	}
}
