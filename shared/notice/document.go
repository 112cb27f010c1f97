package notice

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/policy"
)

// document is a mail before it is text or HTML. Both are made from it alone, so they say the same.
type document struct {
	Subject  string
	Heading  string
	Lead     []string
	Facts    []row
	Findings []finding
	More     string // what is said of findings that are not shown
	Sections []section
	Footer   []string
}

type row struct{ Label, Value string }

type finding struct {
	Rule string
	Rows []row
}

// section is a heading with paragraphs and commands, in the order in which they are read.
type section struct {
	Heading string
	Items   []item
}

// item is one paragraph, or one command when Command is set, or one link when Link is, or a table.
type item struct {
	Paragraph, Command, Link string
	Table                    *table
}

// table has a row for each of many things, which its first column names.
type table struct {
	Columns []string
	Rows    [][]string
}

// Tabular is whether it has a table that a narrow screen shows without its columns.
func (d document) Tabular() bool {
	return slices.ContainsFunc(d.Sections, func(s section) bool {
		return slices.ContainsFunc(s.Items, func(i item) bool { return i.Table != nil })
	})
}

func says(paragraph string) item { return item{Paragraph: paragraph} }

func runs(command string) item { return item{Command: command} }

// compose fills a document with the wording of the notice's kind.
func compose(n Notice, w wording, c clock) document {
	d := document{
		Subject: cut(prefix(n)+drillMark(n)+w.subject(n, c), MaxSubject),
		Heading: drillMark(n) + w.heading(n),
		Lead:    w.lead(n, c),
		Facts:   facts(n, c),
	}
	if len(n.Missed) > 0 && n.Kind != Warning {
		d.Lead = append(d.Lead, "This was sent before and did not reach "+strings.Join(n.Missed, ", ")+". So it is sent to you.")
	}
	if n.Drill {
		d.Lead = append([]string{"This is a fire drill: the machine does not exist, the key is of no use to anybody, and there is nothing to do. Keyward makes sure every day that what it would do happens."}, d.Lead...)
	}
	if n.Header != "" {
		d.Lead = append([]string{n.Header}, d.Lead...)
	}
	if n.Text != "" {
		d.Lead = append(d.Lead, n.Text)
	}
	if w.findings {
		d.Findings, d.More = findings(n)
	}
	d.Sections = byLink(n)
	for _, s := range w.sections {
		if made := s(n, c); len(made.Items) > 0 {
			d.Sections = append(d.Sections, made)
		}
	}
	d.Footer = footer(n, c)
	return d
}

// prefix is what each subject begins with, so that mails of one policy are found together.
func prefix(n Notice) string {
	if n.Prefix == "" {
		return "[Keyward] "
	}
	return "[Keyward] " + n.Prefix + " "
}

func drillMark(n Notice) string {
	if n.Drill {
		return "DRILL: "
	}
	return ""
}

func facts(n Notice, c clock) []row {
	var rows []row
	add := func(label, value string) {
		if label != "" && value != "" {
			rows = append(rows, row{label, value})
		}
	}
	add("Machine", n.Machine)
	add("Name", n.Name)
	add("Owner", n.Owner)
	add("Zone", n.Zone)
	if n.Policy != "" && n.Version > 0 {
		add("Policy", n.Policy+", version "+strconv.Itoa(n.Version))
	} else {
		add("Policy", n.Policy)
	}
	add("Key request", n.Request)
	add("Waiver", n.Waiver)
	add("By", n.By)
	if !n.FoundAt.IsZero() {
		add(foundLabel(n), c.whole(n.FoundAt))
	}
	if !n.WarnedAt.IsZero() {
		add("Warned", c.whole(n.WarnedAt))
	}
	if !n.GoodAt.IsZero() {
		add("Last proven in order", c.whole(n.GoodAt)+" ("+ago(c.now.Sub(n.GoodAt))+")")
	}
	if !n.DoneAt.IsZero() {
		add(doneLabels[n.Kind], c.whole(n.DoneAt))
	}
	if !n.RevokedAt.IsZero() {
		add("Key revoked", c.whole(n.RevokedAt))
	}
	if !n.InForceAt.IsZero() {
		add("In force everywhere", c.whole(n.InForceAt))
	}
	if !n.EffectiveAt.IsZero() {
		add("Effective", c.whole(n.EffectiveAt)+", "+saidBy(n))
	}
	add("Step that failed", n.StepFailed)
	add("On the machine", n.OnMachine)
	if !n.DueAt.IsZero() && n.RevokedAt.IsZero() {
		add(dueLabel(n), c.whole(n.DueAt))
	}
	if first := until(n); !first.IsZero() && n.Kind != WaiverEnding {
		add("Waived until", c.whole(first))
	}
	return rows
}

