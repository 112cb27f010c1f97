package handler

import (
	"testing"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// drilled is a world in which the drill's machine is due, with the drill's key.
func drilled(t *testing.T) (*fake.World, enforcement.Task) {
	t.Helper()
	w := due(fake.Disable)
	m := w.Store.ByID[fake.ID]
	delete(w.Store.ByID, fake.ID)
	m.ID, m.Version = drill.Machine, 0
	w.Store.Put(m)
	a := w.Store.Said[fake.Command+" "+fake.ID]
	a.Machine = drill.Machine
	w.Store.Said[fake.Command+" "+drill.Machine] = a
	w.Keys.Policies = map[string]string{fake.KeyARN: fake.AloneWith(fake.Session)}
	w.Keys.Listed[fake.KeyARN] = nil
	mark(w, true)
	task := fake.Event[enforcement.Task](t, "recheck/decide.json")
	task.Input.Machine = drill.Machine
	return w, task
}

func mark(w *fake.World, drills bool) {
	k := w.Keys.ByARN[fake.KeyARN]
	k.Drill = drills
	w.Keys.ByARN[fake.KeyARN] = k
}

func decideDrill(t *testing.T, w *fake.World, task enforcement.Task) enforcement.Decision {
	t.Helper()
	out, err := newHandler(w).Handle(t.Context(), fake.Start, task)
	if err != nil {
		t.Fatal(err)
	}
	return out.(enforcement.Decision)
}

// A drill takes no room in the breaker, and waits for room like every other revocation, without opening it.
func TestTheDrillAndTheBreaker(t *testing.T) {
	t.Parallel()
	w, task := drilled(t)
	if got := decideDrill(t, w, task); got.Outcome != string(guard.Revoke) {
		t.Fatalf("decide = %+v", got)
	}
	if w.Store.ByID[drill.Machine].Taken == nil || len(w.Store.Counts.Spent) != 0 || w.Store.Counts.Version != 0 {
		t.Errorf("breaker = %+v, want the drill not counted", w.Store.Counts)
	}
	w, task = drilled(t)
	full(w)
	if got := decideDrill(t, w, task); got.Outcome != string(guard.Hold) || got.Reason != string(guard.ReasonBreakerOpen) {
		t.Errorf("decide = %+v, want it to wait for room", got)
	}
	w.Never(t, "store.ChangeBreaker", "store.Apply")
}

// The drill takes no key but its own, and nobody else takes the drill's.
func TestTheDrillsKeyIsTheDrillsAlone(t *testing.T) {
	t.Parallel()
	w, task := drilled(t)
	mark(w, false)
	if got := decideDrill(t, w, task); got.Reason != string(guard.ReasonNotGuarded) {
		t.Errorf("the drill with a machine's key: %+v", got)
	}
	w = at()
	answered(w, policy.Fail)
	mark(w, true)
	decided(t, w, guard.Hold, guard.ReasonNotGuarded)
	var none *record.Taken
	if got := w.Store.ByID[fake.ID].Taken; got != none {
		t.Errorf("taken = %+v", got)
	}
}
