package handler

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

type asked struct {
	Machines  []string
	Purpose   record.Purpose
	Execution string
}

func newHandler(w *fake.World) *Handler {
	return &Handler{Store: w.Store, Keys: w.Keys, Calendars: w.Calendars, Instances: w.Instances, Log: w.Log, Limits: fake.Limits, Send: func(context.Context, []string, policy.Needs, record.Purpose, string, time.Time) ([]record.Command, error) {
		return nil, fault.New(fault.Internal, "sending: nothing may be sent here")
	}}
}

// at is a world in which the machine is due and its key can be taken, with edits.
func at(edits ...func(*record.Machine)) *fake.World {
	w := fake.New()
	w.Store.Put(fake.Machine(append([]func(*record.Machine){fake.Bad}, edits...)...))
	w.Keys.Grant(context.Background(), fake.KeyARN, fake.ID, fake.Session, 0)
	w.Store.Change(fake.ID, func(m *record.Machine) { m.Grant = "grant-1" })
	w.Forget()
	return w
}

func look(t *testing.T, w *fake.World, send error) ([]asked, enforcement.Looked, error) {
	t.Helper()
	h := newHandler(w)
	var sends []asked
	h.Send = func(_ context.Context, ids []string, _ policy.Needs, p record.Purpose, execution string, _ time.Time) ([]record.Command, error) {
		sends = append(sends, asked{ids, p, execution})
		return []record.Command{{ID: fake.Command, Machines: ids}}, send
	}
	out, err := h.Handle(t.Context(), fake.Start, fake.Event[enforcement.Task](t, "recheck/look.json"))
	looked, _ := out.(enforcement.Looked)
	return sends, looked, err
}

func TestLook(t *testing.T) {
	t.Parallel()
	sends, got, err := look(t, at(), nil)
	if want := (enforcement.Looked{Outcome: "asked", CommandID: fake.Command, AskedAt: fake.Start}); err != nil || got != want {
		t.Errorf("look = %+v, %v, want %+v", got, err, want)
	}
	if want := []asked{{[]string{fake.ID}, record.Look, "i-1234567890abcdef0-2-enforce-1"}}; !cmp.Equal(sends, want) {
		t.Errorf("sent %+v, want %+v", sends, want)
	}
}

func TestLookAtNothing(t *testing.T) {
	t.Parallel()
	sends, got, err := look(t, at(func(m *record.Machine) { m.State.Generation = 3 }), nil)
	if err != nil || got.Outcome != "superseded" || len(sends) > 0 {
		t.Errorf("superseded: %+v, %v, sent %v", got, err, sends)
	}
	sends, got, err = look(t, at(func(m *record.Machine) { m.State.GoneAt = fake.Start }), nil)
	if err != nil || got.Outcome != "asked" || got.CommandID != "" || len(sends) > 0 {
		t.Errorf("gone: %+v, %v, sent %v, want nobody looked at", got, err, sends)
	}
}

func TestLookFails(t *testing.T) {
	t.Parallel()
	_, _, err := look(t, at(), fake.Down)
	fake.Kind(t, err, fault.Transient)
	w := at()
	w.Fail("store.Machine", fake.Down)
	sends, _, err := look(t, w, nil)
	fake.Kind(t, err, fault.Transient)
	if len(sends) > 0 {
		t.Errorf("sent %v, want nothing", sends)
	}
}

func TestRefusedTasks(t *testing.T) {
	t.Parallel()
	for _, task := range []enforcement.Task{{}, {Version: 2, Op: "look"}, {Version: 1}, {Version: 1, Op: "order"}} {
		w := at()
		_, err := newHandler(w).Handle(t.Context(), fake.Start, task)
		fake.Kind(t, err, fault.Invalid)
		w.Never(t, "store.", "kms.")
	}
}

func hold(t *testing.T, w *fake.World, edits ...func(*enforcement.State)) (enforcement.Decision, error) {
	t.Helper()
	task := fake.Event[enforcement.Task](t, "recheck/hold.json")
	for _, e := range edits {
		e(&task.Input)
	}
	out, err := newHandler(w).Handle(t.Context(), fake.Start, task)
	return out.(enforcement.Decision), err
}

func TestHold(t *testing.T) {
	t.Parallel()
	w := at(func(m *record.Machine) { m.Execution = "i-1234567890abcdef0-2-enforce-1" })
	got, err := hold(t, w)
	want := enforcement.Decision{Outcome: "hold", Reason: "held-machine", Text: guard.ReasonHeldMachine.Text()}
	if err != nil || got != want {
		t.Errorf("hold = %+v, %v, want %+v", got, err, want)
	}
	m := w.Store.ByID[fake.ID]
	if m.State.HeldFor != "held-machine" || !m.State.HeldSince.Equal(fake.Start) || m.ToldHeld != "2 held-machine" {
		t.Errorf("machine = %+v, want it held, and people told", m)
	}
	if !slices.Equal(w.Store.Kinds(), []record.EntryKind{record.EntryHeld}) {
		t.Errorf("ledger = %v", w.Store.Kinds())
	}
	// What the decision says beyond the reason is kept.
	more := at()
	said, err := hold(t, more, func(s *enforcement.State) {
		s.Decision = &enforcement.Decision{Outcome: "hold", Reason: "calendar-closed", Text: "a change calendar of the policy is closed: month-end"}
	})
	if err != nil || said.Text != "a change calendar of the policy is closed: month-end" || !strings.HasSuffix(more.Store.Entries[0].Text, ": month-end") {
		t.Errorf("hold = %+v, %v, ledger %+v, want the calendar named", said, err, more.Store.Entries)
	}
	// A repeated attempt writes nothing more.
	if _, err := hold(t, w); err != nil || len(w.Store.Changes) != 1 {
		t.Errorf("the second hold: %v, %d changes, want one", err, len(w.Store.Changes))
	}
}

