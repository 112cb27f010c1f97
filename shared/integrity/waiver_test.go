package integrity_test

import (
	"testing"
	"time"

	"github.com/keyward/keyward/shared/integrity"
)

// permitted is a pass because what failed is waived, ended a failure because what was waived is not any more.
func (m *machine) permitted(hours float64, want ...integrity.Effect) {
	m.t.Helper()
	m.given(hours, integrity.Input{Verdict: "Pass", Permitted: true, Why: "waived: no plain web"}, want...)
}

func (m *machine) ended(hours float64, want ...integrity.Effect) {
	m.t.Helper()
	m.given(hours, integrity.Input{Verdict: "Fail", WaiverEnded: true, Why: "no plain web: tcp/80"}, want...)
}

func (m *machine) given(hours float64, in integrity.Input, want ...integrity.Effect) {
	m.t.Helper()
	in.Sent, in.Presence = at(hours), integrity.Running
	var got []integrity.Effect
	m.state, got = integrity.Next(m.state, in, m.terms, at(hours))
	m.want("effects", got, want)
}

// bad is a machine that failed, was warned, and is due after its grace of four hours.
func bad(t *testing.T) *machine {
	t.Helper()
	m := newMachine(t)
	m.pass(0)
	m.fail(1, integrity.Warn)
	m.warned(1)
	m.want("due", m.state.DueAt, at(5))
	return m
}

func TestWaivers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		live func(*machine)
	}{
		{"what failed is waived: it stands down and no deadline is left", func(m *machine) {
			m.permitted(2, integrity.StandDown)
			m.want("standing", m.state.Standing, integrity.Good)
			m.want("why", m.state.Why, "waived: no plain web")
			m.want("old deadline", m.state.OldDueAt.IsZero(), true)
		}},
		{"the waiver ends: a new warning and the full grace", func(m *machine) {
			m.permitted(2, integrity.StandDown)
			before := m.state.Generation
			m.ended(3, integrity.Warn)
			m.warned(3)
			m.want("due", m.state.DueAt, at(7))
			m.want("generation", m.state.Generation, before+1)
			m.ended(4)
			m.want("the clock does not start again", m.state.DueAt, at(7))
			m.ended(7, integrity.Revoke)
		}},
		{"a correction before it leaves its deadline to another failure, not to the end of a waiver", func(m *machine) {
			m.pass(2, integrity.StandDown)
			m.want("old deadline", m.state.OldDueAt, at(5))
			m.permitted(3) // another finding, waived beforehand
			m.ended(4, integrity.Warn)
			m.warned(4)
			m.want("due", m.state.DueAt, at(8))
		}},
		{"beside a standing waiver, passing once buys no grace", func(m *machine) {
			m.given(4.9, integrity.Input{Verdict: "Pass", Why: "waived: something else"}, integrity.StandDown)
			m.fail(5, integrity.Warn)
			m.warned(5)
			m.want("due", m.state.DueAt, at(5).Add(integrity.RelapseFloor))
		}},
		{"while another failure runs, the end of a waiver changes no deadline", func(m *machine) {
			m.fail(3) // both fail now
			m.want("due", m.state.DueAt, at(5))
			m.fail(5, integrity.Revoke)
		}},
		{"what was warned of is corrected, and only what was waived is left: a violation of its own", func(m *machine) {
			before := m.state.Generation
			m.ended(4, integrity.Warn)
			m.want("generation", m.state.Generation, before+1)
			m.warned(4)
			m.want("due", m.state.DueAt, at(8))
			m.fail(5)
			m.want("the first failure again moves nothing", m.state.DueAt, at(8))
			m.ended(6)
			m.want("and neither does its second correction", m.state.DueAt, at(8))
		}},
		{"a violation that a waiver's end began is corrected: a relapse resumes its deadline", func(m *machine) {
			m.permitted(2, integrity.StandDown)
			m.ended(3, integrity.Warn)
			m.warned(3)
			m.pass(4, integrity.StandDown)
			m.want("old deadline", m.state.OldDueAt, at(7))
			m.want("begun by a waiver", m.state.Unwaived, false)
		}},
		{"waived after the key was revoked: given back, and no deadline is left", func(m *machine) {
			m.fail(5, integrity.Revoke)
			m.revoked(5)
			m.permitted(6, integrity.Restore)
			m.state = integrity.Restored(m.state, at(6), m.terms)
			m.want("old deadline", m.state.OldDueAt.IsZero(), true)
			m.want("permitted", m.state.Permitted, false)
		}},
		{"waived after the key was revoked, and corrected in truth later: the first counts", func(m *machine) {
			m.terms.RestoreAfter = 2
			m.fail(5, integrity.Revoke)
			m.revoked(5)
			m.permitted(6)
			m.pass(7, integrity.Restore)
			m.state = integrity.Restored(m.state, at(7), m.terms)
			m.want("old deadline", m.state.OldDueAt.IsZero(), true)
		}},
		{"a failure after the waiver takes the permission back", func(m *machine) {
			m.fail(5, integrity.Revoke)
			m.revoked(5)
			m.terms.RestoreAfter = 2
			m.permitted(6)
			m.fail(7)
			m.want("permitted", m.state.Permitted, false)
			m.pass(8)
			m.pass(9, integrity.Restore)
			m.state = integrity.Restored(m.state, at(9), m.terms)
			m.want("old deadline", m.state.OldDueAt, at(5))
		}},
		{"held because it was waived: the next verdict ends that", func(m *machine) {
			m.state = integrity.Held(m.state, integrity.HeldWaived, at(5))
			m.want("a look is asked for", m.state.LookAt, at(5).Add(30*time.Minute))
			m.permitted(5.1, integrity.StandDown)
			m.want("held", m.state.HeldFor, "")
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.live(bad(t))
		})
	}
}

func TestUnwaivedAsksForALook(t *testing.T) {
	t.Parallel()
	now := at(1)
	for name, tt := range map[string]struct {
		state integrity.State
		want  time.Time
	}{
		"none is asked for":                     {integrity.State{}, now},
		"it was looked at before the end":       {integrity.State{LastNews: at(0.4)}, now},
		"one is asked for later":                {integrity.State{LookAt: at(2)}, now},
		"one is asked for":                      {integrity.State{LookAt: at(0.9)}, at(0.9)},
		"it was looked at, and gave no verdict": {integrity.State{LastNews: at(0.8), LookAt: at(2)}, at(2)},
		"it gave none half an hour ago":         {integrity.State{LastNews: at(0.5), LookAt: at(2)}, now},
		"it is stopped":                         {integrity.State{FrozenSince: now}, time.Time{}},
	} {
		if got := integrity.Unwaived(tt.state, at(0.45), now).LookAt; !got.Equal(tt.want) {
			t.Errorf("%s: LookAt = %s, want %s", name, got, tt.want)
		}
	}
}
