package integrity

import (
	"time"

	"github.com/keyward/keyward/shared/policy"
)

// defaultSilence is how long a machine may be silent when a policy says nothing.
const defaultSilence = 24 * time.Hour

// judgeOther judges a machine that is Good or was never judged.
func (m *move) judgeOther() {
	switch {
	case m.verdict == policy.Pass:
		m.stand(Good, m.in.Why)
		m.LookAt, m.Looks = time.Time{}, 0
		m.passGood()
		m.release()
	case m.settling():
		m.SilentSince = time.Time{}
		m.LookAt = m.SettledAt
	case m.verdict == policy.Fail:
		m.countFailure()
	default:
		m.waitForWord()
	}
}

// countFailure makes a machine Bad after as many failing inspections as the policy asks for, of the last ones it counts.
func (m *move) countFailure() {
	if !m.count(failed, max(m.terms.Confirm, m.terms.ConfirmOf)) {
		return
	}
	if m.Failures < m.terms.Confirm {
		m.LookAt = m.in.Sent.Add(ConfirmApart)
		return
	}
	m.begin(false)
}

// waitForWord lets silence run: it is neither guilt nor health until the policy's time is over.
func (m *move) waitForWord() {
	if m.Standing == Unknown {
		m.stand(Unknown, m.in.Why)
	}
	if !m.silenceOver() {
		return
	}
	if m.terms.SilenceThen == policy.ActRevoke {
		m.begin(true)
		return
	}
	m.stand(Unknown, m.in.Why)
	m.LookAt = time.Time{}
	if m.HeldFor == "" {
		m.hold(HeldSilence)
	}
}

// silenceOver is whether the machine was silent for as long as the policy allows. While it was not,
// a look is asked for at that time, since the schedule may be a week away.
func (m *move) silenceOver() bool {
	after := m.terms.SilenceAfter
	if after <= 0 {
		after = defaultSilence
	}
	over := m.SilentSince.Add(after)
	if !m.now.Before(over) {
		return true
	}
	if !m.LookAt.After(m.now) || m.LookAt.After(over) {
		m.LookAt = over
	}
	return false
}

// begin is the start of a violation: everything that an older execution knew is void, and nothing is
// due before its warning was accepted.
func (m *move) begin(silence bool) {
	m.stand(Bad, m.in.Why)
	m.Since = m.now
	m.endViolation()
	if !m.CorrectedAt.IsZero() && m.now.Sub(m.CorrectedAt) > RelapseWindow {
		m.OldDueAt = time.Time{}
	}
	m.Silence, m.Unwaived = silence, !silence && m.in.WaiverEnded
	if m.Unwaived {
		m.OldDueAt = time.Time{}
	}
	if !silence {
		m.CorrectedAt = time.Time{}
	}
	m.Generation++
	m.remindLater()
	switch {
	case Revokes(m.State, m.terms):
		m.follow(Warn)
	case m.terms.OnFail == policy.ActHold:
		m.hold(HeldPolicy)
	default:
		m.follow(NotifyBad)
	}
}

// endViolation clears what belongs to one violation. OldDueAt and CorrectedAt outlive it.
func (s *State) endViolation() {
	s.WarnedAt, s.DueAt, s.RemindAt = time.Time{}, time.Time{}, time.Time{}
	s.PromisedAt = time.Time{}
	s.Frozen, s.Silence, s.Unwaived, s.Permitted = 0, false, false, false
	s.noRow()
	s.LookAt, s.Looks = time.Time{}, 0
	s.HeldFor, s.HeldSince = "", time.Time{}
}

func (m *move) remindLater() {
	m.RemindAt = time.Time{}
	if m.terms.Remind > 0 {
		m.RemindAt = m.now.Add(m.terms.Remind)
	}
}

func (m *move) remind() {
	if !m.RemindAt.IsZero() && !m.now.Before(m.RemindAt) {
		m.remindLater()
		m.follow(Remind)
	}
}

// retry moves on to the next look for a correction, as long as the policy asks for one.
func (m *move) retry() {
	if m.LookAt.IsZero() || m.now.Before(m.LookAt) {
		return
	}
	m.State = nextLook(m.State, m.terms, m.now)
}
