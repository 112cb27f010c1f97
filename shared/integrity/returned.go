package integrity

import "time"

// RevokedGone notes that KMS was read back twice and says that the key of a machine that is gone had been taken
// before it went: it stays taken until a person wants it back. It changes nothing of a machine that is
// there, or whose revocation was never ordered.
func RevokedGone(s State, now time.Time) State {
	if s.GoneAt.IsZero() || s.Key != KeyRevoking {
		return s
	}
	s.Key, s.KeySince = KeyRevoked, now.UTC()
	return s
}

// Returned notes that a machine has again what was revoked, not by us: the key counts as about to be
// revoked, and what is owed is a look that weighs everything anew before anything is taken. It
// counts as a change of the key. It changes nothing unless the key is revoked from a Bad machine that
// waits for no restore and no person.
func Returned(s State, now time.Time) State {
	if s.Key != KeyRevoked || s.Standing != Bad || !s.CorrectedAt.IsZero() || !s.GoneAt.IsZero() || s.HeldFor != "" {
		return s
	}
	s.Key, s.KeySince = KeyRevoking, now.UTC()
	s.Generation++
	s.changed(now)
	return s
}
