package handler

import (
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/pace"
	"github.com/keyward/keyward/shared/record"
)

// busy is a world in which all tokens are used for a while.
func busy(edits ...func(*record.Machine)) *fake.World {
	w := reserved(edits...)
	for _, name := range []string{pace.DisableKey, pace.RevokeGrant} {
		w.Store.UsedUntil[name] = fake.Start.Add(time.Minute)
	}
	return w
}

// paced makes it the question of an execution that waited for its turn.
func paced(t *enforcement.Task) {
	t.Input.Turn = &enforcement.Turn{Outcome: enforcement.Paced, At: fake.Start}
}

func turnAt(t *testing.T, w *fake.World, at time.Time, edits ...func(*enforcement.Task)) (enforcement.Turn, error) {
	t.Helper()
	edits = append(edits, func(t *enforcement.Task) { t.Op = "turn" })
	out, err := handle(t, w, at, "revoke/order.json", edits...)
	return out.(enforcement.Turn), err
}

// modes are the two ways in which keys are taken.
var modes = map[string][]func(*record.Machine){"revoke-grant": nil, "disable-key": {fake.Disable}}

func TestATurnIsTaken(t *testing.T) {
	t.Parallel()
	for _, edits := range modes {
		w := reserved(edits...)
		o, err := turnAt(t, w, fake.Start)
		if err != nil || o.Outcome != "now" {
			t.Fatalf("turn = %+v, %v", o, err)
		}
		w.Times(t, "store.Use ", 1)
		w.Never(t, "store.Queue")
	}
}

func TestNoTurn(t *testing.T) {
	t.Parallel()
	for name, edits := range modes {
		w := busy(edits...)
		before := w.Store.ByID[fake.ID]
		o, err := turnAt(t, w, fake.Start)
		if err != nil || o.Outcome != enforcement.Paced || !o.At.Equal(fake.Start.Add(time.Second)) {
			t.Errorf("%s: turn = %+v, %v, want it to come back in a second", name, o, err)
		}
		if w.Store.ByID[fake.ID].Version != before.Version {
			t.Errorf("%s: the machine was changed", name)
		}
		w.Never(t, "kms.DisableKey", "kms.RevokeGrant", "store.Use ", "store.Apply")
		w.Times(t, "store.Queue", 1)

		// Its turn comes, and its place in the queue is given up.
		later := fake.Start.Add(2 * time.Minute)
		o, err = turnAt(t, w, later, paced)
		if err != nil || o.Outcome != "now" {
			t.Errorf("%s: turn = %+v, %v, want its turn", name, o, err)
		}
		for _, q := range w.Store.Turns {
			if q.Until.After(later) {
				t.Errorf("%s: still in the queue: %+v", name, q)
			}
		}
		// The lease is as long as what follows needs, whatever the wait used up of it.
		if o, err := handle(t, w, later, "revoke/order.json"); err != nil || o.(enforcement.Ordered).Outcome != "ordered" {
			t.Errorf("%s: order = %+v, %v", name, o, err)
		}
		if l := w.Store.Changes[len(w.Store.Changes)-1].TakeLease; l == nil || l.Until.Sub(later) < 10*time.Minute {
			t.Errorf("%s: lease = %+v", name, l)
		}
	}
}

// The worst go first: who has many before it does not even ask.
func TestPlaceInTheQueue(t *testing.T) {
	t.Parallel()
	w := reserved(fake.Disable)
	for _, worse := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"} {
		o := pace.Order(2, fake.Start, worse)
		w.Store.Turns[worse] = record.Turn{Bucket: pace.DisableKey, Order: o, Until: fake.Start.Add(time.Hour)}
	}
	o, err := turnAt(t, w, fake.Start)
	if err != nil || o.Outcome != enforcement.Paced || !o.At.Equal(fake.Start.Add(4*time.Second)) {
		t.Errorf("turn = %+v, %v, want it to wait for the calls of ten others", o, err)
	}
	w.Never(t, "store.Use")
	// Those who do not come back are not waited for.
	if o, err = turnAt(t, w, fake.Start.Add(time.Hour)); err != nil || o.Outcome != enforcement.Paced && o.Outcome != "now" {
		t.Errorf("turn = %+v, %v", o, err)
	}
	w.Times(t, "store.Use ", 1)
}

