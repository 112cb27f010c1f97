package console

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// story is what happened to a machine, as a picture and as lines.
type story struct {
	Looks, Keys, Mails []dot
	Marks              []mark
	Lines              []line // newest first
	Unshown            int    // lines
	More               bool   // looks that were not read
	Passed, Failed     int
	Unknown            int
}

// dot is something on a line from left to right, in thousandths.
type dot struct {
	X           float64
	Class, Text string
}

// line is one thing that happened, or looks in a row that said the same.
type line struct {
	At          time.Time
	Kind, Class string
	Text, By    string
	Looks       int       // in a row
	To          time.Time // of the last of them
}

// keyKinds are the entries that tell of the key.
var keyKinds = map[record.EntryKind]string{
	record.EntryReleased: "is-Released", record.EntryIntent: "is-Revoking", record.EntryOrdered: "is-Revoking", record.EntryConfirmed: "is-Revoked",
	record.EntryRestored: "is-Released", record.EntryWithdrawn: "is-Withdrawn", record.EntryEffective: "is-Revoked", record.EntryFailed: "is-Bad",
}

func storyOf(h record.History, since, until time.Time, more bool) story {
	s := story{More: more}
	since = begin(h, since, until)
	at := func(t time.Time) float64 {
		return min(996, max(0, 1000*float64(t.Sub(since))/float64(max(1, until.Sub(since)))))
	}
	var lines []line
	for _, e := range h.Evidence {
		v := e.Result.Verdict
		s.Looks = append(s.Looks, dot{at(e.Sent), "is-" + v.String(), ""})
		switch v {
		case policy.Pass:
			s.Passed++
		case policy.Fail:
			s.Failed++
		default:
			s.Unknown++
		}
		lines = append(lines, line{At: e.Sent, To: e.Sent, Kind: "look", Class: "is-" + v.String(), Text: v.String() + because(e), Looks: 1})
	}
	for _, e := range h.Ledger {
		class, ofKey := keyKinds[e.Kind]
		if ofKey {
			s.Keys = append(s.Keys, dot{at(e.At), class, string(e.Kind)})
		}
		lines = append(lines, line{At: e.At, Kind: string(e.Kind), Class: class, Text: cut(e.Text, 500), By: e.By})
	}
	for _, n := range h.Notices {
		l := line{At: n.AcceptedAt, Kind: "mail", Class: "is-mail", Text: cut(n.Kind+" to "+strings.Join(n.To, ", "), 500)}
		if n.AcceptedAt.IsZero() {
			l.At, l.Text = n.BegunAt, l.Text+", not accepted by SES"
		}
		s.Mails = append(s.Mails, dot{at(l.At), "is-mail", n.Kind})
		lines = append(lines, l)
	}
	slices.SortStableFunc(lines, func(a, b line) int { return a.At.Compare(b.At) })
	lines = gathered(lines)
	slices.Reverse(lines)
	s.Lines = lines[:min(len(lines), mostEvents)]
	s.Unshown = len(lines) - len(s.Lines)
	for i := range 5 {
		text := "now"
		if i < 4 {
			text = span(until.Sub(since)*time.Duration(4-i)/4) + " ago"
		}
		s.Marks = append(s.Marks, mark{float64(i) * 250, text})
	}
	return s
}

// begin is where the picture of a history begins: shortly before the first thing that happened.
func begin(h record.History, since, until time.Time) time.Time {
	first := until.Add(-time.Hour)
	for _, e := range h.Evidence {
		first = earlier(first, e.Sent)
	}
	for _, e := range h.Ledger {
		first = earlier(first, e.At)
	}
	if first = first.Add(-until.Sub(first) / 20); first.After(since) {
		return first
	}
	return since
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// because is the first thing that kept a look from passing.
func because(e record.Evidence) string {
	if e.Evidence == nil && e.Why != "" {
		return ": " + cut(e.Why, 200)
	}
	if bad := e.Result.Bad(); len(bad) > 0 {
		return fmt.Sprintf(": %s: %s", cut(bad[0].Rule, 120), cut(bad[0].Actual, 200))
	}
	return ""
}

// gathered makes one line of looks in a row that said the same.
func gathered(lines []line) []line {
	var all []line
	for _, l := range lines {
		if n := len(all); n > 0 && l.Looks > 0 && all[n-1].Looks > 0 && all[n-1].Text == l.Text {
			all[n-1].Looks, all[n-1].To = all[n-1].Looks+1, l.At
			continue
		}
		all = append(all, l)
	}
	return all
}
