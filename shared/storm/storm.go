// Package storm decides whether a warning goes by itself or waits for others of its group, so that a thousand
// machines which fail one rule are no thousand mails. The first goes at once, since nobody knows yet that more will come;
// those that follow are one mail. It asks no clock and calls nobody; notify does what it decides.
package storm

import (
	"crypto/sha256"
	"encoding/hex"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/record"
)

// How long warnings wait. The grace counts from when one was accepted, so that waiting takes nothing from anybody.
const (
	Quiet   = 20 * time.Minute // after the last mail of a group the next warning goes by itself again
	First   = 2 * time.Minute  // the second warning waits so long for more
	Longest = 8 * time.Minute  // each further mail waits twice as long as the one before, and no longer than this

	lead  = 2 * time.Minute // whom nothing is heard of for so long leads no more: an invocation has ended by then
	again = 15 * time.Second
	apart = 15 // seconds over which those that wait come back
)

// Turn is what a warning has to do.
type Turn int

// The turns. The zero value waits.
const (
	Wait  Turn = iota // and ask again
	Alone             // go by itself
	Lead              // go for all that wait
)

// Group names those whose warnings may become one mail: a policy, who gets it, for whom it counts, and whom it did not
// reach before.
func Group(policy string, to, counts, lost []string) string {
	h := sha256.New()
	for _, list := range [][]string{{policy}, to, counts, lost} {
		lower := strings.Split(strings.ToLower(strings.Join(list, "\n")), "\n")
		slices.Sort(lower)
		h.Write([]byte(strings.Join(lower, "\n") + "\x00"))
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}

// Next is the turn of a machine's execution in a group, the group as it has to be written before anything else is done, if
// that differs, and when a warning that waits asks again: in whole seconds. One machine that fails again and again is no storm.
func Next(g record.Storm, machine, execution string, now time.Time) (after record.Storm, turn Turn, at time.Time) {
	switch {
	case g.OpensAt.IsZero() && g.Alone == machine:
		return g, Alone, time.Time{}
	case g.OpensAt.IsZero() && (g.LastAt.IsZero() || now.Sub(g.LastAt) >= Quiet):
		g.Alone, g.LastAt, g.Round = machine, now.UTC(), 0
		return g, Alone, time.Time{}
	case g.OpensAt.IsZero():
		g.OpensAt, g.Alone = wholeSecond(now.Add(wait(g.Round))), ""
		return g, Wait, g.OpensAt.Add(spread(execution))
	case now.Before(g.OpensAt):
		return g, Wait, g.OpensAt.Add(spread(execution))
	case g.Leader != "" && g.Leader != execution && now.Before(g.LeaderUntil):
		return g, Wait, wholeSecond(now.Add(again + spread(execution)))
	}
	g.Leader, g.LeaderUntil = execution, now.UTC().Add(lead)
	return g, Lead, time.Time{}
}

// Done is the group when who led it has warned for all.
func Done(g record.Storm, now time.Time) record.Storm {
	g.LastAt, g.OpensAt, g.Leader, g.LeaderUntil, g.Alone = now.UTC(), time.Time{}, "", time.Time{}, ""
	g.Round++
	return g
}

func wait(round int) time.Duration { return min(First<<min(round, 4), Longest) }

// spread keeps a thousand executions from coming back in one second.
func spread(execution string) time.Duration {
	h := fnv.New32a()
	h.Write([]byte(execution))
	return time.Duration(h.Sum32()%apart) * time.Second
}

func wholeSecond(t time.Time) time.Time {
	t = t.UTC()
	if whole := t.Truncate(time.Second); whole.Before(t) {
		return whole.Add(time.Second)
	}
	return t
}
