package integrity

import "time"

// Commanded notes that a person orders the key to be taken, whatever the verdict: every older execution is stale, and what
// is owed is one that takes it. It changes nothing of a machine that has no key, is gone, or is ordered already.
func Commanded(s State, now time.Time) State {
	if s.Key != KeyReleased || !s.GoneAt.IsZero() || !s.CommandedAt.IsZero() {
		return s
	}
	s.CommandedAt = now.UTC()
	s.Generation++
	return s
}

// Uncommanded notes that a person's order came to nothing: something spoke against it, and the machine keeps its key. It is
// judged again, and a violation goes on, or stands still, where it was. It changes nothing once KMS may have been asked.
func Uncommanded(s State) State {
	if s.Key != KeyReleased || s.CommandedAt.IsZero() {
		return s
	}
	s.CommandedAt = time.Time{}
	if s.Standing != Bad {
		s.HeldFor, s.HeldSince = "", time.Time{} // why it was not revoked holds nothing that is in order
	}
	return s
}