func TestAHoldEndsTheWait(t *testing.T) {
	t.Parallel()
	for scope, want := range map[record.Scope]string{"global": "held-global", "policy:web-tier": "held-policy", "machine:" + fake.ID: "held-machine"} {
		w := busy()
		w.Store.Held[scope] = record.Hold{Scope: scope}
		o, err := turnAt(t, w, fake.Start, paced)
		m := w.Store.ByID[fake.ID]
		if err != nil || o.Outcome != "held" || o.Reason != want {
			t.Errorf("turn = %+v, %v, want held for %s", o, err, want)
		}
		if m.State.Key != integrity.KeyReleased || m.Taken != nil || m.State.HeldFor != "" {
			t.Errorf("machine = %+v, %+v, want the intent withdrawn", m.State, m.Taken)
		}
		if last := w.Store.Changes[len(w.Store.Changes)-1]; last.DropLease == nil || len(last.Ledger) != 1 || last.Ledger[0].Kind != record.EntryFailed {
			t.Errorf("change = %+v, want the lease given back and it written down", last)
		}
		w.Never(t, "kms.DisableKey", "kms.RevokeGrant")
	}
}

func TestTheWaitHasAnEnd(t *testing.T) {
	t.Parallel()
	w := busy()
	w.Store.UsedUntil[pace.RevokeGrant] = fake.Start.Add(time.Hour)
	if o, err := turnAt(t, w, fake.Start.Add(5*time.Minute-time.Second), paced); err != nil || o.Outcome != enforcement.Paced {
		t.Errorf("just before the end: %+v, %v, want it to wait", o, err)
	}
	if o, err := turnAt(t, w, fake.Start.Add(5*time.Minute), paced); err != nil || o.Outcome != "held" || o.Reason != "no-turn" {
		t.Errorf("at the end: %+v, %v, want no-turn", o, err)
	}
	w.Never(t, "kms.RevokeGrant")

	// A pace that cannot be read is asked again, and has the same end.
	for _, failing := range []string{"store.Ahead", "store.Used", "store.Use", "store.Queue"} {
		w := reserved()
		if failing == "store.Queue" {
			w = busy()
			w.Store.UsedUntil[pace.RevokeGrant] = fake.Start.Add(time.Hour)
		}
		w.Always(failing, fake.Down)
		if o, err := turnAt(t, w, fake.Start); err != nil || o.Outcome != enforcement.Paced || !o.At.Equal(fake.Start.Add(10*time.Second)) {
			t.Errorf("%s fails: %+v, %v, want it to come back", failing, o, err)
		}
		if o, err := turnAt(t, w, fake.Start.Add(5*time.Minute), paced); err != nil || o.Outcome != "held" {
			t.Errorf("%s goes on failing: %+v, %v, want it held", failing, o, err)
		}
		w.Never(t, "kms.RevokeGrant")
	}
}

// What cannot be given up is not.
func TestGivingUpFails(t *testing.T) {
	t.Parallel()
	end := fake.Start.Add(5 * time.Minute)
	for _, failing := range []string{"kms.Grants", "store.Apply"} {
		w := busy()
		w.Store.UsedUntil[pace.RevokeGrant] = fake.Start.Add(time.Hour)
		w.Always(failing, fake.Down)
		_, err := turnAt(t, w, end, paced)
		fake.Kind(t, err, fault.Transient)
	}
	// The key was taken by an earlier revocation: nobody may note that the machine has it.
	w := busy(fake.Disable)
	w.Store.UsedUntil[pace.DisableKey] = fake.Start.Add(time.Hour)
	w.Keys.State(fake.KeyARN, "Disabled")
	if o, err := turnAt(t, w, end, paced); err != nil || o.Outcome != enforcement.Paced {
		t.Errorf("turn = %+v, %v, want it to go on waiting", o, err)
	}
	w.Never(t, "store.Apply")
	// Somebody was quicker.
	w = busy()
	w.Store.UsedUntil[pace.RevokeGrant] = fake.Start.Add(time.Hour)
	w.Before("store.Apply", func() { w.Store.Change(fake.ID, func(m *record.Machine) { m.State.Generation++ }) })
	if o, err := turnAt(t, w, end, paced); err != nil || o.Outcome != enforcement.Paced {
		t.Errorf("turn = %+v, %v, want it to look again by what it was superseded", o, err)
	}
}

// An order that was written had its turn, and a revocation that has nothing to call needs none.
func TestNoTurnIsNeeded(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		edits []func(*record.Machine)
		taken func(*record.Taken)
	}{
		"asked before":    {nil, func(t *record.Taken) { t.OrderedAt = fake.Start }},
		"nothing to take": {modes["disable-key"], func(t *record.Taken) { t.HadNone = true }},
		"no intent":       {nil, func(t *record.Taken) { t.Generation-- }},
	} {
		w := busy(tt.edits...)
		w.Store.Change(fake.ID, func(m *record.Machine) { tt.taken(m.Taken) })
		if o, err := turnAt(t, w, fake.Start); err != nil || o.Outcome != "now" {
			t.Errorf("%s: %+v, %v", name, o, err)
		}
		w.Never(t, "store.Ahead", "store.Use")
	}
}
