package integrity_test

import (
	"testing"
	"time"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
)

// taken is a machine whose key was revoked at hour 4.
func taken(t *testing.T, change ...func(*policy.Integrity)) *machine {
	t.Helper()
	m := newMachine(t, change...)
	m.pass(-1)
	m.state = integrity.Released(m.state, at(-0.5))
	m.fail(0, integrity.Warn)
	m.warned(0)
	m.fail(4, integrity.Revoke)
	m.revoked(4)
	return m
}

func TestRevoked(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change []func(*policy.Integrity)
		live   func(*machine)
	}{
		{"corrected", nil, func(m *machine) {
			generation := m.state.Generation
			m.pass(5, integrity.Restore)
			m.want("standing until it is restored", m.state.Standing, integrity.Bad)
			m.want("generation", m.state.Generation, generation+1)
			m.pass(5.1)
			m.state = integrity.Restored(m.state, at(5.2), m.terms)
			m.want("standing", m.state.Standing, integrity.Good)
			m.want("key", m.state.Key, integrity.KeyReleased)
			m.want("settled", m.state.SettledAt, at(5.7))
			m.fail(5.5)
			m.fail(6, integrity.Warn)
			m.warned(6)
			m.want("relapse", m.state.DueAt, at(6.5))
		}},
		{"retries", nil, func(m *machine) {
			m.want("look", m.state.LookAt, at(4.5))
			m.fail(4.5)
			m.want("look", m.state.LookAt, at(5))
			m.fail(4.7)
			m.want("look", m.state.LookAt, at(5))
			m.silent(5)
			m.want("looks", m.state.Looks, 2)
			m.fail(5.5)
			m.want("look", m.state.LookAt.IsZero(), true)
			m.want("looks", m.state.Looks, 3)
			m.fail(24, integrity.Remind)
			m.fail(25)
			m.want("generation", m.state.Generation, int64(1))
		}},
		{"no retries", []func(*policy.Integrity){func(t *policy.Integrity) { t.RetryUpTo = 0 }}, func(m *machine) {
			m.want("look", m.state.LookAt.IsZero(), true)
		}},
		{"failing again before the restore", nil, func(m *machine) {
			m.pass(5, integrity.Restore)
			m.fail(5.1)
			m.want("generation", m.state.Generation, int64(3))
			// The restore may have been done and not noted: the key has to be taken again, or found taken.
			effect, owed := integrity.Owed(m.state, m.terms)
			m.want("owed", owed, true)
			m.want("effect", effect, integrity.Revoke)
			m.want("key", m.state.Key, integrity.KeyRevoking)
			m.want("look", m.state.LookAt, at(5.6))
			m.pass(6, integrity.Restore)
		}},
		{"restored by a person", []func(*policy.Integrity){manual}, func(m *machine) {
			m.pass(5, integrity.Hold)
			m.want("corrected", m.state.CorrectedAt, at(5))
			m.want("held for", m.state.HeldFor, integrity.HeldManual)
			m.pass(6)
			m.state = integrity.Restoring(m.state, at(7))
			effect, _ := integrity.Owed(m.state, m.terms)
			m.want("owed", effect, integrity.Restore)
		}},
		{"manual, failing again", []func(*policy.Integrity){manual}, func(m *machine) {
			m.pass(5, integrity.Hold)
			m.fail(6)
			m.want("held for", m.state.HeldFor, "")
			m.pass(7, integrity.Hold)
		}},
		{"manual until the policy changes", []func(*policy.Integrity){manual}, func(m *machine) {
			m.pass(5, integrity.Hold)
			m.terms.RestoreManual = false
			m.pass(6, integrity.Restore)
		}},
		{"silence cures nothing", nil, func(m *machine) {
			m.silent(5)
			m.silent(50)
			m.want("key", m.state.Key, integrity.KeyRevoked)
			m.want("standing", m.state.Standing, integrity.Bad)
		}},
		{"gone", nil, func(m *machine) {
			m.see(5, "Unknown", integrity.Gone)
			m.see(6, "Unknown", integrity.Gone, integrity.Withdraw)
			m.state = integrity.Withdrawn(m.state, at(6))
			m.want("what was taken stays noted", m.state.Key, integrity.KeyRevoked)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.live(taken(t, tt.change...))
		})
	}
}

func TestPassWhileRevoking(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.fail(0, integrity.Warn)
	m.warned(0)
	m.state = integrity.Ordered(m.state, at(4))
	m.want("key", m.state.Key, integrity.KeyRevoking)
	generation := m.state.Generation
	m.pass(4.01, integrity.Restore)
	m.want("the order is stale", m.state.Generation > generation, true)
	m.state = integrity.Restored(m.state, at(4.02), m.terms)
	m.want("key", m.state.Key, integrity.KeyReleased)
	m.state = integrity.Revoked(m.state, at(4.03), m.terms)
	m.want("a late confirmation", m.state.Key, integrity.KeyReleased)
}

