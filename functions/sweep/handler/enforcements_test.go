package handler

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

func unwarned(m *record.Machine) { m.State.WarnedAt, m.State.DueAt = time.Time{}, time.Time{} }

func held(reason string) func(*record.Machine) {
	return func(m *record.Machine) { m.State.HeldFor, m.State.HeldSince = reason, fake.Start.Add(-time.Minute) }
}

func ordered(m *record.Machine) { m.State.CommandedAt = fake.Start }

func TestWhatIsOwedIsStarted(t *testing.T) {
	t.Parallel()
	gone := func(m *record.Machine) { m.State.GoneAt, m.State.Generation = fake.Start, 4 }
	tests := []struct {
		name  string
		edits []func(*record.Machine)
		want  string // "" for nothing
	}{
		{"good", nil, ""},
		{"bad and never warned", []func(*record.Machine){fake.Bad, unwarned}, "i-1234567890abcdef0-2-enforce-1"},
		{"bad and warned", []func(*record.Machine){fake.Bad}, "i-1234567890abcdef0-2-look-1"},
		{"an intent that nobody carries out", []func(*record.Machine){fake.Revoking}, "i-1234567890abcdef0-2-look-1"},
		{"revoked and still bad", []func(*record.Machine){fake.Revoked}, ""},
		{"revoked and put right", []func(*record.Machine){fake.Corrected}, "i-1234567890abcdef0-3-restore-1"},
		{"gone", []func(*record.Machine){gone}, "i-1234567890abcdef0-4-look-1"},
		{"gone and withdrawn", []func(*record.Machine){gone, func(m *record.Machine) { m.State.Key = integrity.KeyWithdrawn }}, ""},
		{"in order, and a person ordered its key taken", []func(*record.Machine){ordered}, "i-1234567890abcdef0-1-look-1"},
		{"held by a person", []func(*record.Machine){fake.Bad, held("policy-hold")}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := with(tt.edits...)
			got := run(t, w)
			if tt.want == "" {
				w.Never(t, "states.Start", "store.Apply")
				return
			}
			w.Times(t, "states.Start "+tt.want, 1)
			m := w.Store.ByID[fake.ID]
			if got.Started != 1 || m.Execution != tt.want || len(w.Store.Waiting) != 0 {
				t.Errorf("%+v, machine's execution %q, outbox %v", got, m.Execution, w.Store.Waiting)
			}
			var in enforcement.Input
			if err := json.Unmarshal(w.Flow.Inputs[tt.want], &in); err != nil || in.Generation != m.State.Generation || in.Account != fake.Account || in.Policy != "web-tier" {
				t.Errorf("input = %+v, %v", in, err)
			}
			if in.Kind == enforcement.Look != !in.DueAt.IsZero() && m.State.GoneAt.IsZero() && m.State.CommandedAt.IsZero() {
				t.Errorf("input = %+v: a look alone knows its deadline", in)
			}
			// The next sweep finds it alive.
			if again := run(t, w); again.Started != 0 {
				t.Errorf("the second sweep started another: %+v", again)
			}
		})
	}
}

func TestLiveExecutionsAreLeftAlone(t *testing.T) {
	t.Parallel()
	for name, execution := range map[string]string{
		"the machine's own":  "i-1234567890abcdef0-2-enforce-1",
		"one of a new look":  "i-1234567890abcdef0-2-look-1",
		"a later look of it": "i-1234567890abcdef0-2-look-2",
	} {
		w := with(fake.Bad)
		w.Flow.Executions[execution] = "RUNNING"
		if strings.HasSuffix(execution, "look-2") {
			w.Flow.Executions["i-1234567890abcdef0-2-look-1"] = "FAILED"
		}
		if strings.Contains(execution, "enforce") {
			w.Store.Change(fake.ID, func(m *record.Machine) { m.Execution = execution })
		}
		if got := run(t, w); got.Started != 0 {
			t.Errorf("%s: %+v, want it left alone", name, got)
		}
		w.Never(t, "states.Start", "store.Apply")
	}
}