// ago is how long something is ago, in the largest unit that fits.
func ago(d time.Duration) string {
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if n := int(d / unit.of); n > 1 {
			return strconv.Itoa(n) + " " + unit.name + "s ago"
		} else if n == 1 {
			return "1 " + unit.name + " ago"
		}
	}
	return "just now"
}

// doneLabels name Notice.DoneAt; kinds that are not here do not show it.
var doneLabels = map[Kind]string{
	StoodDown: "Complies again since", Restored: "Key given back", Held: "Held since", Withdrawn: "Grant withdrawn", Unconfirmed: "AWS KMS was asked",
	BreakerOpen: "Told at", RulesTripped: "Told at", RequestApproved: "Told at", RequestUnopposed: "Told at", RequestDenied: "Told at",
	RequestExpired: "Told at", RequestFailed: "Told at", RequestPending: "Told at",
}

func foundLabel(n Notice) string {
	switch {
	case n.Silence || n.Kind == CannotCheck:
		return "No usable answer since"
	case n.Kind == StoodDown || n.Kind == Restored || n.Kind == Withdrawn:
		return "Did not comply from"
	default:
		return "Does not comply since"
	}
}

func dueLabel(n Notice) string {
	switch n.Kind {
	case Warning, Reminder, CannotCheck, DueSoon, WaiverAsked:
		return "Key will be revoked"
	case Escalated:
		return "Deadline"
	case WaiverEnding, Waived:
		return "Waiver ends"
	case RequestPending, RequestApproved:
		return "It expires"
	}
	return "Deadline was"
}

func findings(n Notice) ([]finding, string) {
	var shown []finding
	for _, f := range n.Findings[:min(len(n.Findings), MaxFindings)] {
		rows := []row{{"Result", result(f)}}
		for _, r := range []row{{"Expected", f.Expected}, {"Found", f.Actual}, {"Culprit", f.Offender}, {"How to correct it", f.Fix}} {
			if r.Value != "" && (r.Label != "Culprit" || r.Value != f.Actual) {
				rows = append(rows, r)
			}
		}
		shown = append(shown, finding{Rule: f.Rule, Rows: rows})
	}
	if more := len(n.Findings) - len(shown); more > 0 {
		return shown, "There are " + strconv.Itoa(more) + " more findings. This shows all of them: keyward machine show " + argument(n)
	}
	return shown, ""
}

func result(f policy.Finding) string {
	switch {
	case f.Verdict == policy.Fail:
		return "does not comply"
	case f.Verdict == policy.Pass:
		return "complies"
	case f.Why != "":
		return "could not be checked: " + f.Why
	default:
		return "could not be checked"
	}
}

func footer(n Notice, c clock) []string {
	var lines []string
	if n.Repeated {
		lines = append(lines, "This may be a repeat of a mail that was sent before: sending it was interrupted. Reference and deadline are the same, and nothing else follows from it.")
	}
	if n.FooterText != "" {
		lines = append(lines, n.FooterText)
	}
	if n.Reference != "" {
		lines = append(lines, "Reference: "+n.Reference)
	}
	return append(lines, "Written by Keyward at "+c.both(c.now)+". Keyward never asks for a password, and "+footerOnLinks(n))
}
