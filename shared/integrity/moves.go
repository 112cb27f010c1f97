package integrity

import (
	"time"

	"github.com/keyward/keyward/shared/policy"
)

// shortestGrace is what a grace of zero or less counts as; policies cannot say less.
const shortestGrace = time.Minute

// Warned notes that the mail service accepted the warning of this violation and sets the deadline: the
// grace after the acceptance, rounded up to a whole second. A relapse resumes the old deadline, but
// never sooner than RelapseFloor after its warning. A violation is warned of once: a second
// acceptance, and a machine that is not Bad, change nothing, so a deadline is never shortened.
func Warned(s State, acceptedAt time.Time, terms policy.Integrity) State {
	if s.Standing != Bad || !s.WarnedAt.IsZero() {
		return s
	}
	acceptedAt = acceptedAt.UTC()
	due := acceptedAt.Add(max(terms.Grace, shortestGrace))
	if !s.Silence && !s.OldDueAt.IsZero() {
		due = acceptedAt.Add(RelapseFloor)
		if s.OldDueAt.After(due) {
			due = s.OldDueAt
		}
	}
	if s.PromisedAt.After(due) {
		due = s.PromisedAt
	}
	s.WarnedAt, s.DueAt = acceptedAt, wholeSecond(due)
	return s
}

// Ordered notes the intent to revoke: from now on KMS may have been asked. It changes nothing unless a person's order
// stands, or the machine is Bad by its last verdict, warned, its deadline reached and no clock stands still; a caller that
// gets a state whose Key is not KeyRevoking must not ask KMS. Noting it twice keeps the first time.
func Ordered(s State, now time.Time) State {
	if s.Key == KeyRevoking || s.Key == KeyRevoked || s.CommandedAt.IsZero() && !deserved(s, now) {
		return s
	}
	s.Key, s.KeySince, s.CorrectedAt = KeyRevoking, now.UTC(), time.Time{}
	s.noRow()
	s.changed(now)
	s.HeldFor, s.HeldSince = "", time.Time{}
	return s
}

// deserved is whether the machine's violation has run its course.
func deserved(s State, now time.Time) bool {
	failing := s.Standing == Bad && s.LastVerdict != policy.Pass.String()
	return failing && !s.DueAt.IsZero() && !now.Before(s.DueAt) && s.FrozenSince.IsZero()
}

// Revoked notes that KMS was read back twice and says so, and asks for the first look for a
// correction, unless one was seen since the order. It changes nothing unless the revocation was
// Ordered.
func Revoked(s State, now time.Time, terms policy.Integrity) State {
	if s.Key != KeyRevoking {
		return s
	}
	s.Key, s.KeySince = KeyRevoked, now.UTC()
	if !s.CorrectedAt.IsZero() {
		return s
	}
	s.HeldFor, s.HeldSince = "", time.Time{}
	if !s.CommandedAt.IsZero() {
		return s // no correction gives it back
	}
	return firstLook(s, terms, now)
}

// NotRevoked notes that KMS was read back and the machine still has its key after an order: the
// enforcement is held for the reason and nothing is taken. A machine that was corrected since is left
// to its restore, which finds nothing to give back.
func NotRevoked(s State, reason string, now time.Time) State {
	if s.Key != KeyRevoking || !s.CorrectedAt.IsZero() {
		return s
	}
	s.Key, s.KeySince = KeyReleased, now.UTC()
	return Held(s, reason, now)
}

// Unordered notes that an intent was given up before KMS was asked. It changes nothing unless a
// revocation was intended; a machine that was corrected since is left to its restore.
func Unordered(s State, now time.Time) State {
	if s.Key != KeyRevoking || !s.CorrectedAt.IsZero() {
		return s
	}
	s.Key, s.KeySince = KeyReleased, now.UTC()
	return s
}

