package handler

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/pace"
	"github.com/keyward/keyward/shared/record"
)

// corrected is a world in which a machine whose key was taken complies again, with edits.
func corrected(edits ...func(*record.Machine)) *fake.World {
	w := fake.New()
	w.Store.Put(fake.Machine(append(edits, fake.Corrected)...))
	if w.Store.ByID[fake.ID].Key.Mode == "disable-key" {
		w.Keys.State(fake.KeyARN, "Disabled")
	}
	return w
}

func restore(t *testing.T, w *fake.World) (enforcement.Outcome, error) {
	t.Helper()
	return restoreAt(t, w, fake.Start)
}

func restoreAt(t *testing.T, w *fake.World, at time.Time, edits ...func(*enforcement.Task)) (enforcement.Outcome, error) {
	t.Helper()
	h := &Handler{
		Store: w.Store, Keys: w.Keys, Giver: w.Keys, Log: w.Log,
		Pace: Pace{EnableKey: pace.Half(pace.EnableKey, 5), CreateGrant: pace.Half(pace.CreateGrant, 50)},
	}
	task := fake.Event[enforcement.Task](t, "restore/restore.json")
	for _, e := range edits {
		e(&task)
	}
	return h.Handle(t.Context(), at, task)
}

func TestRestoreGrant(t *testing.T) {
	t.Parallel()
	w := corrected()
	got, err := restore(t, w)
	if want := (enforcement.Outcome{Outcome: "restored", At: fake.Start}); err != nil || got != want {
		t.Fatalf("restore = %+v, %v, want %+v", got, err, want)
	}
	m := w.Store.ByID[fake.ID]
	if m.State.Key != integrity.KeyReleased || m.State.Standing != integrity.Good || m.Taken != nil || m.Grant != "grant-1" || m.GrantedFor != 3 {
		t.Errorf("machine = %+v", m)
	}
	if !m.State.OldDueAt.Equal(fake.Start.Add(-time.Hour)) {
		t.Errorf("old deadline = %v: a relapse resumes it", m.State.OldDueAt)
	}
	if e := w.Store.Entries; len(e) != 1 || e[0].Kind != record.EntryRestored || e[0].Detail != "grant-1" {
		t.Errorf("ledger = %+v", e)
	}
	// The lease was taken before KMS was asked, and given back.
	first := w.Store.Changes[0]
	if first.TakeLease == nil || !first.TakeLease.Until.Equal(fake.Start.Add(leaseFor)) || w.Store.Changes[1].DropLease == nil {
		t.Errorf("changes = %+v", w.Store.Changes)
	}
	w.Never(t, "kms.EnableKey")

	// An attempt that comes after says the same and does nothing.
	w.Forget()
	if again, err := restore(t, w); err != nil || again.Outcome != "restored" {
		t.Errorf("the second attempt = %+v, %v, want restored", again, err)
	}
	w.Never(t, "kms.", "store.Apply")
}

func TestRestoreKey(t *testing.T) {
	t.Parallel()
	w := corrected(fake.Disable)
	got, err := restore(t, w)
	if err != nil || got.Outcome != "restored" || !w.Keys.ByARN[fake.KeyARN].Enabled {
		t.Errorf("restore = %+v, %v, key %+v", got, err, w.Keys.ByARN[fake.KeyARN])
	}
	w.Never(t, "kms.Grant keyward")
}

func TestRefusedTasks(t *testing.T) {
	t.Parallel()
	for _, task := range []enforcement.Task{{}, {Version: 2, Op: "restore"}, {Version: 1, Op: "order"}} {
		w := corrected()
		_, err := (&Handler{Store: w.Store, Keys: w.Keys, Giver: w.Keys, Log: w.Log}).Handle(t.Context(), fake.Start, task)
		fake.Kind(t, err, fault.Invalid)
		w.Never(t, "store.", "kms.")
	}
}

