package handler

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// newHandler sweeps a world in which KMS lists the grants that machines hold, unless a test says what it lists.
func newHandler(w *fake.World) *Handler {
	if _, said := w.Keys.Listed[fake.KeyARN]; !said {
		for _, m := range w.Store.ByID {
			if m.Grant != "" {
				w.Keys.Listed[m.Key.ARN] = append(w.Keys.Listed[m.Key.ARN], kmskey.Grant{ID: m.Grant, Name: kmskey.GrantName(m.ID, m.GrantedFor), Grantee: m.SessionARN})
			}
		}
	}
	return &Handler{
		Store: w.Store, Flow: w.Flow, Keys: w.Keys, Calendars: w.Calendars, Inspect: w.Inspect, Evaluate: w.Evaluate, Drill: w.Drill,
		Account: fake.Account, Region: fake.Region, Limits: fake.Limits, Log: w.Log,
	}
}

func sweepAt(t *testing.T, w *fake.World, now time.Time) Summary {
	t.Helper()
	got, err := newHandler(w).Handle(t.Context(), now, fake.Event[Event](t, "sweep/scheduled.json"))
	if err != nil {
		t.Fatalf("handle: %v", err)
	}
	return got
}

func run(t *testing.T, w *fake.World) Summary {
	t.Helper()
	return sweepAt(t, w, fake.Start)
}

func with(edits ...func(*record.Machine)) *fake.World {
	w := fake.New()
	w.Store.Put(fake.Machine(edits...))
	return w
}

func lookDue(m *record.Machine) { m.State.LookAt = fake.Start }

func text(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

func TestQuietSweep(t *testing.T) {
	t.Parallel()
	w := fake.New()
	if got, want := run(t, w), (Summary{Machines: 1}); got != want {
		t.Errorf("Summary = %+v, want %+v", got, want)
	}
	if !strings.Contains(w.Logged(), "msg=swept") {
		t.Errorf("log = %q: the absence of this line is alarmed on", w.Logged())
	}
	w.Never(t, "inspect.", "evaluate.", "states.", "store.Apply", "kms.DisableKey", "kms.RevokeGrant", "kms.Grant keyward", "kms.EnableKey")
}

func TestOverdueCommandsAreSettled(t *testing.T) {
	t.Parallel()
	w := fake.New()
	for i := range 45 {
		c := fake.Sent(record.Scheduled, fake.Start.Add(-3*time.Minute), fake.ID)
		c.ID = fmt.Sprintf("command-%02d", i)
		w.Store.Sends[c.ID] = c
	}
	running := fake.Sent(record.Scheduled, fake.Start.Add(-3*time.Minute+time.Millisecond), fake.ID)
	w.Store.Sends[running.ID] = running
	got := run(t, w)
	if got.Settled != 45 || len(w.Evaluate.Events) != 3 {
		t.Errorf("%+v in %d events, want 45 in 3", got, len(w.Evaluate.Events))
	}
	if want := text(inspection.Settle{Version: 1, Commands: []string{"command-40", "command-41", "command-42", "command-43", "command-44"}}); w.Evaluate.Events[2] != want {
		t.Errorf("the last event = %s, want %s", w.Evaluate.Events[2], want)
	}
	for _, e := range w.Evaluate.Events {
		if strings.Contains(e, running.ID) {
			t.Errorf("%s asks for a command that runs", e)
		}
	}

	w.Fail("evaluate.Invoke", fake.Down)
	got, err := newHandler(w).Handle(t.Context(), fake.Start, Event{})
	fake.Kind(t, err, fault.Transient)
	if got.Settled != 25 {
		t.Errorf("%+v, want the other batches settled", got)
	}
}

func TestLooks(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	tests := []struct {
		name string
		edit func(*record.Machine)
		now  time.Time
		want bool
	}{
		{"a look is due", lookDue, fake.Start, true},
		{"a look is to come", func(m *record.Machine) { m.State.LookAt = fake.Start.Add(time.Second) }, fake.Start, false},
		{"the schedule forgot it", func(*record.Machine) {}, fake.Start.Add(20 * time.Hour), true},
		{"the schedule may still come", func(*record.Machine) {}, fake.Start.Add(20*time.Hour - time.Second), false},
		{"never looked at", func(m *record.Machine) { m.State, m.EnrolledAt = integrity.State{}, fake.Start.Add(-26*time.Hour) }, fake.Start, true},
		{"just enrolled", func(m *record.Machine) { m.State, m.EnrolledAt = integrity.State{}, fake.Start }, fake.Start, false},
		{"a policy that does not compile", func(m *record.Machine) { m.Policy, m.State.LookAt = "broken", fake.Start }, fake.Start, true},
		{"weekly", func(m *record.Machine) { m.Policy = "weekly" }, fake.Start.Add(7 * day), false},
		{"weekly and forgotten", func(m *record.Machine) { m.Policy = "weekly" }, fake.Start.Add(8 * day), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := with(tt.edit)
			w.Store.PutPolicyText("policy: broken\nrules: no list\n")
			w.Store.PutPolicyText(fake.Policy("web-tier", "weekly", `{daily: "04:30", timeZone`, `{weekly: {on: monday, at: "04:30"}, timeZone`))
			got := sweepAt(t, w, tt.now)
			var want []string
			if tt.want {
				want = []string{text(inspection.Request{Version: 1, Purpose: record.Retry, Machines: []string{fake.ID}})}
			}
			if diff := cmp.Diff(want, w.Inspect.Events); diff != "" || got.Asked != len(want) {
				t.Errorf("asked %d (-want +got):\n%s", got.Asked, diff)
			}
		})
	}
}

