package integrity

import (
	"time"

	"github.com/keyward/keyward/shared/policy"
)

// Outage moves every running clock of a machine later by the time in which we could not look: from and to
// are those of an outage of ours, or of the part of one that has passed. What was moved for once is not
// moved for again, a clock that was started within it is moved by the rest, and a deadline that had passed
// before it stays. A clock that stands still already is moved by thaw. Nothing ever moves earlier.
func Outage(s State, from, to time.Time) State {
	from, to = from.UTC(), to.UTC()
	if !clocked(s) {
		return s
	}
	begun := from
	if s.OutageTo.After(from) {
		from = s.OutageTo
	}
	if !from.Before(to) {
		return s
	}
	end := to
	if !s.FrozenSince.IsZero() && s.FrozenSince.Before(end) {
		end = s.FrozenSince
	}
	if !s.DueAt.IsZero() && !s.DueAt.Before(from) {
		moved := stood(from, s.WarnedAt, end)
		s.DueAt = wholeSecond(s.DueAt.Add(moved))
		s.Frozen += moved
	}
	if !s.SilentSince.IsZero() {
		s.SilentSince = s.SilentSince.Add(stood(from, s.SilentSince, end))
	}
	if s.OutageSince.IsZero() || begun.After(s.OutageTo) {
		s.OutageSince = begun
	}
	s.OutageTo = to
	return s
}

// clocked is whether a clock runs for the machine that an outage of ours must not let run out.
func clocked(s State) bool {
	if s.Key == KeyRevoking || s.Key == KeyRevoked || !s.GoneAt.IsZero() {
		return false
	}
	return s.Standing == Bad && !s.DueAt.IsZero() || !s.SilentSince.IsZero()
}

// Frozen is whether the deadline of a machine was moved by one outage for longer than BlindLimit, so that a person has
// to decide.
func Frozen(s State) bool {
	return clocked(s) && !s.DueAt.IsZero() && s.HeldFor == "" && s.OutageTo.Sub(s.OutageSince) > BlindLimit
}

// Blinded notes that a machine could not be looked at when its time had come, for trouble of ours or of
// AWS: its clocks stand still until it answers. It changes nothing that is ordered already.
func Blinded(s State, now time.Time) State {
	if !clocked(s) {
		return s
	}
	now = now.UTC()
	if s.FrozenSince.IsZero() {
		s.FrozenSince = now
	}
	if s.BlindSince.IsZero() {
		s.BlindSince = now
	}
	return s
}

// Crowd counts the machines of one policy and how many of them are silent. Machines that are stopped or gone do not
// count, nor does the silence of one that never answered. The zero value is nobody.
type Crowd struct{ Silent, Of int }

// Add counts a machine.
func (c *Crowd) Add(s *State) {
	stopped := !s.FrozenSince.IsZero() && s.BlindSince.IsZero()
	if stopped || !s.GoneAt.IsZero() || !s.GoneOnce.IsZero() {
		return
	}
	c.Of++
	if (s.LastVerdict == policy.Unknown.String() || !s.BlindSince.IsZero()) && !s.KnownAt.IsZero() {
		c.Silent++
	}
}

// Doubtful says whether so many are silent at once that the trouble is more likely ours, or AWS's, than theirs: more
// than a fifth, and at least MassLeast.
func (c Crowd) Doubtful() bool { return c.Silent >= MassLeast && c.Silent*MassShare > c.Of }

// What makes silence an outage: more than one in MassShare of a policy's machines at once, and at least
// MassLeast, so that one or two machines of a small policy are judged by themselves.
const (
	MassShare = 5
	MassLeast = 3
)
