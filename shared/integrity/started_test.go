package integrity_test

import (
	"testing"
	"time"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
)

func TestStarted(t *testing.T) {
	t.Parallel()
	settled := func(hours float64) integrity.State { return integrity.State{SettledAt: at(hours)} }
	tests := []struct {
		name        string
		before      integrity.State
		at, now     float64
		want        time.Time
		neverSettle bool
	}{
		{"just launched", integrity.State{}, 0, 0.1, at(0.5), false},
		{"long ago", integrity.State{}, 0, 0.5, time.Time{}, false},
		{"rebooted again within a day", settled(-1), 0, 0.1, at(-1), false},
		{"rebooted a day later", settled(-24), 0, 0.1, at(0.5), false},
		{"says the machine, in the future", integrity.State{}, 1, 0, time.Time{}, false},
		{"bad", integrity.State{Standing: integrity.Bad}, 0, 0.1, time.Time{}, false},
		{"the policy gives no time", integrity.State{}, 0, 0, time.Time{}, true},
	}
	for _, tt := range tests {
		set := terms(func(t *policy.Integrity) {
			if tt.neverSettle {
				t.Settle = 0
			}
		})
		if got := integrity.Started(tt.before, at(tt.at), at(tt.now), set).SettledAt; !got.Equal(tt.want) {
			t.Errorf("%s: settled at %v, want %v", tt.name, got, tt.want)
		}
	}
	if got := integrity.Started(integrity.State{}, time.Time{}, at(0), terms()); got != (integrity.State{}) {
		t.Errorf("a start that is not known: %+v", got)
	}
}

// A machine that is started often is judged all the same.
func TestRebootingIsNoEscape(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.pass(0)
	for n := range 3 {
		hour := 1 + float64(n)*0.4
		m.state = integrity.Started(m.state, at(hour), at(hour+0.1), m.terms)
		if n < 2 {
			m.want("settled", m.state.SettledAt, at(1.5))
		}
	}
	m.fail(1.9, integrity.Warn)
}