func TestSuperseded(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*record.Machine){
		"a newer generation": func(m *record.Machine) { m.State.Generation = 4 },
		"nothing was taken":  func(m *record.Machine) { m.Taken = nil },
	} {
		w := corrected()
		w.Store.Change(fake.ID, edit)
		if got, err := restore(t, w); err != nil || got.Outcome != "superseded" {
			t.Errorf("%s: restore = %+v, %v, want superseded", name, got, err)
		}
		w.Never(t, "kms.", "store.Apply")
	}
}

// Somebody else changed the key since, or it was never ours: people have to look.
func TestHeld(t *testing.T) {
	t.Parallel()
	nothing := func(*record.Machine) {}
	tests := []struct {
		name   string
		mode   func(*record.Machine)
		make   func(*fake.World)
		reason guard.Reason
	}{
		{"the tag is gone", nothing, func(w *fake.World) { w.Keys.Set(fake.KeyARN, func(k *kmskey.Key) { k.Guarded = false }) }, guard.ReasonNotGuarded},
		{"the key was disabled meanwhile", nothing, func(w *fake.World) { w.Keys.State(fake.KeyARN, "Disabled") }, guard.ReasonKeyChanged},
		{"somebody else made a grant", nothing, func(w *fake.World) {
			w.Keys.Listed[fake.KeyARN] = []kmskey.Grant{{ID: "x", Name: "by-hand", Grantee: fake.Session}}
		}, guard.ReasonKeyChanged},
		{"somebody enabled the key", fake.Disable, func(w *fake.World) { w.Keys.State(fake.KeyARN, "Enabled") }, guard.ReasonKeyChanged},
		{"the key is to be deleted", fake.Disable, func(w *fake.World) { w.Keys.State(fake.KeyARN, "PendingDeletion") }, guard.ReasonKeyChanged},
		{"the key was disabled before", fake.Disable, func(w *fake.World) {
			w.Store.Change(fake.ID, func(m *record.Machine) { m.Taken.HadNone = true })
		}, guard.ReasonNotOurs},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := corrected(tt.mode)
			tt.make(w)
			got, err := restore(t, w)
			if err != nil || got.Outcome != "held" || got.Reason != string(tt.reason) {
				t.Errorf("restore = %+v, %v, want held: %s", got, err, tt.reason)
			}
			m := w.Store.ByID[fake.ID]
			if m.State.HeldFor != string(tt.reason) || m.State.Key != integrity.KeyRevoked || m.Taken == nil {
				t.Errorf("machine = %+v, want it revoked and held", m.State)
			}
			if !slices.Equal(w.Store.Kinds(), []record.EntryKind{record.EntryHeld}) || w.Store.Changes[1].DropLease == nil {
				t.Errorf("ledger = %v", w.Store.Kinds())
			}
			w.Never(t, "kms.EnableKey", "kms.Grant keyward")
		})
	}
}

// Nothing was taken when the machine was put right between the intent and the order: it keeps what it has.
func TestRestoreOfWhatWasNeverTaken(t *testing.T) {
	t.Parallel()
	never := func(m *record.Machine) {
		m.State.Key, m.Grant, m.GrantedFor = integrity.KeyRevoking, "grant-0", 1
		m.Taken = &record.Taken{
			Generation: 2, Mode: m.Key.Mode, KeyARN: fake.KeyARN, Grants: []string{"grant-0"}, Grantee: fake.Session, IntentAt: fake.Start,
		}
	}
	w := corrected()
	w.Store.Change(fake.ID, never)
	w.Keys.Listed[fake.KeyARN] = []kmskey.Grant{{ID: "grant-0", Name: "keyward-" + fake.ID + "-1", Grantee: fake.Session}}
	got, err := restore(t, w)
	m := w.Store.ByID[fake.ID]
	if err != nil || got.Outcome != "restored" || m.Grant != "grant-0" || m.GrantedFor != 1 || m.State.Key != integrity.KeyReleased {
		t.Errorf("restore = %+v, %v, machine %+v, want its old grant", got, err, m)
	}
	w.Never(t, "kms.Grant keyward", "kms.EnableKey")

	w = corrected(fake.Disable)
	w.Store.Change(fake.ID, never)
	w.Keys.State(fake.KeyARN, "Enabled")
	if got, err := restore(t, w); err != nil || got.Outcome != "restored" {
		t.Errorf("disable-key: restore = %+v, %v", got, err)
	}
	w.Never(t, "kms.EnableKey")
	if !strings.Contains(w.Store.Entries[0].Text, "nothing had been taken") {
		t.Errorf("ledger says %q", w.Store.Entries[0].Text)
	}

	// It held no grant: there is none to give, and its next key request makes one.
	w = corrected()
	w.Store.Change(fake.ID, func(m *record.Machine) { m.Taken.Grants = nil })
	if got, err := restore(t, w); err != nil || got.Outcome != "restored" || w.Store.ByID[fake.ID].Grant != "" {
		t.Errorf("without a grant: restore = %+v, %v", got, err)
	}
	w.Never(t, "kms.Grant keyward")
}