func TestALookIsAskedForOnce(t *testing.T) {
	t.Parallel()
	w := with(lookDue)
	run(t, w)
	if got := run(t, w); got.Asked != 0 || len(w.Inspect.Events) != 1 {
		t.Errorf("the second sweep asked again: %+v, %v", got, w.Inspect.Events)
	}
	// While a command to it is open nothing is asked.
	w = with(lookDue)
	c := fake.Sent(record.Scheduled, fake.Start, fake.ID)
	w.Store.Sends[c.ID] = c
	if got := run(t, w); got.Asked != 0 {
		t.Errorf("%+v, want to wait for the answer that is due", got)
	}
	// It was changed since it was listed: the next sweep sees it as it is.
	w = with(lookDue)
	w.Before("store.Apply", func() { w.Store.Change(fake.ID, func(m *record.Machine) { m.State.LookAt = time.Time{} }) })
	if got := run(t, w); got.Asked != 0 {
		t.Errorf("%+v, want nothing asked", got)
	}
}

// Many are asked for by the batch, so that what goes wrong with one batch keeps no other from being looked at.
func TestManyLooksAreAskedForInBatches(t *testing.T) {
	t.Parallel()
	w := with(lookDue)
	for n := range 119 {
		w.Store.Put(fake.Machine(lookDue, func(m *record.Machine) { m.ID = fmt.Sprintf("i-%017x", n) }))
	}
	w.Fail("inspect.Invoke", nil, fake.Down)
	got, err := newHandler(w).Handle(t.Context(), fake.Start, Event{})
	fake.Kind(t, err, fault.Transient)
	if got.Asked != 120 || len(w.Inspect.Events) != 2 {
		t.Fatalf("%+v with %d events that arrived, want 120 machines asked, and two events of three to arrive", got, len(w.Inspect.Events))
	}
	for i, want := range []int{inspection.BatchSize, 20} {
		var r inspection.Request
		if err := json.Unmarshal([]byte(w.Inspect.Events[i]), &r); err != nil || len(r.Machines) != want {
			t.Errorf("event %d asks %d machines, %v, want %d", i, len(r.Machines), err, want)
		}
	}
}

// One machine that cannot be written keeps no other from being looked at.
func TestOneMachinesTroubleIsItsOwn(t *testing.T) {
	t.Parallel()
	w := with(lookDue)
	w.Store.Put(fake.Machine(lookDue, func(m *record.Machine) { m.ID = fake.Other }))
	w.Fail("store.Apply", nil, fake.Down)
	got, err := newHandler(w).Handle(t.Context(), fake.Start, Event{})
	fake.Kind(t, err, fault.Transient)
	if got.Asked != 1 || len(w.Inspect.Events) != 1 || !strings.Contains(w.Inspect.Events[0], fake.Other) {
		t.Errorf("%+v, %v: the look that was noted has to be asked for", got, w.Inspect.Events)
	}
}

