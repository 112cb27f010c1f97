package integrity_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
)

var start = time.Date(2025, 3, 3, 4, 30, 0, 0, time.UTC)

func terms(change ...func(*policy.Integrity)) policy.Integrity {
	t := policy.Integrity{
		OnFail: policy.ActRevoke, Grace: 4 * time.Hour, Confirm: 1, SilenceAfter: 24 * time.Hour, SilenceThen: policy.ActHold,
		RetryEvery: 30 * time.Minute, RetryUpTo: 3, Settle: 30 * time.Minute, Mode: policy.RevokeGrant, Remind: 24 * time.Hour,
	}
	for _, c := range change {
		c(&t)
	}
	return t
}

func silenceRevokes(t *policy.Integrity) { t.SilenceThen = policy.ActRevoke }
func confirmTwo(t *policy.Integrity)     { t.Confirm = 2 }
func notifyOnly(t *policy.Integrity)     { t.OnFail = policy.ActNotify }
func holdOnly(t *policy.Integrity)       { t.OnFail = policy.ActHold }
func manual(t *policy.Integrity)         { t.RestoreManual = true }

// machine plays one machine's life for a test: inputs and moves at times given as hours after start.
type machine struct {
	t     *testing.T
	state integrity.State
	terms policy.Integrity
}

func newMachine(t *testing.T, change ...func(*policy.Integrity)) *machine {
	t.Helper()
	return &machine{t: t, terms: terms(change...)}
}

func at(hours float64) time.Time {
	return start.Add(time.Duration(hours * float64(time.Hour)).Round(time.Millisecond))
}

// see gives the machine one input and checks the effects.
func (m *machine) see(hours float64, verdict string, p integrity.Presence, want ...integrity.Effect) {
	m.t.Helper()
	in := integrity.Input{Verdict: verdict, Sent: at(hours), Presence: p, Why: verdict + " because"}
	next, got := integrity.Next(m.state, in, m.terms, at(hours))
	if diff := cmp.Diff(want, got); diff != "" {
		m.t.Fatalf("%s at %vh: effects (-want +got):\n%s\nstate %+v", verdict, hours, diff, next)
	}
	m.state = next
}

func (m *machine) pass(hours float64, want ...integrity.Effect) {
	m.t.Helper()
	m.see(hours, "Pass", integrity.Running, want...)
}

func (m *machine) fail(hours float64, want ...integrity.Effect) {
	m.t.Helper()
	m.see(hours, "Fail", integrity.Running, want...)
}

func (m *machine) silent(hours float64, want ...integrity.Effect) {
	m.t.Helper()
	m.see(hours, "Unknown", integrity.Running, want...)
}

func (m *machine) warned(hours float64) { m.state = integrity.Warned(m.state, at(hours), m.terms) }

// revoked takes the key at the time, as revoke does after a decision.
func (m *machine) revoked(hours float64) {
	m.t.Helper()
	m.state = integrity.Revoked(integrity.Ordered(m.state, at(hours)), at(hours), m.terms)
	if m.state.Key != integrity.KeyRevoked {
		m.t.Fatalf("the key is %q, want revoked: %+v", m.state.Key, m.state)
	}
}

// want checks one thing of the state.
func (m *machine) want(what string, got, want any) {
	m.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		m.t.Fatalf("%s (-want +got):\n%s\nstate %+v", what, diff, m.state)
	}
}