// An attempt was cut off at any of its calls: the next one ends it, and there is one grant.
func TestAttemptsThatAreCutOff(t *testing.T) {
	t.Parallel()
	for _, mode := range []func(*record.Machine){func(*record.Machine) {}, fake.Disable} {
		for _, call := range []string{"store.Machine", "store.Apply", "kms.Key", "kms.Grants", "kms.Grant keyward", "kms.Grant", "kms.EnableKey", "store.Policy"} {
			w := corrected(mode)
			w.Fail(call, fake.Down)
			if _, err := restore(t, w); err != nil {
				fake.Kind(t, err, fault.Transient)
			}
			got, err := restore(t, w)
			if err != nil || got.Outcome != "restored" || len(w.Keys.Listed[fake.KeyARN]) > 1 || !w.Keys.ByARN[fake.KeyARN].Enabled {
				t.Errorf("cut off at %s: the retry = %+v, %v, grants %v", call, got, err, w.Keys.Listed[fake.KeyARN])
			}
		}
		// The last write fails after KMS did its part.
		w := corrected(mode)
		w.Fail("store.Apply", nil, fake.Down)
		_, err := restore(t, w)
		fake.Kind(t, err, fault.Transient)
		if got, err := restore(t, w); err != nil || got.Outcome != "restored" || len(w.Keys.Listed[fake.KeyARN]) > 1 {
			t.Errorf("after the record was lost: %+v, %v, grants %v", got, err, w.Keys.Listed[fake.KeyARN])
		}
	}
}

func TestConflicts(t *testing.T) {
	t.Parallel()
	// Somebody revokes: no lease, no call.
	w := corrected()
	name := record.LeaseName("revoke-grant", fake.KeyARN, fake.ID)
	w.Store.Leases[name] = record.Lease{Name: name, Holder: "revoke", Until: fake.Start.Add(1)}
	_, err := restore(t, w)
	fake.Kind(t, err, fault.Transient)
	w.Never(t, "kms.")

	// The machine changes while KMS gives: the retry sees what it is now.
	w = corrected()
	w.Before("kms.Grant", func() { w.Store.Change(fake.ID, func(m *record.Machine) { m.Name = "renamed" }) })
	_, err = restore(t, w)
	fake.Kind(t, err, fault.Transient)
	if got, err := restore(t, w); err != nil || got.Outcome != "restored" || w.Store.ByID[fake.ID].Name != "renamed" {
		t.Errorf("the retry = %+v, %v", got, err)
	}

	// KMS says yes and shows nothing yet.
	w = corrected(fake.Disable)
	w.Keys.Late = true
	_, err = restore(t, w)
	fake.Kind(t, err, fault.Transient)
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	w := corrected()
	delete(w.Store.ByName, "web-tier")
	if got, err := restore(t, w); err != nil || got.Outcome != "restored" {
		t.Errorf("a policy that is gone: %+v, %v", got, err)
	}
	w = corrected()
	w.Store.PutPolicyText("policy: web-tier\nrules: no list\n")
	if got, err := restore(t, w); err != nil || got.Outcome != "restored" {
		t.Errorf("a policy that cannot be read any more: %+v, %v", got, err)
	}
}