// Restoring is a person's wish to give the key back, whatever the verdict: it makes a revocation
// that is still on its way stale. It changes nothing unless the key is revoked or about to be.
func Restoring(s State, now time.Time) State {
	if s.Key != KeyRevoking && s.Key != KeyRevoked {
		return s
	}
	s.CorrectedAt = now.UTC()
	s.Generation++
	s.HeldFor, s.HeldSince = "", time.Time{}
	return s
}

// Restored notes that the machine has again what a revocation took. Its next violation within
// RelapseWindow resumes the old deadline, unless what it failed by is waived, and until it has settled no
// verdict counts against it. It changes nothing unless the key was revoked or about to be.
func Restored(s State, now time.Time, terms policy.Integrity) State {
	if s.Key != KeyRevoking && s.Key != KeyRevoked {
		return s
	}
	switch {
	case s.Permitted:
		s.OldDueAt = time.Time{}
	case !s.Silence && !s.DueAt.IsZero():
		s.OldDueAt = s.DueAt
	}
	s.endViolation()
	s.changed(now)
	s.CommandedAt = time.Time{}
	s.Key, s.KeySince = KeyReleased, now.UTC()
	s.Standing, s.Since, s.Why = Good, now.UTC(), ""
	s.CorrectedAt = now.UTC()
	return Settling(s, now, terms)
}

// Settling gives the machine time after a launch, patching or a restore: no verdict counts
// against it before SettledAt. It never shortens that time.
func Settling(s State, now time.Time, terms policy.Integrity) State {
	if until := now.UTC().Add(terms.Settle); terms.Settle > 0 && until.After(s.SettledAt) {
		s.SettledAt = until
	}
	return s
}

// startedApart is how far apart two starts of a machine are that both give it time to settle: who reboots
// all the time is judged all the same.
const startedApart = 24 * time.Hour

// StartMatters is whether Started could change what follows from a verdict: whether it is worth asking when the machine
// was started.
func StartMatters(s State, verdict policy.Verdict, now time.Time, terms policy.Integrity) bool {
	return verdict != policy.Pass && s.Standing != Bad && terms.Settle > 0 && !now.Before(s.SettledAt)
}

// Started gives the machine time after a launch, a patching or a reboot at a time: no failure counts before settle is
// over. It does so once a day, and nothing to a machine that is Bad or whose start is over.
func Started(s State, at, now time.Time, terms policy.Integrity) State {
	at = at.UTC()
	if at.IsZero() || s.Standing == Bad || at.Sub(now) > FutureLimit || now.Sub(at) >= terms.Settle {
		return s
	}
	if !s.SettledAt.IsZero() && at.Sub(s.SettledAt) < startedApart {
		return s
	}
	return Settling(s, at, terms)
}

// Released notes that a key request was granted. A revocation is undone by Restored alone, so it
// changes nothing while the key is revoked or about to be.
func Released(s State, now time.Time) State {
	if s.Key == KeyRevoking || s.Key == KeyRevoked || s.Key == KeyReleased {
		return s
	}
	s.Key, s.KeySince = KeyReleased, now.UTC()
	return s
}

// Withdrawn notes that a machine that is gone has no grant any more. What a revocation took stays
// noted as revoked.
func Withdrawn(s State, now time.Time) State {
	if s.Key == KeyRevoked || s.Key == KeyWithdrawn {
		return s
	}
	s.CommandedAt = time.Time{}
	s.Key, s.KeySince = KeyWithdrawn, now.UTC()
	return s
}

// Held notes why an enforcement stands still. The same reason again keeps the time it began. A reason
// that evidence ends asks for a look, since the schedule may be a week away.
func Held(s State, reason string, now time.Time) State {
	if s.HeldFor != reason {
		s.HeldFor, s.HeldSince = reason, now.UTC()
	}
	if endedByEvidence[reason] && s.LookAt.IsZero() {
		s.LookAt = now.UTC().Add(lookAgain)
	}
	return s
}

// Unheld notes that the reason is gone; Owed says what has to run now.
func Unheld(s State, _ time.Time) State {
	s.HeldFor, s.HeldSince = "", time.Time{}
	return s
}
