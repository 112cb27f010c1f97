package integrity

import (
	"time"

	"github.com/keyward/keyward/shared/policy"
)

// lookAgain is after how long a look that the sweep asked for and got no answer to is asked for again.
const lookAgain = 30 * time.Minute

// Denied asks for looks for a correction after a key request was denied, as after a revocation, so
// that a machine that was put right need not wait for its schedule.
func Denied(s State, now time.Time, terms policy.Integrity) State {
	if !s.LookAt.IsZero() {
		return s
	}
	return firstLook(s, terms, now)
}

// Asked notes that the look of LookAt was asked for, so that it is asked for once. It is called in
// the write that precedes the asking.
func Asked(s State, now time.Time, terms policy.Integrity) State {
	if s.LookAt.IsZero() || now.Before(s.LookAt) {
		return s
	}
	if retrying(s) {
		return nextLook(s, terms, now)
	}
	s.LookAt = now.UTC().Add(lookAgain)
	return s
}

// Unwaived asks for a look now because a waiver of the machine ended at a time, unless the machine was
// looked at since and nothing came of it: then again after a while. While its clocks stand still nobody
// can look, and the next answer is judged without the waiver anyway.
func Unwaived(s State, ended, now time.Time) State {
	heard := s.LastNews.After(ended) && now.Sub(s.LastNews) < lookAgain
	asked := !s.LookAt.IsZero() && !s.LookAt.After(now)
	if heard || asked || !s.FrozenSince.IsZero() {
		return s
	}
	s.LookAt = now.UTC()
	return s
}

// retrying is whether LookAt counts towards retry.upTo: looks for a correction do, looks that confirm
// a failure, end a settling time or measure silence do not.
func retrying(s State) bool {
	return s.Key == KeyRevoked || s.Key == KeyRevoking ||
		(s.Failures == 0 && s.SilentSince.IsZero() && s.SettledAt.Before(s.LookAt))
}

// firstLook is the first look for a correction, one interval from now.
func firstLook(s State, t policy.Integrity, now time.Time) State {
	s.Looks, s.LookAt = 0, time.Time{}
	if t.RetryUpTo > 0 && t.RetryEvery > 0 {
		s.LookAt = now.UTC().Add(t.RetryEvery)
	}
	return s
}

// nextLook counts the look that is being asked for and says when the one after it is.
func nextLook(s State, t policy.Integrity, now time.Time) State {
	s.Looks++
	s.LookAt = time.Time{}
	if s.Looks < t.RetryUpTo && t.RetryEvery > 0 {
		s.LookAt = now.UTC().Add(t.RetryEvery)
	}
	return s
}

// Owed is the execution that a state has to have running, if any: Warn a whole enforcement, Revoke
// a look that waits until DueAt, Restore and Withdraw their own. The sweep starts what is owed and
// has no live execution, so that no crash and no lost event leaves a machine to itself. A
// held state is owed nothing until Unheld.
func Owed(s State, t policy.Integrity) (Effect, bool) {
	switch {
	case !s.GoneAt.IsZero():
		return Withdraw, s.Key != KeyWithdrawn && s.Key != KeyRevoked
	case !s.CommandedAt.IsZero() && s.Key == KeyReleased:
		return Revoke, true // what else stands still is no matter of the order
	case s.HeldFor != "":
		return "", false
	case s.Key == KeyRevoking || s.Key == KeyRevoked:
		if !s.CorrectedAt.IsZero() {
			return Restore, true
		}
		return Revoke, s.Key == KeyRevoking && (s.Standing == Bad || !s.CommandedAt.IsZero())
	case s.Standing != Bad || !Revokes(s, t):
		return "", false
	case s.WarnedAt.IsZero():
		return Warn, true
	default:
		return Revoke, true
	}
}
