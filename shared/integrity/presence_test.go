package integrity_test

import (
	"testing"
	"time"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
)

func TestPresence(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change []func(*policy.Integrity)
		live   func(*machine)
	}{
		{"stopped pauses the deadline", nil, func(m *machine) {
			m.fail(0, integrity.Warn)
			m.warned(0)
			m.see(1, "Unknown", integrity.Stopped)
			m.see(9, "Unknown", integrity.Stopped)
			m.fail(11)
			m.want("due", m.state.DueAt, at(14))
			m.want("frozen", m.state.Frozen, 10*time.Hour)
			m.fail(14, integrity.Revoke)
		}},
		{"failed, then stopped at the deadline", nil, func(m *machine) {
			m.fail(0, integrity.Warn)
			m.warned(0)
			m.see(5, "Fail", integrity.Stopped)
			m.want("order", integrity.Ordered(m.state, at(5)).Key, integrity.KeyUntouched)
		}},
		{"corrected while stopped keeps the moved deadline", nil, func(m *machine) {
			m.fail(0, integrity.Warn)
			m.warned(0)
			m.see(1, "Unknown", integrity.Stopped)
			m.see(3, "Pass", integrity.Stopped, integrity.StandDown)
			m.want("old due", m.state.OldDueAt, at(6))
			m.want("frozen since", m.state.FrozenSince, at(3))
		}},
		{"we cannot look", nil, func(m *machine) {
			m.fail(0, integrity.Warn)
			m.warned(0)
			m.see(1, "Unknown", integrity.PresenceUnknown)
			m.see(25, "Unknown", integrity.PresenceUnknown)
			m.see(25.1, "Unknown", integrity.PresenceUnknown, integrity.Hold)
			m.want("held for", m.state.HeldFor, integrity.HeldFrozen)
			m.see(26, "Unknown", integrity.PresenceUnknown)
			m.silent(27)
			m.want("due", m.state.DueAt, at(4+26))
			m.fail(30, integrity.Remind)
			m.want("a person has to decide", m.state.HeldFor, integrity.HeldFrozen)
			m.state = integrity.Resumed(m.state, at(31))
			m.fail(31, integrity.Revoke)
		}},
		{"we cannot look, and it was held for that before", nil, func(m *machine) {
			m.fail(0, integrity.Warn)
			m.warned(0)
			m.state = integrity.Held(integrity.Blinded(m.state, at(4)), integrity.HeldBlind, at(4))
			m.see(4.5, "Unknown", integrity.PresenceUnknown)
			m.see(28.5, "Unknown", integrity.PresenceUnknown, integrity.Hold)
			m.state = integrity.Resumed(m.state, at(29))
			m.see(30, "Unknown", integrity.PresenceUnknown)
			m.want("another day", m.state.HeldFor, "")
			m.fail(31, integrity.Revoke)
			m.want("due", m.state.DueAt, at(31))
		}},
		{"we cannot look, and nothing is at stake", nil, func(m *machine) {
			m.pass(0)
			m.see(1, "Unknown", integrity.PresenceUnknown)
			m.see(99, "Unknown", integrity.PresenceUnknown)
			m.want("held for", m.state.HeldFor, "")
		}},
		{"a day of being stopped is no outage of ours", nil, func(m *machine) {
			m.pass(0)
			m.see(1, "Unknown", integrity.Stopped)
			m.see(99, "Unknown", integrity.PresenceUnknown)
			m.see(100, "Unknown", integrity.Stopped)
			m.see(199, "Unknown", integrity.PresenceUnknown)
		}},
		{"the machine answered, so it runs", nil, func(m *machine) {
			m.fail(0, integrity.Warn)
			m.warned(0)
			m.see(4, "Fail", integrity.PresenceUnknown, integrity.Revoke)
		}},
		{"gone once is not gone", nil, func(m *machine) {
			m.fail(0, integrity.Warn)
			m.warned(0)
			m.see(1, "Unknown", integrity.Gone)
			m.see(1, "Unknown", integrity.Gone)
			m.fail(2)
			m.want("gone", m.state.GoneOnce.IsZero(), true)
			m.want("due", m.state.DueAt, at(5))
			m.see(3, "Unknown", integrity.Gone)
			m.see(3.01, "Unknown", integrity.Gone)
			m.want("too close together", m.state.GoneAt.IsZero(), true)
		}},
		{"gone", nil, func(m *machine) {
			m.fail(0, integrity.Warn)
			m.warned(0)
			generation := m.state.Generation
			m.see(1, "Unknown", integrity.Gone)
			m.see(2, "Fail", integrity.Gone, integrity.Withdraw)
			m.want("standing", m.state.Standing, integrity.Unknown)
			m.want("generation", m.state.Generation, generation+1)
			m.see(3, "Unknown", integrity.Gone)
			effect, owed := integrity.Owed(m.state, m.terms)
			m.want("owed", effect, integrity.Withdraw)
			m.want("owed", owed, true)
			m.state = integrity.Withdrawn(m.state, at(3))
			_, owed = integrity.Owed(m.state, m.terms)
			m.want("owed", owed, false)
			m.pass(4)
			m.want("it came back", m.state.GoneAt.IsZero(), true)
			m.state = integrity.Released(m.state, at(4))
			m.want("key", m.state.Key, integrity.KeyReleased)
		}},
		{"gone again after it was withdrawn", nil, func(m *machine) {
			m.state = integrity.Withdrawn(m.state, at(0))
			m.see(1, "Unknown", integrity.Gone)
			m.see(2, "Unknown", integrity.Gone)
			m.want("withdrawn stays", integrity.Withdrawn(m.state, at(3)).KeySince, at(0))
		}},
		{"late evidence from before an outage counts, and the clocks stay", nil, func(m *machine) {
			m.pass(0)
			m.see(2, "Unknown", integrity.PresenceUnknown)
			m.fail(1, integrity.Warn)
			m.want("frozen since", m.state.FrozenSince, at(2))
			m.silent(1.5)
			m.want("late silence", m.state.SilentSince.IsZero(), true)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.live(newMachine(t, tt.change...))
		})
	}
}