func TestHoldReasons(t *testing.T) {
	t.Parallel()
	held := func(reason string) func(*enforcement.State) {
		return func(s *enforcement.State) { s.Decision = &enforcement.Decision{Outcome: "hold", Reason: reason} }
	}
	failed := func(kind string) func(*enforcement.State) {
		return func(s *enforcement.State) { s.Decision, s.Error = nil, &enforcement.Error{Error: kind} }
	}
	tests := []struct {
		name string
		edit func(*enforcement.State)
		want guard.Reason
	}{
		{"decided", held("no-answer"), guard.ReasonNoAnswer},
		{"nobody was warned", held("warning_not_accepted"), guard.ReasonNotWarned},
		{"no reason", held(""), guard.ReasonTaskFailed},
		{"a task failed after it was decided to revoke", func(s *enforcement.State) { s.Decision.Outcome = "revoke" }, guard.ReasonTaskFailed},
		{"nothing at all", func(s *enforcement.State) { s.Decision = nil }, guard.ReasonTaskFailed},
		{"not revoked", func(s *enforcement.State) { s.Confirmation = &enforcement.Confirmation{Outcome: "notRevoked"} }, guard.ReasonNotRevoked},
		{"unconfirmed", func(s *enforcement.State) { s.Confirmation = &enforcement.Confirmation{Outcome: "unconfirmed"} }, guard.ReasonUnconfirmed},
		{"the look was throttled", failed("Transient"), guard.ReasonBlind},
		{"the function did not run", failed("Lambda.Unknown"), guard.ReasonBlind},
		{"a later look was throttled", func(s *enforcement.State) {
			failed("Transient")(s)
			s.Decision = &enforcement.Decision{Outcome: "extended"}
		}, guard.ReasonBlind},
		{"the look was refused", failed("Denied"), guard.ReasonTaskFailed},
		{"a task failed after the order", func(s *enforcement.State) {
			failed("Transient")(s)
			s.Decision = &enforcement.Decision{Outcome: "revoke"}
		}, guard.ReasonTaskFailed},
		{"its turn did not come", func(s *enforcement.State) { s.Turn = &enforcement.Turn{Outcome: "held", Reason: "no-turn"} }, guard.ReasonNoTurn},
		{"it waited for its turn and a task failed", func(s *enforcement.State) { s.Turn, s.Decision = &enforcement.Turn{Outcome: "paced"}, nil }, guard.ReasonTaskFailed},
		{"restore held", func(s *enforcement.State) { s.Restored = &enforcement.Outcome{Reason: "key-changed"} }, guard.ReasonKeyChanged},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := hold(t, at(), tt.edit)
			if err != nil || got.Reason != string(tt.want) || got.Text != tt.want.Text() {
				t.Errorf("hold = %+v, %v, want %s", got, err, tt.want)
			}
		})
	}
}

func TestHoldKeepsTheCause(t *testing.T) {
	t.Parallel()
	w := at()
	long := make([]byte, 1000)
	for i := range long {
		long[i] = 'x'
	}
	if _, err := hold(t, w, func(s *enforcement.State) { s.Error = &enforcement.Error{Error: "Denied", Cause: string(long)} }); err != nil {
		t.Fatal(err)
	}
	if d := w.Store.Entries[0].Detail; len(d) != 300 || d[:8] != "Denied: " {
		t.Errorf("detail = %q, want the cause, cut", d)
	}
}

func TestHoldRaces(t *testing.T) {
	t.Parallel()
	w := at(func(m *record.Machine) { m.State.Generation = 3 })
	if got, err := hold(t, w); err != nil || got.Outcome != string(guard.Superseded) {
		t.Errorf("hold = %+v, %v, want superseded", got, err)
	}
	w.Never(t, "store.Apply")

	w = at()
	w.Before("store.Apply", func() { w.Store.Change(fake.ID, func(m *record.Machine) { m.State.Generation = 3 }) })
	if got, err := hold(t, w); err != nil || got.Outcome != string(guard.Superseded) || w.Store.ByID[fake.ID].State.HeldFor != "" {
		t.Errorf("corrected meanwhile: %+v, %v, want superseded", got, err)
	}

	w = at()
	for range 5 {
		w.Before("store.Apply", func() { w.Store.Change(fake.ID, func(*record.Machine) {}) })
	}
	_, err := hold(t, w)
	fake.Kind(t, err, fault.Transient)

	for _, call := range []string{"store.Machine", "store.Apply"} {
		w = at()
		w.Fail(call, fake.Down)
		_, err = hold(t, w)
		fake.Kind(t, err, fault.Transient)
	}
}

func TestHoldAsksForALookThatEvidenceEnds(t *testing.T) {
	t.Parallel()
	w := at()
	if _, err := hold(t, w, func(s *enforcement.State) { s.Decision.Reason = integrity.HeldNoAnswer }); err != nil {
		t.Fatal(err)
	}
	if w.Store.ByID[fake.ID].State.LookAt.IsZero() {
		t.Error("no look was asked for, and the schedule may be a week away")
	}
}