func TestTheNextAttempt(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"FAILED", "TIMED_OUT", "ABORTED", "SUCCEEDED"} {
		w := with(fake.Bad, func(m *record.Machine) { m.Execution = "i-1234567890abcdef0-2-look-2" })
		w.Flow.Executions["i-1234567890abcdef0-2-look-1"], w.Flow.Executions["i-1234567890abcdef0-2-look-2"] = "FAILED", status
		run(t, w)
		w.Times(t, "states.Start i-1234567890abcdef0-2-look-3", 1)
	}
	// An execution whose name was never used does not keep the next from starting.
	w := with(fake.Bad, func(m *record.Machine) { m.Execution = "i-1234567890abcdef0-2-enforce-1" })
	run(t, w)
	w.Times(t, "states.Start i-1234567890abcdef0-2-look-1", 1)
}

func TestHoldsAreLifted(t *testing.T) {
	t.Parallel()
	person := record.Hold{Scope: "global"}
	calendar := func(c guard.Calendar) func(*fake.World) {
		return func(w *fake.World) {
			w.Store.PutPolicyText(fake.Policy("grace: 4h", "grace: 4h\n  calendar: [month-end]"))
			w.Calendars.Named["month-end"] = c
		}
	}
	tests := []struct {
		name   string
		edits  []func(*record.Machine)
		make   func(*fake.World)
		lifted bool
		start  string
	}{
		{"a person's hold was lifted", []func(*record.Machine){fake.Bad, held("held-global")}, func(*fake.World) {}, true, "i-1234567890abcdef0-2-look-1"},
		{"it still stands", []func(*record.Machine){fake.Bad, held("held-global")}, func(w *fake.World) { w.Store.Held["global"] = person }, false, ""},
		{"it cannot be read", []func(*record.Machine){fake.Bad, held("held-global")}, func(w *fake.World) { w.Always("store.HoldsOn", fake.Down) }, false, ""},
		{"the key is guarded again", []func(*record.Machine){fake.Bad, held("not-guarded")}, func(*fake.World) {}, true, "i-1234567890abcdef0-2-look-1"},
		{"the key is still not", []func(*record.Machine){fake.Bad, held("not-guarded")}, func(w *fake.World) {
			w.Keys.Set(fake.KeyARN, func(k *kmskey.Key) { k.Guarded = false })
		}, false, ""},
		{"the key cannot be read", []func(*record.Machine){fake.Bad, held("not-guarded")}, func(w *fake.World) { w.Always("kms.Key", fake.Down) }, false, ""},
		{"the calendar is open again", []func(*record.Machine){fake.Bad, held("calendar-closed")}, calendar(guard.Calendar{Read: true, Open: true}), true, "i-1234567890abcdef0-2-look-1"},
		{"the calendar is closed", []func(*record.Machine){fake.Bad, held("calendar-closed")}, calendar(guard.Calendar{Read: true}), false, ""},
		{"the calendar cannot be read", []func(*record.Machine){fake.Bad, held("calendar-closed")}, func(w *fake.World) {
			calendar(guard.Calendar{Read: true, Open: true})(w)
			w.Always("ssm.Calendar", fake.Down)
		}, false, ""},
		{"the policy names no calendar any more", []func(*record.Machine){fake.Bad, held("calendar-unread")}, func(*fake.World) {}, true, "i-1234567890abcdef0-2-look-1"},
		{"tried a minute ago", []func(*record.Machine){fake.Bad, held("task-failed")}, func(*fake.World) {}, false, ""},
		{"tried half an hour ago", []func(*record.Machine){fake.Bad, held("task-failed"), func(m *record.Machine) { m.State.HeldSince = fake.Start.Add(-30 * time.Minute) }}, func(*fake.World) {}, true, "i-1234567890abcdef0-2-look-1"},
		{"good by now", []func(*record.Machine){held("held-global")}, func(*fake.World) {}, true, ""},
		{"a restore whose key has its tag again", []func(*record.Machine){fake.Corrected, held("not-guarded")}, func(*fake.World) {}, true, "i-1234567890abcdef0-3-restore-1"},
		{"a restore that people have to look at", []func(*record.Machine){fake.Corrected, held("key-changed")}, func(*fake.World) {}, false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := with(tt.edits...)
			tt.make(w)
			got := run(t, w)
			if (got.Lifted == 1) != tt.lifted || (w.Store.ByID[fake.ID].State.HeldFor == "") != tt.lifted {
				t.Errorf("%+v, held for %q, want lifted %t", got, w.Store.ByID[fake.ID].State.HeldFor, tt.lifted)
			}
			if tt.start == "" {
				w.Never(t, "states.Start")
			} else {
				w.Times(t, "states.Start "+tt.start, 1)
			}
		})
	}
}

