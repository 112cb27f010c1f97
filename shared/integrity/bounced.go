package integrity

import "time"

// Bounced notes that the warning of this violation reached nobody for whom it counts: the enforcement
// begins again with a warning to others, whose deadline is never earlier than the one that was promised.
// It changes nothing unless the machine is Bad and warned and no revocation was ordered: what happened
// stays.
func Bounced(s State, now time.Time) State {
	if s.Standing != Bad || s.WarnedAt.IsZero() || s.Key == KeyRevoking || s.Key == KeyRevoked || !s.GoneAt.IsZero() {
		return s
	}
	s.PromisedAt = s.DueAt
	if !s.FrozenSince.IsZero() {
		s.PromisedAt = s.DueAt.Add(stood(s.FrozenSince, s.WarnedAt, now))
	}
	s.WarnedAt, s.DueAt = time.Time{}, time.Time{}
	s.HeldFor, s.HeldSince = "", time.Time{}
	s.Generation++
	return s
}
