package handler

import (
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

func TestTheDrillIsWoken(t *testing.T) {
	t.Parallel()
	w := fake.New()
	run(t, w)
	w.Never(t, "drill.Invoke")
	w.Store.Drilled = record.Drill{ID: "x", Phase: record.DrillRevoke, Version: 1}
	run(t, w)
	if w.Times(t, "drill.Invoke", 1); w.Drill.Events[0] != `{"version":1,"op":"step"}` {
		t.Errorf("event = %s", w.Drill.Events[0])
	}
	w.Store.Drilled.EndedAt = fake.Start
	run(t, w)
	w.Times(t, "drill.Invoke", 1)
}

func TestTheDrillCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"store.Drill", "drill.Invoke"} {
		w := fake.New()
		w.Store.Drilled = record.Drill{ID: "x", Version: 1}
		w.Fail(call, fake.Down)
		_, err := newHandler(w).Handle(t.Context(), fake.Start, Event{})
		fake.Kind(t, err, fault.Transient)
		w.Times(t, "store.PutWatch", 1) // the sweep is completed all the same
	}
}

// A drill that nobody judges moves no deadline of a machine: what SSM was asked for is judged.
func TestTheDrillIsNoOutage(t *testing.T) {
	t.Parallel()
	w := with(fake.Bad)
	w.Store.Change(fake.ID, func(m *record.Machine) { m.State.DueAt = fake.Start.Add(time.Hour) })
	c := drill.Command(record.Check, "", fake.Start.Add(-2*time.Hour))
	w.Store.Sends[c.ID] = c
	w.Store.EvaluatedAt = fake.Start.Add(-3 * time.Hour)
	before := w.Store.ByID[fake.ID].State.DueAt
	run(t, w)
	if after := w.Store.ByID[fake.ID].State.DueAt; !after.Equal(before) {
		t.Errorf("the deadline moved from %s to %s", before, after)
	}
	w.Times(t, "evaluate.Invoke", 1) // it is asked for again
}
