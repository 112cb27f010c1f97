package simulate

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/delivery"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/simulate/world"
)

// deadlines is how a mail names an instant: docs of shared/notice.
var deadlines = regexp.MustCompile(`will be revoked at \w+ (\d{1,2} \w+ \d{4}, \d\d:\d\d:\d\d) UTC`)

// Mailed is world.Watch's.
func (f *fleet) Mailed(m world.Sent, by *world.Invocation) {
	execution, kind := m.Tags[delivery.TagExecution], m.Tags[delivery.TagNotice] // the next ones get a warning under the first one's reference
	s := f.byID[machineOf(execution)]
	if s == nil {
		return
	}
	if len(m.Files) > 0 {
		f.mailedAll(s, m, by, kind)
		return
	}
	f.measured.mails[kind]++
	f.told(s, m, by, kind, execution+"/"+kind, promised(m.Text))
}

// mailedAll is a mail that warns of many machines: its file names them.
func (f *fleet) mailedAll(first *subject, m world.Sent, by *world.Invocation, kind string) {
	f.measured.mails[kind+" of many"]++
	rows, err := csv.NewReader(bytes.NewReader(m.Files[0].Body)).ReadAll()
	if err != nil || kind != string(notice.Warning) {
		f.violate(first, promiseShort, fmt.Sprintf("a mail of kind %s with a file that cannot be read: %v", kind, err))
		return
	}
	at := map[string]int{}
	for i, name := range rows[0] {
		at[name] = i
	}
	text := strings.Join(strings.Fields(m.Text), " ")
	for _, row := range rows[1:] {
		s := f.byID[row[at["machine"]]]
		if s == nil || !strings.Contains(text, row[at["machine"]]) || len(s.warnings) == 0 {
			f.violate(first, promiseShort, "a mail of many names a machine only in its file, or one that nobody warned: "+row[at["machine"]])
			continue
		}
		due, _ := time.Parse(time.RFC3339, row[at["dueAt"]])
		silence := row[at["silence"]] == "true"
		f.told(s, m, by, kind, s.warnings[len(s.warnings)-1], promise{due, silence, row[at["oldDueAt"]] != "" && !silence})
	}
}

// told is one machine of a mail.
func (f *fleet) told(s *subject, m world.Sent, by *world.Invocation, kind, reference string, p promise) {
	f.note(s, "mail", kind, m.Subject)
	delete(s.owed, kind)
	earlier := s.sent[reference]
	due := time.Time{}
	if kind == string(notice.Warning) {
		due = f.warned(s, m, reference, earlier, p)
	}
	if kind == string(notice.Escalated) {
		f.climbed(s, m, reference)
	}
	if earlier.times > 0 {
		if seq := f.recorded[reference].accepted; seq > 0 && seq < by.Saw {
			f.violate(s, mailTwice, reference+" was recorded as accepted")
		}
		if !due.Equal(earlier.deadline) {
			f.violate(s, mailChanged, fmt.Sprintf("%s named %s before and %s now", reference, brief(earlier.deadline), brief(due)))
		}
		f.measured.repeats++
	}
	if s.sent == nil {
		s.sent = map[string]told{}
	}
	s.sent[reference] = told{times: earlier.times + 1, deadline: due}
}

// promise is what a warning says of one machine.
type promise struct {
	due              time.Time // zero: it names no deadline
	silence, relapse bool
}

// promised reads the text of a mail about one machine.
func promised(text string) promise {
	text = strings.Join(strings.Fields(text), " ")
	p := promise{silence: strings.Contains(text, "gave no answer"), relapse: strings.Contains(text, "It complied for a while")}
	if found := deadlines.FindStringSubmatch(text); found != nil {
		p.due, _ = time.Parse("2 January 2006, 15:04:05", found[1])
	}
	return p
}

// machineOf is the machine in the name of an execution.
func machineOf(execution string) string {
	parts := strings.SplitN(execution, "-", 3)
	if len(parts) < 3 {
		return ""
	}
	return parts[0] + "-" + parts[1]
}

// warned holds what a warning promises, as who gets it reads it.
func (f *fleet) warned(s *subject, m world.Sent, reference string, earlier told, p promise) time.Time {
	due, silence := p.due, p.silence
	if due.IsZero() {
		f.violate(s, promiseShort, "it names no deadline: "+m.Text)
		return time.Time{}
	}
	grace := s.kind.terms.Grace
	if p.relapse && f.Now().Sub(s.judgedGood) <= integrity.RelapseWindow {
		grace = integrity.RelapseFloor
	}
	// A function knows no time but its start, and a repeat of what may have been sent keeps the first one's.
	if begun := f.recorded[reference].begun; due.Sub(begun) < grace {
		f.violate(s, promiseShort, fmt.Sprintf("%s is less than %s from %s", brief(due), grace, brief(begun)))
	}
	if after := s.kind.terms.SilenceAfter; silence && !s.known.sent.IsZero() && f.Now().Sub(s.known.sent) < after {
		f.violate(s, tooSoon, fmt.Sprintf("it was judged at %s, and the policy waits for %s", brief(s.known.sent), after))
	}
	if earlier.times == 0 {
		f.measured.since("verdict to mail", s.turnedBad, f.Now())
		s.turnedBad = time.Time{}
	}
	s.warnedAt, s.promised, s.silence = f.Now(), due, silence
	return due
}

// owe notes that people have to be told.
func (s *subject) owe(k notice.Kind, at time.Time) {
	if s.owed == nil {
		s.owed = map[string]time.Time{}
	}
	s.owed[string(k)] = at
}

// Noted is world.Watch's.
func (f *fleet) Noted(n record.Notice, seq int64) {
	r := f.recorded[n.Reference]
	if r.begun.IsZero() {
		r.begun = f.Now()
		if by := f.Current(); by != nil {
			r.begun = by.Started
		}
	}
	if !n.AcceptedAt.IsZero() {
		r.accepted = seq
	}
	if r.back == 0 && cameBack(n) {
		r.back = seq
	}
	f.recorded[n.Reference] = r
	if s := f.byID[n.Machine]; s != nil && n.Kind == string(notice.Warning) && !slices.Contains(s.warnings, n.Reference) {
		s.warnings = append(s.warnings, n.Reference)
	}
}
