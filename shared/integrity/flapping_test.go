package integrity_test

import (
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
)

func threeOfFive(t *policy.Integrity) { t.Confirm, t.ConfirmOf = 3, 5 }
func afterTwo(t *policy.Integrity)    { t.RestoreAfter = 2 }

func TestFailuresOfTheLastOnes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		live func(*machine)
	}{
		{"three of five, with passes between", func(m *machine) {
			m.fail(0)
			m.want("look", m.state.LookAt, at(0).Add(integrity.ConfirmApart))
			m.pass(1)
			m.want("standing", m.state.Standing, integrity.Good)
			m.want("no look is asked for after a pass", m.state.LookAt.IsZero(), true)
			m.fail(2)
			m.pass(3)
			m.want("row", m.state.Row, "FPFP")
			m.fail(4, integrity.Warn)
			m.want("row", m.state.Row, "")
		}},
		{"what is long ago falls out", func(m *machine) {
			m.fail(0)
			m.fail(1)
			for h := 2.0; h <= 4; h++ {
				m.pass(h)
			}
			m.fail(5)
			m.want("row", m.state.Row, "FPPPF")
			m.fail(6)
			m.fail(7, integrity.Warn)
		}},
		{"five passes forget", func(m *machine) {
			m.fail(0)
			for h := 1.0; h <= 5; h++ {
				m.pass(h)
			}
			m.want("failures", m.state.Failures, 0)
			m.want("row", m.state.Row, "")
		}},
		{"passing often at once pushes nothing out", func(m *machine) {
			m.fail(0)
			m.fail(1)
			for n := range 20 {
				m.pass(2 + float64(n)/1000)
			}
			m.want("row", m.state.Row, "FFP")
			m.fail(3, integrity.Warn)
		}},
		{"silence neither counts nor ends a row", func(m *machine) {
			m.fail(0)
			m.silent(1, integrity.CannotCheck)
			m.want("row", m.state.Row, "F")
		}},
		{"a row of a record from before", func(m *machine) {
			m.state.Failures = 2
			m.fail(0, integrity.Warn)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.live(newMachine(t, threeOfFive))
		})
	}
}

func TestRestoreAfterSoManyPasses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change []func(*policy.Integrity)
		live   func(*machine)
	}{
		{"the second", nil, func(m *machine) {
			generation := m.state.Generation
			m.pass(5)
			m.want("look", m.state.LookAt, at(5).Add(integrity.ConfirmApart))
			m.want("generation", m.state.Generation, generation)
			m.pass(5.1)
			m.want("too close together counts once", m.state.Row, "P")
			m.silent(5.2)
			m.pass(5.3, integrity.Restore)
			m.pass(5.6)
		}},
		{"a failure begins anew", nil, func(m *machine) {
			m.pass(5)
			m.fail(6)
			m.pass(7)
			m.pass(8, integrity.Restore)
		}},
		{"a person is asked after as many", []func(*policy.Integrity){manual}, func(m *machine) {
			m.pass(5)
			m.pass(6, integrity.Hold)
			m.want("held for", m.state.HeldFor, integrity.HeldManual)
		}},
		{"a person need not wait", nil, func(m *machine) {
			m.state = integrity.Restoring(m.state, at(5))
			effect, _ := integrity.Owed(m.state, m.terms)
			m.want("owed", effect, integrity.Restore)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.live(taken(t, append(tt.change, afterTwo)...))
		})
	}
}

// A revocation that is still on its way must not reach a machine that is in order: one pass is enough.
func TestOnePassEndsARevocationOnItsWay(t *testing.T) {
	t.Parallel()
	m := newMachine(t, afterTwo)
	m.fail(0, integrity.Warn)
	m.warned(0)
	m.state = integrity.Ordered(m.state, at(4))
	m.pass(4.01, integrity.Restore)
}

// flap takes the key and gives it back, beginning at an hour.
func (m *machine) flap(hour float64) {
	m.t.Helper()
	m.fail(hour, integrity.Warn)
	m.warned(hour)
	m.fail(hour+4, integrity.Revoke)
	m.revoked(hour + 4)
	m.pass(hour+5, integrity.Restore)
	m.state = integrity.Restored(m.state, at(hour+5), m.terms)
}

func TestFlapping(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change []func(*policy.Integrity)
		live   func(*machine)
	}{
		{"the fifth change waits for a person", nil, func(m *machine) {
			m.flap(0)
			m.flap(6)
			m.fail(12, integrity.Warn)
			m.warned(12)
			m.fail(16)
			m.want("flapping", integrity.Flapping(m.state, m.terms, at(16)), true)
			m.state = integrity.Held(m.state, integrity.HeldFlapping, at(16))
			m.fail(17)
			m.want("resumed", integrity.Resumed(m.state, at(18)).Changes, integrity.Moments(""))
			m.state = integrity.Resumed(m.state, at(18))
			m.fail(19, integrity.Revoke)
		}},
		{"a restore waits for a person as well", []func(*policy.Integrity){func(t *policy.Integrity) { t.Changes = 3 }}, func(m *machine) {
			m.flap(0)
			m.fail(6, integrity.Warn)
			m.warned(6)
			m.fail(10, integrity.Revoke)
			m.revoked(10)
			m.pass(11, integrity.Hold)
			m.want("held for", m.state.HeldFor, integrity.HeldFlapping)
			m.pass(12)
			_, owed := integrity.Owed(m.state, m.terms)
			m.want("owed", owed, false)
			m.state = integrity.Resumed(m.state, at(13))
			effect, _ := integrity.Owed(m.state, m.terms)
			m.want("owed", effect, integrity.Restore)
		}},
		{"changes of more than a day ago do not count", nil, func(m *machine) {
			m.flap(0)
			m.flap(40)
			m.flap(80)
			m.want("kept", len(strings.Fields(string(m.state.Changes))), 2)
		}},
		{"a machine that complies need not be decided on", nil, func(m *machine) {
			m.flap(0)
			m.flap(6)
			m.fail(12, integrity.Warn)
			m.warned(12)
			m.state = integrity.Held(m.state, integrity.HeldFlapping, at(16))
			m.pass(17, integrity.StandDown)
			m.want("held for", m.state.HeldFor, "")
		}},
		{"silence", []func(*policy.Integrity){silenceRevokes}, func(m *machine) {
			m.state.Changes = integrity.Moments(strings.Repeat(at(30).Format(time.RFC3339)+" ", 4))
			m.silent(0, integrity.CannotCheck)
			m.silent(24, integrity.Warn)
			m.warned(24)
			m.silent(40)
		}},
		{"what cannot be read is a doubt", nil, func(m *machine) {
			m.state.Changes = "a b c d"
			m.want("flapping", integrity.Flapping(m.state, m.terms, at(0)), true)
		}},
		{"only what a person decides is resumed", nil, func(m *machine) {
			m.state.HeldFor, m.state.Changes = integrity.HeldManual, "x"
			m.want("state", integrity.Resumed(m.state, at(1)), m.state)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.live(newMachine(t, tt.change...))
		})
	}
}
