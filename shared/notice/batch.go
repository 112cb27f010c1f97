package notice

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/keyward/keyward/shared/plain"
	"github.com/keyward/keyward/shared/policy"
)

// Line is one event of many that a mail tells of. Strings may hold anything; zero times and empty strings are left out.
type Line struct {
	Event    Kind
	At       time.Time // when it happened
	Machine  string    // id; empty only for events of the stack and of waivers
	Name     string
	Owner    string
	Zone     string
	Policy   string
	Version  int
	Why      string    // the first failed rule with what was found, as in "rule: found"; or the reason
	Fix      string    // of that rule
	By       string    // the person who did it
	DueAt    time.Time // when the key will be revoked, or a waiver or key request ends
	OldDueAt time.Time // deadline that a relapse would resume
	Silence  bool      // the violation is silence, not a failed rule
}

// Batch is one mail for many events: a warning of many machines, or a digest.
type Batch struct {
	Lines     []Line // 1 to MaxLines, in any order
	TimeZone  string // IANA name of the recipient's; UTC when empty or not known
	Reference string // the same in a repeated mail
	Prefix    string // before the subject
	Header    string // the first paragraph
	Footer    string // the last one

	Texts map[Kind]string // of an event, with the variables of a policy's texts; one that differs between lines is left out

	Missed   []string    // who did not get it when it was sent before
	Repeated bool        // an earlier attempt may have sent this mail already
	Warning  bool        // every line is a warning of the same policy: the mail is what starts each machine's grace
	Mode     policy.Mode // of Warning: how the keys are taken
	Links    []Link      // that act
}

// Limits of a mail about many events.
const (
	MaxLines  = 1000
	maxRows   = 50  // of one table
	maxDigest = 120 // rows of all tables of a digest: mail programs cut what is longer than 102 kB
	maxCell   = 160 // characters of what a row says
	maxFixes  = 20
)

// RenderBatch makes the mail of many events at the time now. It refuses none or too many of them, an event that is not known or
// names no machine, a link that is not of Keyward's form, and in a warning what is no warning of the same policy, or has no deadline.
func RenderBatch(b Batch, now time.Time) (Mail, error) {
	if err := b.check(); err != nil {
		return Mail{}, err
	}
	b, c := b.cleaned(maxValue), clockOf(b.TimeZone, now)
	d := b.digest(c)
	if b.Warning {
		d = b.warning(c)
	}
	b.frame(&d, c)
	html, err := d.html()
	if err != nil {
		return Mail{}, err
	}
	return Mail{Subject: d.Subject, Text: d.text(), HTML: html}, nil
}

func (b Batch) check() error {
	switch n := len(b.Lines); {
	case n == 0:
		return errors.New("rendering batch: it has no lines")
	case n > MaxLines:
		return fmt.Errorf("rendering batch: it has %d lines, more than %d", n, MaxLines)
	}
	for i, l := range b.Lines {
		_, ok := EventOf(string(l.Event))
		switch {
		case !ok:
			return fmt.Errorf("rendering batch: line %d: event is %q", i+1, short(l.Event))
		case l.Machine == "" && (b.Warning || !l.Event.OfStack() && l.Event != Waived):
			return fmt.Errorf("rendering batch: line %d: it names no machine", i+1)
		case b.Warning && l.Event != Warning:
			return fmt.Errorf("rendering batch: line %d: a warning has %s among it", i+1, l.Event)
		case b.Warning && l.DueAt.IsZero():
			return fmt.Errorf("rendering batch: line %d: the warning has no deadline", i+1)
		case b.Warning && l.Policy != b.Lines[0].Policy:
			return fmt.Errorf("rendering batch: line %d: the warning is of another policy", i+1)
		}
	}
	return checkLinks(b.Links)
}

// cleaned is the batch with every value made harmless and its texts filled, in the order in which it is told.
func (b Batch) cleaned(most int) Batch {
	lines := make([]Line, len(b.Lines))
	for i, l := range b.Lines {
		lines[i] = l.cleaned(most)
	}
	slices.SortStableFunc(lines, func(x, y Line) int {
		if b.Warning {
			return cmp.Or(x.DueAt.Compare(y.DueAt), cmp.Compare(x.Machine, y.Machine))
		}
		return cmp.Or(cmp.Compare(urgency(x.Event), urgency(y.Event)), x.At.Compare(y.At), cmp.Compare(x.Machine, y.Machine))
	})
	b.Lines = lines
	b.Reference, b.Missed = plain.Line(b.Reference, 100), addresses(b.Missed)
	b.Prefix = unlinked(plain.Line(filled(b.Prefix, lines), maxPrefix))
	b.Header, b.Footer = unlinked(plain.Line(filled(b.Header, lines), maxText)), unlinked(plain.Line(filled(b.Footer, lines), maxText))
	return b
}

func (l Line) cleaned(most int) Line {
	named := Notice{Machine: l.Machine, Name: l.Name, Owner: l.Owner, Zone: l.Zone, Policy: l.Policy, By: l.By}.cleaned()
	l.Machine, l.Name, l.Owner, l.Zone, l.Policy, l.By = named.Machine, named.Name, named.Owner, named.Zone, named.Policy, named.By
	l.Why, l.Fix = unlinked(plain.Line(l.Why, most)), plain.Line(l.Fix, most)
	return l
}

// filled is a text with those of its variables replaced that are the same for all lines.
func filled(text string, lines []Line) string {
	values := map[string]string{}
	for name, of := range map[string]func(Line) string{
		"machine": func(l Line) string { return l.Machine }, "name": func(l Line) string { return l.Name },
		"owner": func(l Line) string { return l.Owner }, "zone": func(l Line) string { return l.Zone },
		"policy": func(l Line) string { return l.Policy }, "event": func(l Line) string { return string(l.Event) },
		"version": func(l Line) string { return version(l.Version) },
	} {
		values[name] = of(lines[0])
		if slices.ContainsFunc(lines, func(l Line) bool { return of(l) != of(lines[0]) }) {
			values[name] = ""
		}
	}
	if n := machines(lines); n > 1 {
		values["machine"] = counted(n, "machine")
	}
	return policy.Filled(text, values)
}

func version(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// frame is what every mail has around what it tells.
func (b Batch) frame(d *document, c clock) {
	n := Notice{Prefix: b.Prefix, Repeated: b.Repeated, FooterText: b.Footer, Reference: b.Reference, Links: b.Links}
	d.Subject = cut(prefix(n)+d.Subject, MaxSubject)
	if b.Header != "" {
		d.Lead = append([]string{b.Header}, d.Lead...)
	}
	d.Sections = append(byLink(n), d.Sections...)
	d.Footer = footer(n, c)
}

// machines are how many machines the lines are about.
func machines(lines []Line) int {
	ids := map[string]bool{}
	for _, l := range lines {
		ids[l.Machine] = l.Machine != ""
	}
	delete(ids, "")
	return len(ids)
}

// counted is a number of things in words.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}