func TestOutbox(t *testing.T) {
	t.Parallel()
	start := func(name string) record.Start {
		return record.Start{Name: name, Machine: fake.ID, Input: json.RawMessage(`{"version":1}`), At: fake.Start}
	}
	w := fake.New()
	w.Store.Waiting = []record.Start{start("new"), start("runs"), start("ended")}
	w.Flow.Executions = map[string]string{"runs": "RUNNING", "ended": "SUCCEEDED"}
	w.Flow.Inputs["runs"] = json.RawMessage(`{"version":1}`)
	got := run(t, w)
	if got.Started != 2 || len(w.Store.Waiting) != 0 || w.Flow.Executions["new"] != "RUNNING" {
		t.Errorf("%+v, outbox %v, executions %v, want it empty", got, w.Store.Waiting, w.Flow.Executions)
	}

	// What cannot be started now stays, and the others go.
	w = fake.New()
	w.Store.Waiting = []record.Start{start("one"), start("two")}
	w.Fail("states.Start", fake.Down)
	got, err := newHandler(w).Handle(t.Context(), fake.Start, Event{})
	fake.Kind(t, err, fault.Transient)
	if got.Started != 1 || len(w.Store.Waiting) != 1 || w.Store.Waiting[0].Name != "one" {
		t.Errorf("%+v, outbox %v, want the first to stay", got, w.Store.Waiting)
	}
	w.Fail("store.Outbox", fake.Down)
	_, err = newHandler(w).Handle(t.Context(), fake.Start, Event{})
	fake.Kind(t, err, fault.Transient)
}

// A part that fails keeps none of the others from being done.
func TestPartsThatFail(t *testing.T) {
	t.Parallel()
	busy := func() *fake.World {
		w := with(fake.Bad, lookDue)
		c := fake.Sent(record.Scheduled, fake.Start.Add(-time.Hour), fake.Other)
		w.Store.Sends[c.ID] = c
		w.Store.Waiting = []record.Start{{Name: "new", Machine: fake.ID, Input: json.RawMessage(`{}`)}}
		return w
	}
	all := []string{"evaluate.Invoke", "inspect.Invoke", "states.Start new", "states.Start i-1234567890abcdef0-2-look-1"}
	for _, failing := range []string{"evaluate.Invoke", "inspect.Invoke", "store.Outbox", "store.Machine"} {
		w := busy()
		w.Fail(failing, fake.Down)
		_, err := newHandler(w).Handle(t.Context(), fake.Start, Event{})
		fake.Kind(t, err, fault.Transient)
		made := 0
		for _, call := range all {
			made += len(w.Made(call))
		}
		if want := map[string]int{"evaluate.Invoke": 4, "inspect.Invoke": 4, "store.Outbox": 3, "store.Machine": 3}[failing]; made != want {
			t.Errorf("%s fails: %d of the calls %v were made, want %d", failing, made, all, want)
		}
	}
	for _, failing := range []string{"store.Machines", "store.OpenCommands", "store.Policies"} {
		w := busy()
		w.Fail(failing, fake.Down)
		_, err := newHandler(w).Handle(t.Context(), fake.Start, Event{})
		fake.Kind(t, err, fault.Transient)
		w.Never(t, "evaluate.", "inspect.", "states.")
	}
}

func TestMachinesInTheSummary(t *testing.T) {
	t.Parallel()
	w := fake.New()
	clear(w.Store.ByID)
	if got := run(t, w); got != (Summary{}) {
		t.Errorf("an empty account: %+v", got)
	}
	w.Never(t, "inspect.", "states.", "evaluate.")
	if got := w.Made("store."); !slices.Contains(got, "store.Outbox") {
		t.Errorf("calls = %v, want the outbox read", got)
	}
}
