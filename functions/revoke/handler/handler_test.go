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
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/pace"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// reserved is a world in which recheck wrote the intent to revoke, with edits.
func reserved(edits ...func(*record.Machine)) *fake.World {
	w := fake.New()
	w.Store.Put(fake.Machine(append(edits, fake.Revoking)...))
	w.Keys.Listed[fake.KeyARN] = []kmskey.Grant{{ID: "grant-0", Name: "keyward-" + fake.ID + "-1", Grantee: fake.Session}}
	m := w.Store.ByID[fake.ID]
	l := lease(*m.Taken, m)
	l.Until = fake.Start.Add(10 * time.Minute)
	w.Store.Leases[l.Name] = *l
	return w
}

func newHandler(w *fake.World) *Handler {
	return &Handler{
		Store: w.Store, Keys: w.Keys, Taker: w.Keys, Log: w.Log,
		Pace: Pace{DisableKey: pace.Half(pace.DisableKey, 5), RevokeGrant: pace.Half(pace.RevokeGrant, 50)},
	}
}

func handle(t *testing.T, w *fake.World, now time.Time, file string, edits ...func(*enforcement.Task)) (any, error) {
	t.Helper()
	task := fake.Event[enforcement.Task](t, file)
	for _, e := range edits {
		e(&task)
	}
	return newHandler(w).Handle(t.Context(), now, task)
}

func order(t *testing.T, w *fake.World) (enforcement.Ordered, error) {
	t.Helper()
	out, err := handle(t, w, fake.Start, "revoke/order.json")
	return out.(enforcement.Ordered), err
}

func TestRefusedTasks(t *testing.T) {
	t.Parallel()
	for _, edit := range []func(*enforcement.Task){
		func(t *enforcement.Task) { t.Version = 2 },
		func(t *enforcement.Task) { t.Op = "" },
		func(t *enforcement.Task) { t.Op = "decide" },
	} {
		w := reserved()
		_, err := handle(t, w, fake.Start, "revoke/order.json", edit)
		fake.Kind(t, err, fault.Invalid)
		w.Never(t, "store.", "kms.")
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		edit func(*record.Machine)
		call string
	}{
		{"revoke-grant", func(*record.Machine) {}, "kms.RevokeGrant grant-0"},
		{"disable-key", fake.Disable, "kms.DisableKey " + fake.KeyARN},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := reserved(tt.edit)
			got, err := order(t, w)
			if want := (enforcement.Ordered{Outcome: "ordered", At: fake.Start}); err != nil || got != want {
				t.Fatalf("order = %+v, %v, want %+v", got, err, want)
			}
			w.Times(t, tt.call, 1)
			m := w.Store.ByID[fake.ID]
			if !m.Taken.OrderedAt.Equal(fake.Start) || m.State.Key != integrity.KeyRevoking {
				t.Errorf("taken = %+v, key %s, want it ordered and not more", m.Taken, m.State.Key)
			}
			if !slices.Equal(w.Store.Kinds(), []record.EntryKind{record.EntryOrdered}) {
				t.Errorf("ledger = %v", w.Store.Kinds())
			}

			// A repeated task may come after one that was cut off before it asked: it asks again, which changes
			// nothing, and writes nothing.
			w.Forget()
			if again, err := order(t, w); err != nil || again.Outcome != "ordered" || !again.At.Equal(fake.Start) {
				t.Errorf("the second order = %+v, %v", again, err)
			}
			w.Never(t, "store.Apply")
		})
	}
}

func TestOrderOfNothing(t *testing.T) {
	t.Parallel()
	nothing := func(m *record.Machine) { m.Taken.HadNone, m.Taken.Grants = true, nil }
	for _, mode := range []policy.Mode{policy.DisableKey, policy.RevokeGrant} {
		w := reserved()
		w.Store.Change(fake.ID, nothing)
		w.Store.Change(fake.ID, func(m *record.Machine) { m.Taken.Mode = mode })
		if got, err := order(t, w); err != nil || got.Outcome != "ordered" {
			t.Errorf("%s: order = %+v, %v", mode, got, err)
		}
		w.Never(t, "kms.DisableKey", "kms.RevokeGrant")
		if text := w.Store.Entries[0].Text; !strings.Contains(text, "nothing to take") {
			t.Errorf("ledger says %q", text)
		}
	}
	// A grant that KMS did not list is revoked all the same: it lists new ones late.
	w := reserved()
	w.Store.Change(fake.ID, func(m *record.Machine) { m.Taken.HadNone = true })
	if _, err := order(t, w); err != nil {
		t.Fatal(err)
	}
	w.Times(t, "kms.RevokeGrant grant-0", 1)
}

