package handler

import (
	"strings"
	"testing"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

const orderedBy = "arn:aws:iam::123456789012:user/alice"

// commanded is a machine in order whose key a person ordered to be taken.
func commanded(m *record.Machine) {
	m.State.Standing, m.State.LastVerdict, m.State.Generation, m.State.CommandedAt = integrity.Good, "Pass", 2, fake.Start
	m.Order = &record.Order{At: fake.Start, By: orderedBy, Reason: "stolen"}
}

// ordered is the task of an execution that carries an order out: nobody was looked at.
func ordered(t *testing.T, op string) enforcement.Task {
	t.Helper()
	task := fake.Event[enforcement.Task](t, "recheck/decide.json")
	task.Op, task.Input.Kind, task.Input.Look = op, enforcement.Look, &enforcement.Looked{Outcome: "asked", AskedAt: fake.Start}
	return task
}

func world(edits ...func(*record.Machine)) *fake.World {
	w := fake.New()
	w.Store.Put(fake.Machine(append([]func(*record.Machine){commanded}, edits...)...))
	return w
}

func TestAPersonsOrderIsReserved(t *testing.T) {
	t.Parallel()
	w := world()
	out, err := newHandler(w).Handle(t.Context(), fake.Start, ordered(t, "look"))
	if l := out.(enforcement.Looked); err != nil || l.Outcome != "asked" || l.CommandID != "" {
		t.Errorf("look = %+v, %v, want nobody asked", l, err)
	}
	w.Never(t, "ssm.", "store.Apply")
	out, err = newHandler(w).Handle(t.Context(), fake.Start, ordered(t, "decide"))
	if d := out.(enforcement.Decision); err != nil || d.Outcome != string(guard.Revoke) || d.Reason != string(guard.ReasonCommanded) {
		t.Fatalf("decide = %+v, %v", d, err)
	}
	m := w.Store.ByID[fake.ID]
	if m.State.Key != integrity.KeyRevoking || m.Taken == nil {
		t.Errorf("machine = %+v, want it reserved", m.State)
	}
	e := w.Store.Changes[0].Ledger[0]
	if e.Kind != record.EntryIntent || e.By != orderedBy || !strings.Contains(e.Text, "ordered by a person, whatever its verdict: stolen") {
		t.Errorf("intent = %+v, want who and why", e)
	}
	if w.Store.Changes[0].Breaker == nil || len(w.Store.Changes[0].NotHeld) == 0 {
		t.Errorf("change = %+v, want the breaker and the holds asked", w.Store.Changes[0])
	}
}

// Something speaks against it: it comes to nothing, and the machine is as it was.
func TestAPersonsOrderComesToNothing(t *testing.T) {
	t.Parallel()
	w := world()
	w.Store.Held["global"] = record.Hold{Scope: "global", Reason: "x"}
	task := ordered(t, "decide")
	out, err := newHandler(w).Handle(t.Context(), fake.Start, task)
	d := out.(enforcement.Decision)
	if err != nil || d.Outcome != string(guard.Hold) || d.Reason != string(guard.ReasonHeldGlobal) || len(w.Store.Changes) > 0 {
		t.Fatalf("decide = %+v, %v", d, err)
	}
	task = ordered(t, "hold")
	task.Input.Decision = &d
	w.Before("store.Apply", func() { w.Store.Change(fake.ID, func(m *record.Machine) { m.Version++ }) })
	out, err = newHandler(w).Handle(t.Context(), fake.Start, task)
	m := w.Store.ByID[fake.ID]
	if d := out.(enforcement.Decision); err != nil || d.Outcome != said || !m.State.CommandedAt.IsZero() || m.State.HeldFor != "" || m.State.Key != integrity.KeyReleased {
		t.Errorf("hold = %+v, %v, machine %+v", d, err, m.State)
	}
	if e := w.Store.Entries; len(e) != 1 || e[0].Kind != record.EntryFailed || !strings.Contains(e[0].Text, "came to nothing: "+guard.ReasonHeldGlobal.Text()) {
		t.Errorf("ledger = %+v", e)
	}
	if told := w.Store.Waiting; len(told) != 1 || !strings.Contains(told[0].Name, "-tell-orderFailed-") || !strings.Contains(string(told[0].Input), orderedBy) || !strings.Contains(string(told[0].Input), d.Text) {
		t.Errorf("told = %+v, want who ordered it and why it came to nothing", told)
	}
	w = world()
	w.Fail("store.Apply", fake.Down)
	_, err = newHandler(w).Handle(t.Context(), fake.Start, task)
	fake.Kind(t, err, fault.Transient)
	// Once KMS may have been asked it stands, and is held as ever.
	w = world(func(m *record.Machine) { m.State.Key = integrity.KeyRevoking })
	if _, err := newHandler(w).Handle(t.Context(), fake.Start, task); err != nil || w.Store.ByID[fake.ID].State.CommandedAt.IsZero() {
		t.Errorf("asked of KMS already: %v, %+v", err, w.Store.ByID[fake.ID].State)
	}
}
