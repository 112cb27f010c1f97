package handler

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// allowed is a machine that is in order by the waiver.
func allowed(m *record.Machine) {
	m.Waived = []policy.Finding{{Rule: "kernel is supported", Verdict: policy.Fail, Values: []string{fake.OldKernelValue}}}
}

func TestAnEndedWaiverIsLookedAt(t *testing.T) {
	t.Parallel()
	none := func(*fake.World) {}
	tests := []struct {
		name string
		edit func(*record.Machine)
		make func(*fake.World)
		want bool
	}{
		{"it stands", allowed, func(w *fake.World) {
			w.Store.Waive(fake.Waiver(func(w *record.Waiver) { w.Expires = fake.Start.Add(100 * time.Hour) }))
		}, false},
		{"it expired", allowed, func(w *fake.World) { w.Store.Waive(fake.Waiver(func(w *record.Waiver) { w.Expires = fake.Start })) }, true},
		{"it was lifted", allowed, func(w *fake.World) {
			w.Store.Waive(fake.Waiver(func(w *record.Waiver) { w.Lifted = &record.Lift{At: fake.Start} }))
		}, true},
		{"it is gone", allowed, none, true},
		{"another goes on", allowed, func(w *fake.World) {
			w.Store.Waive(fake.Waiver(func(w *record.Waiver) { w.Expires = fake.Start }))
			w.Store.Waive(fake.Waiver(func(w *record.Waiver) { w.ID, w.Scope, w.Expires = "w-2", "global", fake.Start.Add(100*time.Hour) }))
		}, false},
		{"it was looked at since", func(m *record.Machine) {
			allowed(m)
			m.State.LastNews = fake.Start.Add(-time.Minute)
		}, func(w *fake.World) {
			w.Store.Waive(fake.Waiver(func(w *record.Waiver) { w.Expires = fake.Start.Add(-2 * time.Minute) }))
		}, false},
		{"it is stopped", func(m *record.Machine) {
			allowed(m)
			m.State.FrozenSince = fake.Start
		}, none, false},
		{"nothing is waived", func(*record.Machine) {}, none, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := with(tt.edit)
			tt.make(w)
			got := run(t, w)
			if asked := len(w.Inspect.Made("inspect.")) > 0; asked != tt.want || (got.Asked == 1) != tt.want {
				t.Errorf("asked for a look: %t, %+v; want %t", asked, got, tt.want)
			}
			if again := run(t, w); tt.want && again.Asked != 1 { // nothing was heard of it: the next sweep asks again
				t.Errorf("the second sweep: %+v, want it asked for again", again)
			}
			w.Never(t, "states.Start")
		})
	}
}

func TestAWaiverThatEndsIsTold(t *testing.T) {
	t.Parallel()
	end := fake.Start.Add(10 * 24 * time.Hour)
	w := with(allowed)
	w.Store.Waive(fake.Waiver(func(w *record.Waiver) { w.Expires = end }))
	if sweepAt(t, w, end.Add(-24*time.Hour-time.Second)); len(w.Made("states.Start")) > 0 {
		t.Fatal("told before the time")
	}
	sweepAt(t, w, end.Add(-24*time.Hour))
	started := w.Made("states.Start")
	if len(started) != 1 || len(w.Store.Waiting) != 0 {
		t.Fatalf("started %v, outbox %v, want one notice", started, w.Store.Waiting)
	}
	var in enforcement.Input
	for _, text := range w.Flow.Inputs {
		if err := json.Unmarshal(text, &in); err != nil {
			t.Fatal(err)
		}
	}
	if in.Kind != enforcement.Tell || in.Notice != "waiverEnding" || !in.DueAt.Equal(end) || in.Account != fake.Account || in.Policy != "web-tier" {
		t.Errorf("input = %+v", in)
	}
	sweepAt(t, w, end.Add(-23*time.Hour))
	w.Times(t, "states.Start", 1)
	later := end.Add(30 * 24 * time.Hour) // another waiver: another end is another notice
	w.Store.Waive(fake.Waiver(func(w *record.Waiver) { w.ID, w.SetAt, w.Expires = "w-2", end.Add(-23*time.Hour), later }))
	sweepAt(t, w, end.Add(-22*time.Hour))
	w.Times(t, "states.Start", 1)
	sweepAt(t, w, later.Add(-time.Hour))
	w.Times(t, "states.Start", 2)
}

func TestWaiversCannotBeSwept(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"store.Waivers", "store.Apply"} {
		w := with(allowed)
		w.Fail(call, fake.Down)
		_, err := newHandler(w).Handle(t.Context(), fake.Start, Event{})
		fake.Kind(t, err, fault.Transient)
		w.Times(t, "store.Outbox", 1) // the other parts were done
	}
	w := with(allowed) // somebody was quicker: the next sweep sees it
	w.Before("store.Apply", func() { w.Store.Change(fake.ID, func(m *record.Machine) { m.Name = "renamed" }) })
	if got := run(t, w); got.Asked != 0 {
		t.Errorf("%+v, want nothing asked", got)
	}
}

// Holds for a waiver end when it ends, and holds for waivers that could not be read when they can be.
func TestHoldsForWaiversAreLifted(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, reason string
		make         func(*fake.World)
		lifted       bool
	}{
		{"waivers can be read", "waivers-unread", func(*fake.World) {}, true},
		{"they still cannot", "waivers-unread", func(w *fake.World) { w.Always("store.WaiversOn", fake.Down) }, false},
		{"one still cannot", "waivers-unread", func(w *fake.World) { w.Store.Garbled["global"] = 1 }, false},
		{"the waiver was lifted", "waived", func(*fake.World) {}, true},
		{"the waiver stands", "waived", func(w *fake.World) { w.Store.Waive(fake.Waiver()) }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := with(fake.Bad, held(tt.reason))
			tt.make(w)
			got := run(t, w)
			if (got.Lifted == 1) != tt.lifted || (len(w.Made("states.Start i-1234567890abcdef0-2-look-1")) == 1) != tt.lifted {
				t.Errorf("%+v, want it lifted: %t", got, tt.lifted)
			}
		})
	}
}