func TestCorrectedSinceTheOrder(t *testing.T) {
	t.Parallel()
	m := newMachine(t, manual)
	m.fail(0, integrity.Warn)
	m.warned(0)
	m.state = integrity.Ordered(m.state, at(4))
	m.pass(4.01, integrity.Hold)
	m.want("a read-back that nothing was taken", integrity.NotRevoked(m.state, "not-revoked", at(4.02)), m.state)
	m.state = integrity.Revoked(m.state, at(4.02), m.terms)
	m.want("held for", m.state.HeldFor, integrity.HeldManual)
	m.want("look", m.state.LookAt.IsZero(), true)
}

func TestNotRevoked(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.fail(0, integrity.Warn)
	m.warned(0)
	m.state = integrity.NotRevoked(integrity.Ordered(m.state, at(4)), "not-revoked", at(4.1))
	m.want("key", m.state.Key, integrity.KeyReleased)
	m.want("held for", m.state.HeldFor, "not-revoked")
	m.state = integrity.Unheld(m.state, at(5))
	effect, owed := integrity.Owed(m.state, m.terms)
	m.want("owed", effect, integrity.Revoke)
	m.want("owed", owed, true)
}

func TestRelapse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		relapse float64 // hours after start; corrected at hour 1, old deadline at hour 4
		want    float64
	}{
		{"the old deadline is ahead", 2, 4},
		{"the old deadline is near", 3.8, 4.3},
		{"the old deadline is over", 30, 30.5},
		{"a week later", 1 + 7*24, 1 + 7*24 + 0.5},
		{"more than a week later", 1.1 + 7*24, 1.1 + 7*24 + 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			m.fail(0, integrity.Warn)
			m.warned(0)
			m.pass(1, integrity.StandDown)
			m.fail(tt.relapse, integrity.Warn)
			m.warned(tt.relapse)
			m.want("due", m.state.DueAt, at(tt.want))
		})
	}
}

func TestMovesThatDoNotApply(t *testing.T) {
	t.Parallel()
	set := terms()
	good := integrity.State{Standing: integrity.Good}
	warned := integrity.Warned(integrity.State{Standing: integrity.Bad}, at(0), set)
	revoked := integrity.State{Standing: integrity.Bad, Key: integrity.KeyRevoked}
	frozen := warned
	frozen.FrozenSince = at(1)
	passed := warned
	passed.LastVerdict = "Pass"
	tests := []struct {
		name   string
		before integrity.State
		move   func(integrity.State) integrity.State
	}{
		{"warning a good machine", good, func(s integrity.State) integrity.State { return integrity.Warned(s, at(0), set) }},
		{"warning twice", warned, func(s integrity.State) integrity.State { return integrity.Warned(s, at(-3), set) }},
		{"ordering for a good machine", good, func(s integrity.State) integrity.State { return integrity.Ordered(s, at(9)) }},
		{"ordering without a warning", integrity.State{Standing: integrity.Bad}, func(s integrity.State) integrity.State { return integrity.Ordered(s, at(9)) }},
		{"ordering for a machine that passed", passed, func(s integrity.State) integrity.State { return integrity.Ordered(s, at(9)) }},
		{"ordering before the deadline", warned, func(s integrity.State) integrity.State { return integrity.Ordered(s, at(3.9)) }},
		{"ordering while the clock stands", frozen, func(s integrity.State) integrity.State { return integrity.Ordered(s, at(9)) }},
		{"ordering what is revoked", revoked, func(s integrity.State) integrity.State { return integrity.Ordered(s, at(9)) }},
		{"confirming without an order", warned, func(s integrity.State) integrity.State { return integrity.Revoked(s, at(9), set) }},
		{"denying without an order", warned, func(s integrity.State) integrity.State { return integrity.NotRevoked(s, "x", at(9)) }},
		{"restoring what is not revoked", warned, func(s integrity.State) integrity.State { return integrity.Restored(s, at(9), set) }},
		{"asking to restore what is not revoked", warned, func(s integrity.State) integrity.State { return integrity.Restoring(s, at(9)) }},
		{"releasing what is revoked", revoked, func(s integrity.State) integrity.State { return integrity.Released(s, at(9)) }},
		{"a look that is not due", warned, func(s integrity.State) integrity.State { return integrity.Asked(s, at(9), set) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.move(tt.before); got != tt.before {
				t.Errorf("state = %+v, want it unchanged: %+v", got, tt.before)
			}
		})
	}
}

func TestWarnedRoundsUp(t *testing.T) {
	t.Parallel()
	s := integrity.Warned(integrity.State{Standing: integrity.Bad}, start.Add(time.Millisecond), terms())
	if want := start.Add(4*time.Hour + time.Second); !s.DueAt.Equal(want) {
		t.Errorf("DueAt = %v, want %v", s.DueAt, want)
	}
	s = integrity.Warned(integrity.State{Standing: integrity.Bad}, start, policy.Integrity{OnFail: policy.ActRevoke})
	if want := start.Add(time.Minute); !s.DueAt.Equal(want) {
		t.Errorf("DueAt without a grace = %v, want %v", s.DueAt, want)
	}
}
