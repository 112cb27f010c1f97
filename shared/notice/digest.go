package notice

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// urgency orders events: first those that cannot wait, each in the order of the documents.
func urgency(k Kind) int {
	at := slices.IndexFunc(events, func(e Event) bool { return e.Kind == k })
	if at >= 0 && events[at].Can {
		at += len(events)
	}
	return at
}

// inWords is the name of an event as people read it: "due soon".
func inWords(k Kind) string {
	var b strings.Builder
	for _, r := range string(k) {
		if unicode.IsUpper(r) {
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

func titled(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// group are the lines of one event.
type group struct {
	kind  Kind
	lines []Line
}

// groups are the events in their order, the lines of which are in it already.
func (b Batch) groups() []group {
	var all []group
	for _, l := range b.Lines {
		if len(all) == 0 || all[len(all)-1].kind != l.Event {
			all = append(all, group{kind: l.Event})
		}
		all[len(all)-1].lines = append(all[len(all)-1].lines, l)
	}
	return all
}

// digest tells of many events: how many of each, and then each event with its machines.
func (b Batch) digest(c clock) document {
	head := counted(len(b.Lines), "event")
	if n := machines(b.Lines); n > 0 {
		head += " of " + counted(n, "machine")
	}
	d := document{Heading: head, Lead: b.leadDigest(c)}
	var counts []string
	room := maxDigest
	for _, g := range b.groups() {
		counts = append(counts, strconv.Itoa(len(g.lines))+" "+inWords(g.kind))
		d.Facts = append(d.Facts, row{titled(inWords(g.kind)), strconv.Itoa(len(g.lines))})
		shown := min(len(g.lines), maxRows, room)
		room -= shown
		d.Sections = append(d.Sections, b.told(g, shown, c))
	}
	d.Subject = head + ": " + strings.Join(counts, ", ")
	if machines(b.Lines) > 0 {
		d.Sections = append(d.Sections, section{"More about a machine", []item{
			says("What is known of a machine, and what Keyward did with it:"), runs("keyward machine show " + argument(b.only())),
		}})
	}
	return d
}

// only is the one machine that all lines are about, when it is one.
func (b Batch) only() Notice {
	if machines(b.Lines) != 1 {
		return Notice{}
	}
	return Notice{Machine: b.Lines[slices.IndexFunc(b.Lines, func(l Line) bool { return l.Machine != "" })].Machine}
}

func (b Batch) leadDigest(c clock) []string {
	first, last := b.Lines[0].At, b.Lines[0].At
	for _, l := range b.Lines {
		if l.At.Before(first) {
			first = l.At
		}
		if l.At.After(last) {
			last = l.At
		}
	}
	when := "This happened from " + c.both(first) + " to " + c.both(last) + "."
	if !first.Before(last) {
		when = "This happened at " + c.both(first) + "."
	}
	lead := []string{when + " What cannot wait comes first."}
	if len(b.Lines) > 1 {
		lead = append(lead, "The file that comes with this mail has all of it.")
	}
	if len(b.Missed) > 0 {
		lead = append(lead, "This was sent before and did not reach "+strings.Join(b.Missed, ", ")+". So it is sent to you.")
	}
	return lead
}

// told is one event with the first of its lines.
func (b Batch) told(g group, shown int, c clock) section {
	e, _ := EventOf(string(g.kind))
	items := []item{says("Told when " + e.Said() + ".")}
	if text := b.text(g.kind, g.lines); text != "" {
		items = append(items, says(text))
	}
	if shown > 0 {
		t := table{Columns: []string{"Machine", "When", "What"}}
		for _, l := range g.lines[:shown] {
			t.Rows = append(t.Rows, []string{cut(whose(l), maxCell), c.exact(l.At), what(l, c)})
		}
		items = append(items, item{Table: &t})
	}
	if more := len(g.lines) - shown; more > 0 {
		items = append(items, says("And "+strconv.Itoa(more)+" more in the file that comes with this mail."))
	}
	return section{titled(inWords(g.kind)) + ": " + strconv.Itoa(len(g.lines)), items}
}

// whose names what an event is about.
func whose(l Line) string {
	switch {
	case l.Machine != "":
		return who(Notice{Machine: l.Machine, Name: l.Name})
	case l.Policy != "":
		return "policy " + l.Policy
	default:
		return "the whole stack"
	}
}

// what says what happened in one cell, a deadline first: where room is short the rest is cut.
func what(l Line, c clock) string {
	var said []string
	add := func(s string) {
		if s != "" {
			said = append(said, strings.TrimSuffix(s, "."))
		}
	}
	if !l.DueAt.IsZero() {
		add(strings.ToLower(dueLabel(Notice{Kind: l.Event})) + " " + c.exact(l.DueAt))
	}
	add(cut(reason(l), maxCell))
	if l.By != "" {
		add("by " + cut(l.By, maxCell))
	}
	if l.Machine != "" && l.Policy != "" {
		add(byPolicy(Notice{Policy: l.Policy}))
	}
	return strings.Join(said, "; ")
}