func TestSilence(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change []func(*policy.Integrity)
		live   func(*machine)
	}{
		{"holds", nil, func(m *machine) {
			m.pass(0)
			m.silent(1, integrity.CannotCheck)
			m.want("standing", m.state.Standing, integrity.Good)
			m.want("look", m.state.LookAt, at(25))
			m.silent(24)
			m.silent(25, integrity.Hold)
			m.want("standing", m.state.Standing, integrity.Unknown)
			m.want("held for", m.state.HeldFor, integrity.HeldSilence)
			m.silent(50)
			m.pass(51)
			m.want("standing", m.state.Standing, integrity.Good)
			m.want("held for", m.state.HeldFor, "")
			m.silent(52, integrity.CannotCheck)
		}},
		{"a policy that says nothing", []func(*policy.Integrity){func(t *policy.Integrity) { t.SilenceAfter = 0 }}, func(m *machine) {
			m.silent(0, integrity.CannotCheck)
			m.want("why", m.state.Why, "Unknown because")
			m.silent(23.9)
			m.silent(24, integrity.Hold)
		}},
		{"revokes after a warning and a grace of its own", []func(*policy.Integrity){silenceRevokes}, func(m *machine) {
			m.pass(0)
			m.silent(1, integrity.CannotCheck)
			m.silent(25, integrity.Warn)
			m.want("silence", m.state.Silence, true)
			m.warned(25)
			m.silent(28.9)
			m.silent(29, integrity.Revoke)
			m.revoked(29)
			m.pass(30, integrity.Restore)
		}},
		{"revokes where failing only notifies", []func(*policy.Integrity){silenceRevokes, notifyOnly}, func(m *machine) {
			m.fail(0, integrity.NotifyBad)
			m.silent(1)
			m.silent(25, integrity.Warn)
			m.warned(25)
			m.silent(29, integrity.Revoke)
			m.fail(30, integrity.NotifyBad)
			m.fail(40)
		}},
		{"of a machine that failing only notifies about", []func(*policy.Integrity){notifyOnly}, func(m *machine) {
			m.fail(0, integrity.NotifyBad)
			m.silent(1)
			m.silent(99)
		}},
		{"the policy was changed meanwhile", []func(*policy.Integrity){silenceRevokes}, func(m *machine) {
			m.silent(0, integrity.CannotCheck)
			m.silent(24, integrity.Warn)
			m.warned(24)
			m.terms.SilenceThen = policy.ActHold
			m.silent(28, integrity.Hold)
		}},
		{"an answer ends it", []func(*policy.Integrity){silenceRevokes}, func(m *machine) {
			m.silent(0, integrity.CannotCheck)
			m.silent(24, integrity.Warn)
			m.warned(24)
			m.pass(25, integrity.StandDown)
			m.want("old due", m.state.OldDueAt.IsZero(), true)
		}},
		{"a failure is another violation", []func(*policy.Integrity){silenceRevokes}, func(m *machine) {
			m.silent(0, integrity.CannotCheck)
			m.silent(24, integrity.Warn)
			m.warned(24)
			m.fail(27, integrity.Warn)
			m.want("silence", m.state.Silence, false)
			m.warned(27)
			m.want("due", m.state.DueAt, at(31))
		}},
		{"stopping the agent is no escape", []func(*policy.Integrity){silenceRevokes}, func(m *machine) {
			m.fail(0, integrity.Warn)
			m.warned(0)
			m.silent(1)
			m.silent(4)
			m.want("standing", m.state.Standing, integrity.Bad)
			m.want("look", m.state.LookAt, at(25))
			m.silent(25, integrity.Warn)
			m.warned(25)
			m.want("full grace", m.state.DueAt, at(29))
			m.fail(26, integrity.Warn)
			m.warned(26)
			m.want("the failure's deadline is over", m.state.DueAt, at(26.5))
		}},
		{"our outage is not silence", []func(*policy.Integrity){silenceRevokes}, func(m *machine) {
			m.pass(0)
			m.silent(1, integrity.CannotCheck)
			m.see(2, "Unknown", integrity.PresenceUnknown)
			m.silent(22)
			m.want("silent since", m.state.SilentSince, at(21))
			m.silent(26)
			m.want("standing", m.state.Standing, integrity.Good)
		}},
		{"stopped at the deadline", []func(*policy.Integrity){silenceRevokes}, func(m *machine) {
			m.silent(0, integrity.CannotCheck)
			m.silent(24, integrity.Warn)
			m.warned(24)
			m.see(28, "Unknown", integrity.Stopped)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.live(newMachine(t, tt.change...))
		})
	}
}
