package integrity

import (
	"time"

	"github.com/keyward/keyward/shared/policy"
)

// judgeBad judges a machine whose violation runs and whose key is not revoked.
func (m *move) judgeBad() {
	switch m.verdict {
	case policy.Pass:
		m.standDown()
	case policy.Fail:
		m.failBad()
	default:
		m.silentBad()
	}
}

// standDown ends a violation by a correction, whose deadline is kept, since a relapse resumes it, or by a
// person's permission, which leaves none.
func (m *move) standDown() {
	if !m.FrozenSince.IsZero() {
		m.thaw()
		m.freeze()
	}
	switch {
	case m.in.Permitted:
		m.OldDueAt = time.Time{}
	case !m.Silence && !m.DueAt.IsZero():
		m.OldDueAt = m.DueAt
	}
	m.stand(Good, m.in.Why)
	m.endViolation()
	m.CorrectedAt = m.now
	m.Generation++
	m.follow(StandDown)
}

// failBad is another failure: the clock never restarts by it.
func (m *move) failBad() {
	if m.Silence || m.in.WaiverEnded && !m.Unwaived {
		// People were warned of silence, or of what is corrected by now, and not of this: it is a violation
		// of its own.
		m.begin(false)
		return
	}
	m.Why = m.in.Why
	if m.HeldFor == HeldPolicy && m.terms.OnFail == policy.ActRevoke {
		m.release()
	}
	m.retry()
	if m.due() && Revokes(m.State, m.terms) && m.HeldFor == "" && !m.flapping() {
		m.follow(Revoke)
		return
	}
	m.remind()
}

// due is whether the inspection was sent after the deadline, with no clock standing still. One that
// was sent before it says nothing about a correction in the last minute.
func (m *move) due() bool {
	return !m.DueAt.IsZero() && !m.now.Before(m.DueAt) && !m.in.Sent.Before(m.DueAt) && m.FrozenSince.IsZero()
}

// silentBad is silence during a violation. While a deadline is to come it changes nothing; after it, and
// where there is none, the policy decides, and what was promised for a failure is not enough to
// revoke for silence.
func (m *move) silentBad() {
	toCome := Revokes(m.State, m.terms) && m.DueAt.IsZero()
	if toCome || m.now.Before(m.DueAt) {
		return
	}
	m.retry()
	switch {
	case m.terms.SilenceThen != policy.ActRevoke:
		if m.HeldFor == "" && !m.DueAt.IsZero() {
			m.State = Held(m.State, HeldSilence, m.now)
			m.follow(Hold)
		}
	case m.Silence:
		if m.due() && m.HeldFor == "" && !m.flapping() {
			m.follow(Revoke)
		}
	case m.silenceOver():
		// The failure's deadline is kept: when the machine answers and still fails, it is resumed.
		m.OldDueAt, m.CorrectedAt = m.DueAt, time.Time{}
		m.begin(true)
	}
}

// judgeRevoked judges a machine whose key is revoked or about to be.
func (m *move) judgeRevoked() {
	switch m.verdict {
	case policy.Pass:
		m.correct()
	case policy.Fail:
		m.failRevoked()
	default:
		m.retry()
	}
}

// flapping leaves the next change of the key to a person. A revocation is held by the enforcement, which
// weighs the same and says so once.
func (m *move) flapping() bool { return Flapping(m.State, m.terms, m.now) }

// correct asks for the restore, once for one correction: after as many passes as the policy asks for, but
// at the first while the revocation is still on its way. The generation rises in any case: a revocation
// that is still on its way must not reach a machine that is in order.
func (m *move) correct() {
	pending := !m.CorrectedAt.IsZero()
	if pending && (m.HeldFor != HeldManual || m.terms.RestoreManual) {
		return
	}
	m.Permitted = m.Permitted || m.in.Permitted
	if m.Key == KeyRevoked && !pending && !m.passedEnough() {
		return
	}
	m.CorrectedAt = m.now
	m.Generation++
	m.LookAt = time.Time{}
	m.release()
	switch {
	case m.terms.RestoreManual:
		m.hold(HeldManual)
	case m.flapping():
		m.hold(HeldFlapping)
	default:
		m.follow(Restore)
	}
}

// failRevoked takes back a correction that did not last until the restore. The restore may be under way or
// done and not noted yet, so the key counts as about to be revoked until KMS was read back again.
func (m *move) failRevoked() {
	m.Why, m.Silence, m.Permitted = m.in.Why, false, false
	m.noRow()
	if !m.CorrectedAt.IsZero() {
		m.CorrectedAt = time.Time{}
		m.Generation++
		if m.Key == KeyRevoked {
			m.Key, m.KeySince = KeyRevoking, m.now
		}
		if m.HeldFor == HeldManual {
			m.release()
		}
		m.State = firstLook(m.State, m.terms, m.now)
	}
	m.retry()
	m.remind()
}
