package integrity

import (
	"time"

	"github.com/keyward/keyward/shared/policy"
)

// Uncorrected is whether people have to hear of a violation that nobody puts right, and from when its time counts: from the
// acceptance of its warning, or where the policy takes no key for it from when it was found. By a person's order, and once
// the last look found the machine in order, there is nothing to put right.
func Uncorrected(s State, t policy.Integrity) (from time.Time, ok bool) {
	taken := s.Key == KeyRevoking || s.Key == KeyRevoked
	switch {
	case s.Standing != Bad || !s.GoneAt.IsZero() || !s.CommandedAt.IsZero():
		return time.Time{}, false
	case s.LastVerdict == policy.Pass.String() || taken && !s.CorrectedAt.IsZero():
		return time.Time{}, false
	case !s.WarnedAt.IsZero():
		return s.WarnedAt, true
	}
	return s.Since, !Revokes(s, t)
}

// Climbs is whether the next step of a violation, of whose steps so many were told, has to be told. While the clocks of a
// machine stand still it waits, and it comes later by as long as they stood; a key that is revoked has no clock any more.
func Climbs(s State, steps []policy.Step, told int, t policy.Integrity, now time.Time) bool {
	from, ok := Uncorrected(s, t)
	if !ok || told >= len(steps) {
		return false
	}
	at := from.Add(steps[told].After)
	if s.Key != KeyRevoking && s.Key != KeyRevoked {
		if !s.FrozenSince.IsZero() || !s.BlindSince.IsZero() {
			return false
		}
		at = at.Add(s.Frozen)
	}
	return !now.Before(at)
}
