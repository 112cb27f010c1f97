package fleet

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// Change is one thing that happened, for people as a line and for programs as JSON.
type Change struct {
	At   time.Time `json:"at"`   // by the stack's clock; of a hold that was lifted and of a pause, when it was seen
	Kind string    `json:"kind"` // of a ledger entry, or one of the kinds below
	Text string    `json:"text"`
	By   string    `json:"by,omitempty"`

	Machine  string    `json:"machine,omitempty"`
	Name     string    `json:"name,omitempty"`
	Policy   string    `json:"policy,omitempty"`
	Standing string    `json:"standing,omitempty"` // after it
	Key      string    `json:"key,omitempty"`      // after it
	Due      time.Time `json:"due,omitzero"`       // as of the look, not of the entry
	Number   int64     `json:"number,omitempty"`   // place of the entry in the machine's ledger

	Scope    string         `json:"scope,omitempty"`    // of a hold or a breaker
	Machines map[string]int `json:"machines,omitempty"` // by standing, where it begins
}

// The kinds of change that are no ledger entries. Those of a breaker are breaker- and its own word.
const (
	KindWatching = "watching" // the first look
	KindHold     = "hold"     // a person stops revocations
	KindLifted   = "lifted"   // a hold ended
	KindPaused   = "paused"   // machines cannot be looked at, clocks stand still
	KindGoesOn   = "goes-on"  // they can
	kindBreaker  = "breaker-"
)

// Line is the change in one line: when, what, which machine, in which words.
func (c Change) Line() string { return c.line(show.Time(c.At)) }

func (c Change) line(at string) string {
	parts := []string{at, c.Kind}
	if about := strings.TrimSpace(c.Machine + " " + c.Name); about != "" {
		parts = append(parts, about)
	}
	if c.Scope != "" {
		parts = append(parts, c.Scope)
	}
	text := c.Text
	if c.By != "" {
		text += " (by " + c.By + ")"
	}
	return strings.Join(append(parts, text), "  ")
}

func begun(l *Look) Change {
	counts := map[string]int{}
	for _, word := range standings {
		counts[word] = l.Status.Machines[word]
	}
	return Change{At: l.Status.Time, Kind: KindWatching, Text: sums(l), Machines: counts}
}

// standings are the words, best first.
var standings = []string{"Good", "Unknown", "Bad"}

func sums(l *Look) string {
	return fmt.Sprintf("%d Good, %d Bad, %d Unknown", l.Status.Machines["Good"], l.Status.Machines["Bad"], l.Status.Machines["Unknown"])
}

func entry(m record.Machine, e record.Entry) Change {
	c := Change{At: e.At, Kind: string(e.Kind), Text: e.Text, By: e.By, Machine: e.Machine, Name: m.Name, Policy: cmp.Or(e.Policy, m.Policy), Number: e.Number}
	if e.Policy != "" { // it says how the machine was
		c.Standing, c.Key = standingOf(e.Standing), keyOf(e.Key)
	}
	if m.State.Standing == integrity.Bad {
		c.Due = m.State.DueAt
	}
	return c
}

func standingOf(s integrity.Standing) string { return cmp.Or(string(s), "Unknown") }

func keyOf(k integrity.KeyState) string { return cmp.Or(string(k), "Untouched") }

// between are the changes that no machine's ledger has.
func between(before, now *Look) []Change {
	at := now.Status.Time
	var changes []Change
	if !slices.Contains(now.Closed, "holds") && !slices.Contains(before.Closed, "holds") {
		changes = holds(before.Holds, now.Holds, at)
	}
	for policy, p := range now.Status.Paused {
		if old, ok := before.Status.Paused[policy]; !ok || old != p {
			changes = append(changes, Change{At: at, Kind: KindPaused, Policy: policy, Text: paused(policy, p)})
		}
	}
	for policy := range before.Status.Paused {
		if _, ok := now.Status.Paused[policy]; !ok {
			changes = append(changes, Change{At: at, Kind: KindGoesOn, Policy: policy, Text: pausedScope(policy) + ": clocks go on"})
		}
	}
	for _, e := range now.Breaker.Events {
		if !slices.Contains(before.Breaker.Events, e) && !slices.Contains(before.Closed, "breaker") {
			changes = append(changes, Change{At: e.At, Kind: kindBreaker + e.Kind, Text: e.Text, By: e.By, Scope: string(e.Scope)})
		}
	}
	return changes
}

func holds(before, now []record.Hold, at time.Time) []Change {
	var changes []Change
	for _, h := range now {
		if !slices.ContainsFunc(before, func(b record.Hold) bool { return b.Scope == h.Scope && b.SetAt.Equal(h.SetAt) }) {
			changes = append(changes, Change{At: h.SetAt, Kind: KindHold, Text: h.Reason + ", until " + until(h.Expires), By: h.By, Scope: string(h.Scope)})
		}
	}
	for _, b := range before {
		if !slices.ContainsFunc(now, func(h record.Hold) bool { return b.Scope == h.Scope }) {
			text := "was lifted"
			if !b.Expires.IsZero() && !at.Before(b.Expires) {
				text = "ended by its time"
			}
			changes = append(changes, Change{At: at, Kind: KindLifted, Text: text, Scope: string(b.Scope)})
		}
	}
	return changes
}

func until(t time.Time) string {
	if t.IsZero() {
		return "it is lifted"
	}
	return show.Time(t)
}

func paused(policy string, p record.Pause) string {
	return pausedScope(policy) + ": clocks stand still since " + show.Time(p.Since) + ": " + p.Why
}

func pausedScope(policy string) string {
	switch policy {
	case record.Everything:
		return "all machines"
	case record.Blind:
		return "some machines"
	}
	return "policy " + policy
}

// inOrder sorts by time; what happened at one time by machine and as it was written.
func inOrder(changes []Change) {
	slices.SortStableFunc(changes, func(a, b Change) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Machine, b.Machine), cmp.Compare(a.Number, b.Number), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Policy, b.Policy))
	})
}

// busiest are the machines that something was done about last.
func busiest(machines []record.Machine, most int) []record.Machine {
	at := func(m record.Machine) time.Time {
		latest := m.EnrolledAt
		for _, t := range []time.Time{m.State.Since, m.State.KeySince, m.State.WarnedAt, m.State.HeldSince, m.State.CorrectedAt} {
			if t.After(latest) {
				latest = t
			}
		}
		return latest
	}
	all := slices.Clone(machines)
	slices.SortStableFunc(all, func(a, b record.Machine) int { return at(b).Compare(at(a)) })
	return all[:min(len(all), most)]
}
