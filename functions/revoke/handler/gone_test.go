package handler

import (
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// away is a world whose machine went away after KMS was asked to disable its key.
func away(edits ...func(*record.Machine)) *fake.World {
	w := fake.New()
	w.Store.Put(fake.Machine(append([]func(*record.Machine){fake.Disable, fake.Revoking, func(m *record.Machine) {
		m.State.GoneAt, m.State.Generation, m.State.Standing = fake.Start, 3, integrity.Unknown
		m.Taken.OrderedAt = fake.Start
	}}, edits...)...))
	w.Keys.State(fake.KeyARN, "Disabled")
	w.Forget()
	return w
}

func withdrawAt(t *testing.T, w *fake.World, now time.Time) (enforcement.Ordered, error) {
	t.Helper()
	task := fake.Event[enforcement.Task](t, "revoke/withdraw.json")
	task.Input.Generation = 3
	out, err := (&Handler{Store: w.Store, Keys: w.Keys, Taker: w.Keys, Log: w.Log}).Handle(t.Context(), now, task)
	return out.(enforcement.Ordered), err
}

// The key is read back twice, and then is what it is: revoked, and a person may have it back.
func TestAMachineGoesAwayWhileItsKeyIsDisabled(t *testing.T) {
	t.Parallel()
	w := away()
	for _, after := range []time.Duration{0, apart - time.Second} {
		_, err := withdrawAt(t, w, fake.Start.Add(after))
		fake.Kind(t, err, fault.Transient)
	}
	if m := w.Store.ByID[fake.ID]; m.State.Key != integrity.KeyRevoking || !m.Taken.FirstRead.Equal(fake.Start) {
		t.Errorf("after one read the machine is %+v", m)
	}
	got, err := withdrawAt(t, w, fake.Start.Add(apart))
	m := w.Store.ByID[fake.ID]
	if err != nil || got.Outcome != "ordered" || m.State.Key != integrity.KeyRevoked || !m.Taken.ConfirmedAt.Equal(fake.Start.Add(apart)) {
		t.Errorf("withdraw = %+v, %v, machine %+v, want it revoked", got, err, m)
	}
	last := w.Store.Entries[len(w.Store.Entries)-1]
	if last.Kind != record.EntryConfirmed || !strings.Contains(last.Text, "gone") {
		t.Errorf("ledger = %+v", last)
	}
	w.Never(t, "kms.DisableKey", "kms.EnableKey", "kms.RevokeGrant")
}

// KMS did not do what it was asked: nothing was taken, and after KMS had its time that is what is written.
func TestAMachineGoesAwayAndItsKeyWasNotDisabled(t *testing.T) {
	t.Parallel()
	w := away()
	w.Keys.State(fake.KeyARN, "Enabled")
	_, err := withdrawAt(t, w, fake.Start.Add(patience-time.Second))
	fake.Kind(t, err, fault.Transient)
	got, err := withdrawAt(t, w, fake.Start.Add(patience))
	if m := w.Store.ByID[fake.ID]; err != nil || got.Outcome != "nothing" || m.State.Key != integrity.KeyWithdrawn {
		t.Errorf("withdraw = %+v, %v, key %s", got, err, m.State.Key)
	}
}

func TestNothingToReadBackOfAMachineThatIsGone(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*record.Machine){
		"never ordered":      func(m *record.Machine) { m.Taken.OrderedAt = time.Time{} },
		"disabled by others": func(m *record.Machine) { m.Taken.HadNone = true },
		"nothing taken":      func(m *record.Machine) { m.Taken = nil },
	} {
		w := away(edit)
		if got, err := withdrawAt(t, w, fake.Start); err != nil || got.Outcome != "nothing" || w.Store.ByID[fake.ID].State.Key != integrity.KeyWithdrawn {
			t.Errorf("%s: withdraw = %+v, %v", name, got, err)
		}
	}
	for _, calls := range [][]error{{nil, fake.Down}} {
		w := away()
		w.Fail("kms.Key", calls...)
		_, err := withdrawAt(t, w, fake.Start)
		fake.Kind(t, err, fault.Transient)
	}
	w := away()
	w.Fail("store.Apply", fake.Down)
	_, err := withdrawAt(t, w, fake.Start)
	fake.Kind(t, err, fault.Transient)
}
