package guard

import (
	"slices"
	"time"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// Limits are what the deployment allows. Zeros allow nothing: a limit of 0 means none.
type Limits struct {
	Machines int           // that may lose their keys in Window, at most
	Percent  int           // of the guarded machines, at most, rounded down; at least 1 machine unless it is 0
	Window   time.Duration // sliding
	Rules    RuleLimits
}

// Limit is how many machines may lose their keys in the window, of so many that are guarded: the smaller
// of the two limits, at least 1, and 0 when one of them is 0.
func (l Limits) Limit(guarded int) int {
	if l.Machines <= 0 || l.Percent <= 0 {
		return 0
	}
	return max(1, min(l.Machines, guarded*l.Percent/100))
}

// Breaker is the limit on revocations over everything, as one machine meets it.
type Breaker struct {
	Read  bool
	Limit int
	Used  int  // machines that lost their keys in the window
	Mine  bool // this machine is one of them, so that another attempt takes no more room
	Ahead int  // more severe machines that are due as well, and not among Used
}

// BreakerFor is the breaker as a machine meets it.
func BreakerFor(machine string, b record.Breaker, l Limits, now time.Time) Breaker {
	spent := Spent(b, l, now)
	return Breaker{
		Read: true, Limit: l.Limit(b.Guarded), Used: len(spent),
		Mine: slices.ContainsFunc(spent, func(s record.Spent) bool { return s.Machine == machine }),
	}
}

// Room is for how many more machines there is room.
func (b Breaker) Room() int { return max(0, b.Limit-b.Used) }

func hasRoom(f Facts, _ time.Time) Reason {
	switch b := f.Breaker; {
	case !b.Read:
		return ReasonBreakerUnread
	case b.Limit <= 0, b.Room() <= b.Ahead && !b.Mine:
		return ReasonBreakerOpen
	}
	return ""
}

// Spent are the revocations that count now, oldest first.
func Spent(b record.Breaker, l Limits, now time.Time) []record.Spent {
	from := newest(b, now).Add(-l.Window)
	return slices.DeleteFunc(slices.Clone(b.Spent), func(s record.Spent) bool { return !s.At.After(from) })
}

// Spend notes a revocation whose intent is being written. A machine counts once, at its newest attempt. The
// result is to be written in the transaction of the intent, under the condition that nobody changed
// the breaker since it was read: so concurrent ones never overshoot the limit. In any span of Window
// there are at most as many machines as the limit said at the last of them.
func Spend(b record.Breaker, machine string, generation int64, l Limits, now time.Time) record.Breaker {
	at := newest(b, now)
	spent := slices.DeleteFunc(Spent(b, l, now), func(s record.Spent) bool { return s.Machine == machine })
	b.Spent = append(spent, record.Spent{Machine: machine, Generation: generation, At: at})
	return b
}

// newest is now, or the time of the newest revocation when another invocation's clock is ahead: time
// in the breaker never goes back, so that what one invocation let fall out of the window no other, that
// started earlier, has room for.
func newest(b record.Breaker, now time.Time) time.Time {
	now = now.UTC()
	for _, s := range b.Spent {
		if s.At.After(now) {
			now = s.At
		}
	}
	return now
}

// Severity orders machines when there is room for some of them only.
type Severity struct {
	Failed int       // rules that the machine fails; silence fails none
	DueAt  time.Time // its deadline
	ID     string
}

// togetherWithin is how long the room is kept for a more severe machine that fell due. Its look, and the events about it,
// take minutes; what takes longer must not keep others from their turn.
const togetherWithin = 15 * time.Minute

// Ahead is how many machines that are more severe than m fell due a short while ago and are on their way: the room that
// the breaker leaves is theirs first. Who lost its key within the window is counted already, and not here.
func Ahead(m record.Machine, all []record.Machine, b record.Breaker, l Limits, now time.Time) int {
	spent := map[string]bool{m.ID: true}
	for _, s := range Spent(b, l, now) {
		spent[s.Machine] = true
	}
	mine, ahead := SeverityOf(m), 0
	for _, other := range all {
		s := other.State
		onItsWay := s.Standing == integrity.Bad && s.Key == integrity.KeyReleased && s.HeldFor == "" && s.FrozenSince.IsZero() && s.GoneAt.IsZero()
		if !onItsWay || s.DueAt.IsZero() || now.Before(s.DueAt) || now.Sub(s.DueAt) > togetherWithin || spent[other.ID] {
			continue
		}
		if CompareSeverity(SeverityOf(other), mine) < 0 {
			ahead++
		}
	}
	return ahead
}

// SeverityOf is a machine's severity, from its last judgement.
func SeverityOf(m record.Machine) Severity {
	return Severity{Failed: len(FailedRules(m.Findings)), DueAt: m.State.DueAt, ID: m.ID}
}

// CompareSeverity puts the more severe first: more failed rules, then the earlier deadline, then the id.
func CompareSeverity(a, b Severity) int {
	switch {
	case a.Failed != b.Failed:
		return b.Failed - a.Failed
	case !a.DueAt.Equal(b.DueAt):
		return a.DueAt.Compare(b.DueAt)
	case a.ID < b.ID:
		return -1
	case a.ID > b.ID:
		return 1
	}
	return 0
}
