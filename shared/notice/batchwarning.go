package notice

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/plain"
)

// maxTimes are the deadlines that each get a paragraph of their own where ids alone are listed; more are told day by day.
const maxTimes = 24

// warning tells of many machines what a warning tells of one: what will happen and when, how to stop it and what can be lost.
func (b Batch) warning(c clock) document {
	first, last := b.Lines[0], b.Lines[len(b.Lines)-1]
	n := Notice{Kind: Warning, Policy: first.Policy, Version: first.Version, Mode: b.Mode, DueAt: first.DueAt}
	if slices.ContainsFunc(b.Lines, func(l Line) bool { return l.Version != first.Version }) {
		n.Version = 0
	}
	fails := silent(b.Lines).sentence(byPolicy(n))
	d := document{
		Subject: fails.short + ": " + keys(b.Lines) + " will be revoked from " + c.brief(first.DueAt),
		Heading: fails.short,
		Lead:    b.leadWarning(c, fails.long),
		Facts:   b.warningFacts(n, c),
	}
	if !first.DueAt.Before(last.DueAt) {
		d.Subject = strings.Replace(d.Subject, " revoked from ", " revoked at ", 1)
	}
	for _, s := range []section{b.whichAndWhen(c), b.fixes(), b.stopThem(n), canBeLost(n, c), cannotTakeBack(n, c)} {
		if len(s.Items) > 0 {
			d.Sections = append(d.Sections, s)
		}
	}
	return d
}

// tally is how many machines fail a rule, and how many give no usable answer.
type tally struct{ bad, mute int }

func silent(lines []Line) (t tally) {
	for _, l := range lines {
		if l.Silence {
			t.mute++
		} else {
			t.bad++
		}
	}
	return t
}

type sentence struct{ short, long string }