// A task without an intent that stands takes nothing.
func TestOrderWithoutIntent(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*record.Machine){
		"a newer generation":         func(m *record.Machine) { m.State.Generation = 3 },
		"an intent of another":       func(m *record.Machine) { m.Taken.Generation = 1 },
		"no intent":                  func(m *record.Machine) { m.Taken = nil },
		"a key that was given again": func(m *record.Machine) { m.State.Key = integrity.KeyReleased },
		"a key that is revoked":      func(m *record.Machine) { m.State.Key = integrity.KeyRevoked },
	} {
		w := reserved()
		w.Store.Change(fake.ID, edit)
		if got, err := order(t, w); err != nil || got.Outcome != "superseded" {
			t.Errorf("%s: order = %+v, %v, want superseded", name, got, err)
		}
		w.Never(t, "kms.")
		for _, c := range w.Store.Changes {
			if c.DropLease == nil || len(c.Ledger) > 0 {
				t.Errorf("%s: change = %+v, want at most the lease given back", name, c)
			}
		}
	}
}

// Another invocation may be about to ask KMS by an order that is written, so that a restore waits until it has ended: a late
// revocation never undoes a newer restore.
func TestAnOrderOnItsWayKeepsTheLease(t *testing.T) {
	t.Parallel()
	w := ordered()
	w.Store.Change(fake.ID, func(m *record.Machine) { m.State.Generation = 3 }) // corrected
	later := fake.Start.Add(5 * time.Second)
	if got, err := handle(t, w, later, "revoke/order.json"); err != nil || got.(enforcement.Ordered).Outcome != "superseded" {
		t.Fatalf("order = %+v, %v, want superseded", got, err)
	}
	w.Never(t, "kms.RevokeGrant", "kms.DisableKey")
	m := w.Store.ByID[fake.ID]
	kept := w.Store.Leases[lease(*m.Taken, m).Name]
	if want := later.Add(inFlight); !kept.Until.Equal(want) || inFlight <= 30*time.Second {
		t.Errorf("the lease ends at %s, want %s, longer than the function's timeout", kept.Until, want)
	}
}

func TestOrderRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		make func(*fake.World)
		kind fault.Kind
	}{
		{"a key that is not guarded", func(w *fake.World) { w.Keys.Set(fake.KeyARN, func(k *kmskey.Key) { k.Guarded = false }) }, fault.Denied},
		{"a key that cannot be read", func(w *fake.World) { w.Fail("kms.Key", fake.Down) }, fault.Transient},
		{"no mode", func(w *fake.World) { w.Store.Change(fake.ID, func(m *record.Machine) { m.Taken.Mode = "" }) }, fault.Invalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := reserved()
			tt.make(w)
			_, err := order(t, w)
			fake.Kind(t, err, tt.kind)
			w.Never(t, "kms.DisableKey", "kms.RevokeGrant")
		})
	}
}

func TestOrderThatKMSRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		err  error
		kind fault.Kind
	}{
		{"throttled", fake.AWS(fault.Transient, "ThrottlingException"), fault.Transient},
		{"a key in another state", fake.AWS(fault.Conflict, "KMSInvalidStateException"), fault.Conflict},
		{"not allowed", fake.AWS(fault.Denied, "AccessDeniedException"), fault.Denied},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := reserved()
			w.Fail("kms.RevokeGrant", tt.err)
			_, err := order(t, w)
			fake.Kind(t, err, tt.kind)
			// Whether KMS did it is not known here: the order stays in the record, and confirm reads KMS back.
			if m := w.Store.ByID[fake.ID]; m.Taken.OrderedAt.IsZero() || m.State.Key != integrity.KeyRevoking {
				t.Errorf("taken = %+v, key %s, want the order noted and nothing more", m.Taken, m.State.Key)
			}
			// The retry asks again.
			if got, err := order(t, w); err != nil || got.Outcome != "ordered" {
				t.Errorf("the retry = %+v, %v", got, err)
			}
		})
	}
}

func TestOrderThatCannotBeNoted(t *testing.T) {
	t.Parallel()
	w := reserved()
	w.Fail("store.Apply", fake.Down)
	_, err := order(t, w)
	fake.Kind(t, err, fault.Transient)
	if got, err := order(t, w); err != nil || got.Outcome != "ordered" || len(w.Keys.Listed[fake.KeyARN]) > 0 {
		t.Errorf("the retry = %+v, %v", got, err)
	}

	w = reserved()
	w.Fail("store.Machine", fake.Down)
	_, err = order(t, w)
	fake.Kind(t, err, fault.Transient)
	w.Never(t, "kms.")

	w = reserved()
	for range 5 {
		w.Before("store.Apply", func() { w.Store.Change(fake.ID, func(*record.Machine) {}) })
	}
	_, err = order(t, w)
	fake.Kind(t, err, fault.Transient)
}