// TestNext is the table of standings and verdicts, at least one case a cell.
func TestNext(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change []func(*policy.Integrity)
		live   func(*machine)
	}{
		{"new machine passes", nil, func(m *machine) {
			m.pass(0)
			m.want("standing", m.state.Standing, integrity.Good)
			m.want("since", m.state.Since, at(0))
			m.pass(24)
			m.want("since", m.state.Since, at(0))
			m.want("generation", m.state.Generation, int64(0))
		}},
		{"bad at once", nil, func(m *machine) {
			m.pass(0)
			m.fail(1, integrity.Warn)
			m.want("standing", m.state.Standing, integrity.Bad)
			m.want("why", m.state.Why, "Fail because")
			m.want("generation", m.state.Generation, int64(1))
			m.want("due before a warning", m.state.DueAt.IsZero(), true)
		}},
		{"only notify", []func(*policy.Integrity){notifyOnly}, func(m *machine) {
			m.fail(0, integrity.NotifyBad)
			m.fail(1)
			m.fail(24, integrity.Remind)
			m.fail(25)
			m.pass(26, integrity.StandDown)
		}},
		{"an action nobody named only notifies", []func(*policy.Integrity){func(t *policy.Integrity) { t.OnFail = "" }}, func(m *machine) {
			m.fail(0, integrity.NotifyBad)
		}},
		{"hold", []func(*policy.Integrity){holdOnly}, func(m *machine) {
			m.fail(0, integrity.Hold)
			m.want("held for", m.state.HeldFor, integrity.HeldPolicy)
			m.fail(1)
			m.terms.OnFail = policy.ActRevoke
			m.fail(2)
			m.want("held for", m.state.HeldFor, "")
		}},
		{"confirm", []func(*policy.Integrity){confirmTwo}, func(m *machine) {
			m.fail(0)
			m.want("look", m.state.LookAt, at(0).Add(integrity.ConfirmApart))
			m.fail(0.1)
			m.want("too close together counts once", m.state.Failures, 1)
			m.silent(0.15, integrity.CannotCheck)
			m.fail(0.2, integrity.Warn)
			m.want("failures", m.state.Failures, 0)
			m.want("look", m.state.LookAt.IsZero(), true)
		}},
		{"a pass breaks the row", []func(*policy.Integrity){confirmTwo}, func(m *machine) {
			m.fail(0)
			m.pass(1)
			m.fail(2)
			m.want("standing", m.state.Standing, integrity.Good)
		}},
		{"corrected before the deadline", nil, func(m *machine) {
			m.fail(0, integrity.Warn)
			m.warned(0.1)
			m.fail(1)
			m.pass(2, integrity.StandDown)
			m.want("standing", m.state.Standing, integrity.Good)
			m.want("due", m.state.DueAt.IsZero(), true)
			m.want("old due", m.state.OldDueAt, at(4.1))
			m.want("generation", m.state.Generation, int64(2))
		}},
		{"due and failed", nil, func(m *machine) {
			m.fail(0, integrity.Warn)
			m.warned(0)
			m.fail(3.9)
			m.fail(4, integrity.Revoke)
		}},
		{"corrected after the deadline", nil, func(m *machine) {
			m.fail(0, integrity.Warn)
			m.warned(0)
			m.pass(5, integrity.StandDown)
		}},
		{"due, looked at before the deadline", nil, func(m *machine) {
			m.fail(0, integrity.Warn)
			m.warned(0)
			in := integrity.Input{Verdict: "Fail", Sent: at(3.9), Presence: integrity.Running}
			_, got := integrity.Next(m.state, in, m.terms, at(4.1))
			m.want("effects", got, []integrity.Effect(nil))
		}},
		{"failing and never warned", nil, func(m *machine) {
			m.fail(0, integrity.Warn)
			m.fail(9)
			m.fail(24, integrity.Remind)
		}},
		{"due and silent holds", nil, func(m *machine) {
			m.fail(0, integrity.Warn)
			m.warned(0)
			m.silent(1)
			m.silent(5, integrity.Hold)
			m.want("held for", m.state.HeldFor, integrity.HeldSilence)
			m.want("a look is asked for", m.state.LookAt.After(at(5)), true)
			m.silent(6)
			m.fail(7, integrity.Revoke)
			m.want("held for", m.state.HeldFor, "")
		}},
		{"nothing is revoked while it is held", nil, func(m *machine) {
			m.fail(0, integrity.Warn)
			m.warned(0)
			m.state = integrity.Held(m.state, "held-global", at(1))
			m.fail(5)
			m.state = integrity.Unheld(m.state, at(6))
			m.fail(6, integrity.Revoke)
		}},
		{"an older inspection", nil, func(m *machine) {
			m.fail(5, integrity.Warn)
			before := m.state
			m.pass(4)
			m.pass(5)
			m.want("state", m.state, before)
		}},
		{"an inspection from the future", nil, func(m *machine) {
			in := integrity.Input{Verdict: "Pass", Sent: at(1), Presence: integrity.Running}
			got, _ := integrity.Next(m.state, in, m.terms, at(0))
			m.want("state", got, integrity.State{})
		}},
		{"settling", nil, func(m *machine) {
			m.state = integrity.Settling(m.state, at(0), m.terms)
			m.fail(0.1)
			m.want("standing", m.state.Standing, integrity.Unknown)
			m.want("look", m.state.LookAt, at(0.5))
			m.silent(0.2)
			m.want("silent", m.state.SilentSince.IsZero(), true)
			m.pass(0.3)
			m.want("standing", m.state.Standing, integrity.Good)
			m.fail(0.5, integrity.Warn)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.live(newMachine(t, tt.change...))
		})
	}
}
