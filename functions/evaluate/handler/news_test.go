package handler

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// changed is the transition of one look, and what it starts.
func changed(t *testing.T, m record.Machine, l look, purpose record.Purpose) (record.Machine, []record.Entry, []record.Start) {
	t.Helper()
	w := fake.New()
	c := fake.Sent(purpose, fake.Start, m.ID)
	c.Execution = "execution-1"
	p, err := w.Store.ByName["web-tier"].Compile()
	if err != nil {
		t.Fatal(err)
	}
	h := &Handler{Account: fake.Account, Region: fake.Region, Log: w.Log}
	ch, err := h.change(fake.Start, c, l, m, ruled{Policy: p}, evaluated(fake.Start, l, m, p), false)
	if err != nil {
		t.Fatal(err)
	}
	return ch.Machine, ch.Ledger, ch.Start
}

// An alarm is made of the line, once for each difference; what the tags say is in no line.
func TestTagDriftIsLogged(t *testing.T) {
	t.Parallel()
	w := asked(record.Scheduled, fake.Answer(fake.Nonce, fake.NewKernel), func(m *record.Machine) { m.Tags = map[string]string{"keyward:key": "alias/web"} })
	w.Instances.Tags = map[string]string{"keyward:key": "alias/other"}
	for n := range 2 {
		c := fake.Sent(record.Scheduled, fake.Start.Add(time.Duration(n-10)*time.Second), fake.ID)
		c.ID = fmt.Sprint("command ", n)
		w.Store.Sends[c.ID] = c
		if _, err := newHandler(w).Handle(t.Context(), fake.Start, Event{Commands: []string{c.ID}}); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(w.Logged(), `msg="tags were changed"`); n != 1 || strings.Contains(w.Logged(), "alias/other") {
		t.Errorf("%d lines, want one without the tags' words:\n%s", n, w.Logged())
	}
}

func TestTagDrift(t *testing.T) {
	t.Parallel()
	enrolled := fake.Machine(func(m *record.Machine) { m.Tags = map[string]string{"keyward:key": "alias/web"} })
	silent := look{machine: fake.ID, ended: true, why: "no_answer", presence: integrity.Running}

	l := silent
	l.tags = map[string]string{"keyward:key": "alias/other"}
	want := []string{`keyward:key was "alias/web", is "alias/other"`}
	m, ledger, starts := changed(t, enrolled, l, record.Scheduled)
	if diff := cmp.Diff(want, m.Drift); diff != "" || m.Key.ARN != fake.KeyARN {
		t.Errorf("key %s, drift (-want +got):\n%s", m.Key.ARN, diff)
	}
	if len(ledger) == 0 || ledger[0].Kind != record.EntryAlarm || !strings.Contains(ledger[0].Text, want[0]) {
		t.Errorf("ledger = %+v", ledger)
	}
	if len(starts) == 0 || !strings.Contains(starts[0].Name, "-tell-tagDrift-") || !strings.Contains(string(starts[0].Input), "alias/other") {
		t.Errorf("starts = %+v, want the alarm", starts)
	}

	drifted := enrolled
	drifted.Drift = want
	if _, ledger, starts := changed(t, drifted, l, record.Scheduled); told(ledger, starts) {
		t.Errorf("the same again: %+v, %+v, want it told once", ledger, starts)
	}
	if m, ledger, starts := changed(t, drifted, silent, record.Scheduled); len(m.Drift) != 1 || told(ledger, starts) {
		t.Errorf("tags that are not known: %v, %+v, want what was known", m.Drift, ledger)
	}
	l.tags = map[string]string{"keyward:key": "alias/web"}
	m, ledger, starts = changed(t, drifted, l, record.Scheduled)
	if len(m.Drift) > 0 || len(ledger) == 0 || ledger[0].Kind != record.EntryAlarm || told(nil, starts) {
		t.Errorf("as they were: %v, %+v, %+v, want it noted and not told", m.Drift, ledger, starts)
	}
}

func told(ledger []record.Entry, starts []record.Start) bool {
	for _, e := range ledger {
		if e.Kind == record.EntryAlarm {
			return true
		}
	}
	for _, s := range starts {
		if strings.Contains(s.Name, "-tell-tagDrift-") {
			return true
		}
	}
	return false
}

// failing and passing are looks at a machine with evidence.
func evident(t *testing.T, kernel string) look {
	t.Helper()
	w := fake.New()
	w.SSM.Say(fake.ID, fake.Answer(fake.Nonce, kernel))
	h := &Handler{Answers: w.SSM, Log: w.Log}
	l, err := h.read(t.Context(), fake.Start, fake.Sent(record.Check, fake.Start, fake.ID), fake.ID, w.SSM.Answers[0])
	if err != nil || l.evidence == nil {
		t.Fatalf("read = %+v, %v", l, err)
	}
	l.presence = integrity.Running
	return l
}

// A person asked for the key, and before the restore was done an inspection failed: it is said who is not obeyed.
func TestARestoreThatIsOvertaken(t *testing.T) {
	t.Parallel()
	const person = "arn:aws:iam::123456789012:user/alice"
	asked := fake.Machine(fake.Corrected, func(m *record.Machine) {
		m.RestoreBy, m.State.LastEvidence = person, fake.Start.Add(-1)
	})
	m, ledger, starts := changed(t, asked, evident(t, fake.OldKernel), record.Check)
	if m.RestoreBy != "" || m.State.Key != integrity.KeyRevoking || !m.State.CorrectedAt.IsZero() {
		t.Errorf("machine = %+v, want the wish ended", m)
	}
	if len(ledger) == 0 || ledger[len(ledger)-1].Kind != record.EntryAlarm || !strings.HasPrefix(ledger[len(ledger)-1].Text, "not given back: what "+person+" asked for") {
		t.Errorf("ledger = %+v", ledger)
	}
	if len(starts) != 1 || !strings.Contains(starts[0].Name, "-tell-restoreDropped-") {
		t.Errorf("starts = %+v, want it told", starts)
	}
	asked.RestoreBy = ""
	if _, _, starts := changed(t, asked, evident(t, fake.OldKernel), record.Check); len(starts) > 0 {
		t.Errorf("a restore that nobody asked for: %+v", starts)
	}
	asked.RestoreBy = person
	if m, _, starts := changed(t, asked, evident(t, fake.NewKernel), record.Check); len(starts) > 0 || m.RestoreBy != person {
		t.Errorf("a machine that passes: %+v, %+v", m.RestoreBy, starts)
	}
}

// The execution that asked twice for a look finds by its name that one of them ended the violation.
func TestWhoTellsOfAStandDown(t *testing.T) {
	t.Parallel()
	m, _, starts := changed(t, fake.Machine(fake.Bad), evident(t, fake.NewKernel), record.Look)
	if m.StoodDown != "execution-1" || len(starts) > 0 {
		t.Errorf("stood down by %q, starts %+v, want the execution to tell", m.StoodDown, starts)
	}
	m, _, starts = changed(t, fake.Machine(fake.Bad), evident(t, fake.NewKernel), record.Check)
	if m.StoodDown != "" || len(starts) != 1 || !strings.Contains(starts[0].Name, "-"+string(enforcement.Tell)+"-stoodDown-") {
		t.Errorf("stood down by %q, starts %+v, want it told from here", m.StoodDown, starts)
	}
}
