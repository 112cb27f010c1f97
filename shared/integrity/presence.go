package integrity

import (
	"time"

	"github.com/keyward/keyward/shared/policy"
)

// presence stops the clocks while the machine cannot be looked at and sets them going again, moved
// by the time they stood still, when it can.
func (m *move) presence() {
	if m.in.Presence == Gone {
		m.gone()
		return
	}
	m.GoneOnce = time.Time{}
	switch {
	case m.in.Presence == Stopped:
		m.BlindSince = time.Time{}
		m.freeze()
	case m.in.Presence == PresenceUnknown && m.verdict == policy.Unknown:
		m.blind()
	default:
		if !m.GoneAt.IsZero() {
			m.Generation++ // a withdrawal that is on its way must not reach a machine that is back
		}
		m.BlindSince, m.GoneAt = time.Time{}, time.Time{}
		m.thaw()
		if endedByPresence[m.HeldFor] {
			m.release()
		}
	}
}

// blind is an outage of ours or of AWS: nobody's fault on the machine, so its clocks stop, and
// after a day a person has to decide.
func (m *move) blind() {
	m.freeze()
	if m.BlindSince.IsZero() {
		m.BlindSince = m.now
	}
	if m.now.Sub(m.BlindSince) > BlindLimit && m.Standing == Bad && m.CommandedAt.IsZero() && (m.HeldFor == "" || m.HeldFor == HeldBlind) {
		m.hold(HeldFrozen)
	}
}

// gone counts the reports that the machine is gone. Describe calls are eventually consistent, so
// one of them only stops the clocks.
func (m *move) gone() {
	m.BlindSince = time.Time{}
	m.freeze()
	if m.GoneOnce.IsZero() {
		m.GoneOnce = m.in.Sent
		return
	}
	if !m.GoneAt.IsZero() || m.in.Sent.Sub(m.GoneOnce) < GoneApart {
		return
	}
	m.GoneAt = m.now
	m.stand(Unknown, "the machine is gone")
	m.endViolation()
	m.CorrectedAt, m.OldDueAt, m.SilentSince, m.FrozenSince = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	m.Generation++
	if m.Key != KeyRevoking && m.Key != KeyRevoked {
		m.CommandedAt = time.Time{} // there is nobody left to take it from
	}
	if m.Key != KeyWithdrawn {
		m.follow(Withdraw)
	}
}

func (m *move) freeze() {
	if m.FrozenSince.IsZero() {
		m.FrozenSince = m.now
	}
}

// thaw moves every running clock later by the time it stood still.
func (m *move) thaw() {
	if m.FrozenSince.IsZero() {
		return
	}
	m.Frozen += stood(m.FrozenSince, m.FrozenSince, m.now)
	if !m.DueAt.IsZero() {
		m.DueAt = wholeSecond(m.DueAt.Add(stood(m.FrozenSince, m.WarnedAt, m.now)))
	}
	if !m.SilentSince.IsZero() {
		m.SilentSince = m.SilentSince.Add(stood(m.FrozenSince, m.SilentSince, m.now))
	}
	m.FrozenSince = time.Time{}
}

// stood is how long a clock that was started at one time stood still from another until now.
func stood(frozen, started, now time.Time) time.Duration {
	if started.After(frozen) {
		frozen = started
	}
	return max(0, now.Sub(frozen))
}

// wholeSecond rounds up: Step Functions waits for whole seconds and must never wait too short.
func wholeSecond(t time.Time) time.Time {
	down := t.Truncate(time.Second)
	if down.Before(t) {
		return down.Add(time.Second)
	}
	return down
}
