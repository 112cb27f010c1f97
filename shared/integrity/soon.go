package integrity

import "time"

// How long before a deadline people hear of it once more: a quarter of the time that the warning gave, at most an hour. When
// that is less than ten minutes the warning itself was as near.
const (
	soonPart  = 4
	soonMost  = time.Hour
	soonLeast = 10 * time.Minute
)

// Soon is whether people have to be reminded of a deadline that is near: of a warned violation that nothing holds and whose
// clock runs.
func Soon(s State, now time.Time) bool {
	if s.Standing != Bad || s.WarnedAt.IsZero() || s.DueAt.IsZero() || s.HeldFor != "" || !s.FrozenSince.IsZero() || !s.BlindSince.IsZero() ||
		!s.GoneAt.IsZero() || !s.CommandedAt.IsZero() || s.Key != KeyReleased && s.Key != KeyUntouched {
		return false
	}
	lead := min(s.DueAt.Sub(s.WarnedAt)/soonPart, soonMost)
	return lead >= soonLeast && now.Before(s.DueAt) && !now.Before(s.DueAt.Add(-lead))
}