// Under a policy that cannot be read nothing may start.
func TestUnreadablePolicies(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(*fake.World){
		"it does not compile": func(w *fake.World) { w.Store.PutPolicyText("policy: web-tier\nrules: no list\n") },
		"it is gone":          func(w *fake.World) { clear(w.Store.ByName) },
	} {
		for _, edit := range []func(*record.Machine){fake.Bad, fake.Revoking, fake.Corrected, held("held-global")} {
			w := with(edit)
			make(w)
			if got := run(t, w); got.Started != 0 || got.Lifted != 0 {
				t.Errorf("%s: %+v, want nothing started", name, got)
			}
			w.Never(t, "states.", "store.Apply")
		}
	}
}

func TestRaces(t *testing.T) {
	t.Parallel()
	// The listing is old: the machine was corrected since.
	w := with(fake.Bad)
	w.Before("store.Machine", func() { w.Store.Put(fake.Machine()) })
	if got := run(t, w); got.Started != 0 {
		t.Errorf("corrected since it was listed: %+v", got)
	}
	// It changes before it is written: the next sweep sees it.
	for _, edits := range [][]func(*record.Machine){{fake.Bad}, {held("held-global")}} {
		w = with(edits...)
		w.Before("store.Apply", func() { w.Store.Change(fake.ID, func(*record.Machine) {}) })
		if got := run(t, w); got.Started != 0 || got.Lifted != 0 {
			t.Errorf("changed meanwhile: %+v", got)
		}
		w.Never(t, "states.Start")
	}
}

func TestEnforcementsFail(t *testing.T) {
	t.Parallel()
	for _, failing := range []string{"store.Machine", "store.Apply", "states.Status", "states.Start", "store.Started"} {
		w := with(fake.Bad)
		w.Store.Put(fake.Machine(fake.Bad, func(m *record.Machine) { m.ID = fake.Other }))
		w.Fail(failing, fake.Down)
		_, err := newHandler(w).Handle(t.Context(), fake.Start, Event{})
		fake.Kind(t, err, fault.Transient)
		w.Times(t, "states.Start i-1234567890abcdef0-2-look-1", 1) // the other machine's trouble
		if failing == "states.Start" && len(w.Store.Waiting) != 1 {
			t.Errorf("outbox = %v, want what could not be started", w.Store.Waiting)
		}
	}
	w := with(fake.Bad, func(m *record.Machine) { m.Execution = "x" })
	w.Fail("states.Status", fake.Down)
	_, err := newHandler(w).Handle(t.Context(), fake.Start, Event{})
	fake.Kind(t, err, fault.Transient)
	w.Never(t, "states.Start")

	w = with(held("held-global"))
	w.Fail("store.Apply", fake.Down)
	_, err = newHandler(w).Handle(t.Context(), fake.Start, Event{})
	fake.Kind(t, err, fault.Transient)
}

// Many machines under one closed calendar are one question a sweep.
func TestACalendarIsAskedForOnce(t *testing.T) {
	t.Parallel()
	w := with(fake.Bad, held("calendar-closed"))
	w.Store.Put(fake.Machine(fake.Bad, held("calendar-closed"), func(m *record.Machine) { m.ID = fake.Other }))
	w.Store.PutPolicyText(fake.Policy("grace: 4h", "grace: 4h\n  calendar: [month-end]"))
	w.Calendars.Named["month-end"] = guard.Calendar{Read: true}
	run(t, w)
	w.Times(t, "ssm.Calendar month-end", 1)
}