func TestMachineChangedWhileItsKeyWasTaken(t *testing.T) {
	t.Parallel()
	w := reserved()
	w.Before("kms.RevokeGrant", func() { w.Store.Change(fake.ID, func(m *record.Machine) { m.State.Generation = 3 }) })
	if got, err := order(t, w); err != nil || got.Outcome != "superseded" {
		t.Errorf("order = %+v, %v, want superseded", got, err)
	}
	if !strings.Contains(w.Logged(), "level=WARN") {
		t.Errorf("log = %s, want an error that people see", w.Logged())
	}
}

// An order and both read-backs, whatever happens between, ask KMS once to take and never to give.
func TestRevocationFromOrderToEnd(t *testing.T) {
	t.Parallel()
	for _, edit := range []func(*record.Machine){func(*record.Machine) {}, fake.Disable} {
		w := reserved(edit)
		if _, err := order(t, w); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			after time.Duration
			want  string
		}{{time.Second, "seen"}, {2 * time.Second, "seen"}, {11 * time.Second, "revoked"}, {30 * time.Second, "revoked"}} {
			if got, err := confirmed(t, w, fake.Start.Add(step.after)); err != nil || got.Outcome != step.want {
				t.Errorf("confirm after %v = %+v, %v, want %s", step.after, got, err, step.want)
			}
		}
		if n := len(w.Made("kms.RevokeGrant")) + len(w.Made("kms.DisableKey")); n != 1 {
			t.Errorf("KMS was asked %d times, want once", n)
		}
		if !slices.Equal(w.Store.Kinds(), []record.EntryKind{record.EntryOrdered, record.EntryConfirmed}) {
			t.Errorf("ledger = %v", w.Store.Kinds())
		}
	}
}

func confirmed(t *testing.T, w *fake.World, now time.Time) (enforcement.Confirmation, error) {
	t.Helper()
	out, err := handle(t, w, now, "revoke/confirm.json")
	return out.(enforcement.Confirmation), err
}

func TestWithdraw(t *testing.T) {
	t.Parallel()
	gone := func() *fake.World {
		w := fake.New()
		w.Store.Put(fake.Machine(func(m *record.Machine) { m.State.GoneAt, m.State.Generation = fake.Start, 2 }))
		w.Keys.Listed[fake.KeyARN] = []kmskey.Grant{
			{ID: "grant-0", Name: kmskey.GrantName(fake.ID, 1), Grantee: fake.Session},
			{ID: "older", Name: kmskey.GrantName(fake.ID, 0), Grantee: fake.Session},
			{ID: "by-hand", Name: "by-hand", Grantee: fake.Session},
		}
		return w
	}
	withdraw := func(w *fake.World) (enforcement.Ordered, error) {
		out, err := handle(t, w, fake.Start, "revoke/withdraw.json")
		return out.(enforcement.Ordered), err
	}
	w := gone()
	if got, err := withdraw(w); err != nil || got.Outcome != "ordered" {
		t.Errorf("withdraw = %+v, %v", got, err)
	}
	m := w.Store.ByID[fake.ID]
	if m.State.Key != integrity.KeyWithdrawn || m.Grant != "" || !slices.Equal(w.Store.Kinds(), []record.EntryKind{record.EntryWithdrawn}) {
		t.Errorf("machine %+v, ledger %v", m, w.Store.Kinds())
	}
	if got, want := w.Made("kms.RevokeGrant"), []string{"kms.RevokeGrant grant-0", "kms.RevokeGrant older"}; !slices.Equal(got, want) {
		t.Errorf("taken: %v, want ours alone: %v", got, want)
	}
	if got, err := withdraw(w); err != nil || got.Outcome != "nothing" || len(w.Store.Changes) != 1 {
		t.Errorf("the second = %+v, %v, %d changes, want nothing", got, err, len(w.Store.Changes))
	}

	w = gone()
	w.Store.Change(fake.ID, func(m *record.Machine) { m.State.Generation = 3 })
	if got, err := withdraw(w); err != nil || got.Outcome != "superseded" {
		t.Errorf("superseded = %+v, %v", got, err)
	}
	w.Never(t, "kms.")

	w = gone()
	w.Keys.Set(fake.KeyARN, func(k *kmskey.Key) { k.Guarded = false })
	_, err := withdraw(w)
	fake.Kind(t, err, fault.Denied)
	w.Never(t, "kms.RevokeGrant", "store.Apply")

	for _, call := range []string{"store.Machine", "kms.Key", "kms.Grants", "kms.RevokeGrant", "store.Apply"} {
		w = gone()
		w.Fail(call, fake.Down)
		_, err = withdraw(w)
		fake.Kind(t, err, fault.Transient)
	}
}
