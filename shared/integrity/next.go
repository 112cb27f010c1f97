package integrity

import (
	"time"

	"github.com/keyward/keyward/shared/policy"
)

// Fixed times of the moves. What a policy may choose is in policy.Integrity.
const (
	ConfirmApart  = 10 * time.Minute   // failing inspections closer together count as one
	RelapseWindow = 7 * 24 * time.Hour // after a correction; a relapse within it resumes the old deadline
	RelapseFloor  = 30 * time.Minute   // from the acceptance of a relapse's warning to its deadline, at least
	BlindLimit    = 24 * time.Hour     // of not being able to look; then a person decides
	GoneApart     = time.Minute        // between two reports that a machine is gone, at least
	FutureLimit   = 5 * time.Minute    // evidence sent later than this after now is refused
)

// Next is what a judged inspection, or the news that there was none, makes of a machine: its next
// state and what has to follow. It is pure; equal arguments give equal results, and giving it the
// same input twice changes nothing the second time. These hold for every sequence of inputs:
//
//  1. Revoke follows only a Fail that was sent at or after DueAt, or an Unknown sent then while
//     the violation is silence, was warned of as such and the policy says revoke; and only while the
//     machine runs, no clock stands still and nothing holds the enforcement.
//  2. DueAt is set by Warned alone and never moves earlier within one violation.
//  3. Unknown cures nothing; an input that is not newer than the last one judged changes nothing.
//  4. Generation never falls, and rises whenever an older execution must not act any more.
//  5. While a person's order stands, no effect is about the key, but for a machine that is gone.
//
// A verdict that is neither Pass nor Fail is Unknown. Pass and Fail come from the machine itself,
// so with them PresenceUnknown means Running.
func Next(s State, in Input, terms policy.Integrity, now time.Time) (State, []Effect) {
	in.Sent, now = in.Sent.UTC(), now.UTC()
	if !in.Sent.After(s.LastEvidence) || in.Sent.Sub(now) > FutureLimit {
		return s, nil
	}
	m := &move{State: s, in: in, terms: terms, now: now, verdict: verdictOf(in.Verdict)}
	m.run()
	return m.State, m.effects
}

// move is one call of Next while it works.
type move struct {
	State
	in      Input
	terms   policy.Integrity
	now     time.Time
	verdict policy.Verdict
	effects []Effect
}

func verdictOf(word string) policy.Verdict {
	switch word {
	case policy.Pass.String():
		return policy.Pass
	case policy.Fail.String():
		return policy.Fail
	default:
		return policy.Unknown
	}
}

// run lets presence move the clocks first and then the verdict move the machine, so that a verdict
// never acts on a clock that should have stood still.
func (m *move) run() {
	newest := m.in.Sent.After(m.LastNews)
	if newest {
		m.LastNews = m.in.Sent
		m.presence()
	}
	if m.in.Presence == Gone || !m.GoneAt.IsZero() {
		return
	}
	if m.verdict == policy.Unknown && (!newest || m.in.Presence != Running) {
		return
	}
	m.LastEvidence, m.LastVerdict = m.in.Sent, m.verdict.String()
	m.learn()
	switch {
	case !m.CommandedAt.IsZero():
		// A person decided: what the machine does meanwhile neither takes its key nor gives it back.
	case m.Key == KeyRevoking || m.Key == KeyRevoked:
		m.judgeRevoked()
	case m.Standing == Bad:
		m.judgeBad()
	default:
		m.judgeOther()
	}
}

// learn ends what only lasted because the machine was silent.
func (m *move) learn() {
	if m.verdict == policy.Unknown {
		if m.SilentSince.IsZero() {
			m.SilentSince = m.now
			if m.Standing != Bad && !m.settling() {
				m.follow(CannotCheck)
			}
		}
		return
	}
	m.SilentSince, m.KnownAt = time.Time{}, m.in.Sent
	if m.verdict == policy.Pass {
		m.GoodAt = m.in.Sent
	}
	if endedByEvidence[m.HeldFor] {
		m.release()
	}
}

func (m *move) follow(e Effect) { m.effects = append(m.effects, e) }

func (m *move) settling() bool { return m.now.Before(m.SettledAt) }

// stand is a change of standing.
func (m *move) stand(to Standing, why string) {
	if m.Standing != to {
		m.Since = m.now
	}
	m.Standing, m.Why = to, why
}

func (m *move) hold(reason string) {
	m.HeldFor, m.HeldSince = reason, m.now
	m.follow(Hold)
}

func (m *move) release() { m.HeldFor, m.HeldSince = "", time.Time{} }

// Revokes is whether the policy takes the key for what the violation of a state is: for silence, which
// is a choice of its own, or for a failed rule.
func Revokes(s State, t policy.Integrity) bool {
	if s.Silence {
		return t.SilenceThen == policy.ActRevoke
	}
	return t.OnFail == policy.ActRevoke
}