// sentence says it for a subject, where room is short, and for a paragraph.
func (t tally) sentence(policy string) sentence {
	bad := counted(t.bad, "machine") + plural(t.bad, " does not comply", " do not comply")
	mute := counted(t.mute, "machine") + plural(t.mute, " gives no usable answer", " give no usable answer")
	long := counted(t.mute, "machine") + plural(t.mute, " runs, and gives", " run, and give") + " no answer that " + policy + " can be judged by, for as long as it allows; it revokes the key for that."
	switch {
	case t.mute == 0:
		return sentence{bad, bad + " with " + policy + "."}
	case t.bad == 0:
		return sentence{mute, long}
	default:
		return sentence{counted(t.bad+t.mute, "machine") + " do not comply or give no usable answer", bad + " with " + policy + ". " + long}
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func keys(lines []Line) string { return plural(len(lines), "its key", "their keys") }

func (b Batch) leadWarning(c clock, fails string) []string {
	first, last := b.Lines[0].DueAt, b.Lines[len(b.Lines)-1].DueAt
	access := " Unless this is corrected, access to " + plural(len(b.Lines), "its encryption key", "their encryption keys") + " will be revoked "
	if first.Before(last) {
		access += "one machine after the other: the first at " + c.whole(first) + ", the last at " + c.whole(last) + ", and each not before its own deadline."
	} else {
		access += "at " + c.whole(first) + ", and not before."
	}
	lead := []string{
		fails + access,
		"This mail is the warning of each machine that it lists. The deadline of every one of them is below, and in the file that comes with this mail.",
	}
	if len(b.Missed) > 0 {
		lead = append(lead, "An earlier warning of this did not reach "+strings.Join(b.Missed, ", ")+". So it is sent to you, and the time to correct it counts from this mail.")
	}
	lead = append(lead, "At its deadline each machine is looked at once more. If it complies then, nothing is taken from it.")
	if text := b.text(Warning, b.Lines); text != "" {
		lead = append(lead, text)
	}
	return lead
}

// text is what people have said of an event.
func (b Batch) text(k Kind, lines []Line) string {
	return unlinked(plain.Line(filled(b.Texts[k], lines), maxText))
}

func (b Batch) warningFacts(n Notice, c clock) []row {
	first, last := b.Lines[0].DueAt, b.Lines[len(b.Lines)-1].DueAt
	rows := facts(Notice{Policy: n.Policy, Version: n.Version}, c)
	rows = append([]row{{"Machines", strconv.Itoa(len(b.Lines))}}, rows...)
	if !first.Before(last) {
		return append(rows, row{"Keys will be revoked", c.whole(first)})
	}
	return append(rows, row{"First key will be revoked", c.whole(first)}, row{"Last key will be revoked", c.whole(last)})
}

// whichAndWhen names every machine with its deadline: with what it fails as long as a table stays readable, and by its id alone
// beyond that.
func (b Batch) whichAndWhen(c clock) section {
	shown := b.Lines[:min(len(b.Lines), maxRows)]
	t := table{Columns: []string{"Machine", "Key will be revoked", "Why"}}
	for _, l := range shown {
		t.Rows = append(t.Rows, []string{cut(who(Notice{Machine: l.Machine, Name: l.Name}), maxCell), c.exact(l.DueAt), cut(reason(l), maxCell)})
	}
	s := section{"Which machines, and when", []item{{Table: &t}}}
	if rest := b.Lines[len(shown):]; len(rest) > 0 {
		s.Items = append(s.Items, says("And "+counted(len(rest), "more machine")+", whose names and findings are in the file that comes with this mail:"))
		s.Items = append(s.Items, byDeadline(rest, c)...)
	}
	return s
}

func reason(l Line) string {
	if l.Silence && l.Why == "" {
		return "no usable answer"
	}
	return l.Why
}

// byDeadline lists ids under the time at which each loses its key.
func byDeadline(lines []Line, c clock) []item {
	times := map[int64]bool{}
	for _, l := range lines {
		times[l.DueAt.Unix()] = true
	}
	group := func(t time.Time) string { return c.whole(t) }
	few := len(times) <= maxTimes
	if !few {
		group = func(t time.Time) string {
			return t.In(c.zone).Format("Monday 2 January 2006") + " (" + c.place(t) + ")"
		}
	}
	var items []item
	for i := 0; i < len(lines); {
		title, from := group(lines[i].DueAt), i
		var words []string
		for ; i < len(lines) && group(lines[i].DueAt) == title; i++ {
			if !few && (i == from || lines[i].DueAt.Unix() != lines[i-1].DueAt.Unix()) {
				words = append(words, "at "+lines[i].DueAt.In(c.zone).Format("15:04:05")+" "+cut(lines[i].Machine, 40))
			} else {
				words = append(words, cut(lines[i].Machine, 40))
			}
		}
		items = append(items, says(title+", "+counted(i-from, "machine")+":"))
		items = append(items, listed(words)...)
	}
	return items
}

// listed are words in paragraphs that no mail program breaks for their length.
func listed(words []string) []item {
	const longest = 700
	var items []item
	var b strings.Builder
	for i, w := range words {
		b.WriteString(w)
		if i == len(words)-1 {
			b.WriteString(".")
		} else {
			b.WriteString(", ")
		}
		if b.Len() > longest || i == len(words)-1 {
			items = append(items, says(strings.TrimSpace(b.String())))
			b.Reset()
		}
	}
	return items
}

// fixes says how each rule is put right, once, the one first that most machines fail.
func (b Batch) fixes() section {
	type fix struct{ rule, text string }
	fail := map[fix]int{}
	for _, l := range b.Lines {
		if rule, _, _ := strings.Cut(l.Why, ": "); !l.Silence && (rule != "" || l.Fix != "") {
			fail[fix{rule, l.Fix}]++
		}
	}
	all := make([]fix, 0, len(fail))
	for f := range fail {
		all = append(all, f)
	}
	slices.SortFunc(all, func(x, y fix) int {
		return cmp.Or(cmp.Compare(fail[y], fail[x]), cmp.Compare(x.rule, y.rule), cmp.Compare(x.text, y.text))
	})
	var items []item
	for _, f := range all[:min(len(all), maxFixes)] {
		text := cut(f.rule, 100) + " (" + counted(fail[f], "machine") + ")"
		if f.text != "" {
			text += ": " + f.text
		}
		items = append(items, says(text))
	}
	if more := len(all) - maxFixes; more > 0 {
		items = append(items, says("There are "+counted(more, "rule")+" more, in the file that comes with this mail."))
	}
	return section{"How to correct it", items}
}

// stopThem says how the revocations are called off, or put off for all and for one.
func (b Batch) stopThem(n Notice) section {
	t, name := silent(b.Lines), "NAME"
	if policyName.MatchString(n.Policy) {
		name = n.Policy
	}
	if len(b.Lines) == 1 {
		n.Machine = b.Lines[0].Machine
	}
	var items []item
	if t.mute > 0 {
		items = append(items, says("A machine that gives no usable answer has to answer: its SSM agent has to run and to reach AWS Systems Manager, and the inspection has to have the rights it needs."))
	}
	return section{"How to stop this", append(items,
		says("When a machine is put right, have it looked at again. When it complies, its revocation is called off:"),
		runs("keyward machine check "+argument(n)),
		says("If you need more time, stop it. Under a hold nothing is revoked, until somebody lifts it. For all machines of the policy:"),
		runs("keyward hold set policy:"+name+` --reason "why they have to wait"`),
		says("For one machine:"),
		runs("keyward hold set machine:"+argument(n)+` --reason "why it has to wait"`),
	)}
}
