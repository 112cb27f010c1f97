package handler

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// ordered is a world in which KMS did what it was asked.
func ordered(edits ...func(*record.Machine)) *fake.World {
	w := reserved(edits...)
	w.Keys.Listed[fake.KeyARN] = nil
	if w.Store.ByID[fake.ID].Grant == "" {
		w.Keys.State(fake.KeyARN, "Disabled")
	}
	w.Store.Change(fake.ID, func(m *record.Machine) { m.Taken.OrderedAt = fake.Start })
	return w
}

func TestConfirmNeedsTwoReadsApart(t *testing.T) {
	t.Parallel()
	w := ordered()
	got, err := confirmed(t, w, fake.Start)
	m := w.Store.ByID[fake.ID]
	if err != nil || got.Outcome != "seen" || m.State.Key != integrity.KeyRevoking || !m.Taken.FirstRead.Equal(fake.Start) {
		t.Errorf("the first read = %+v, %v, taken %+v", got, err, m.Taken)
	}
	if got, _ = confirmed(t, w, fake.Start.Add(apart-time.Millisecond)); got.Outcome != "seen" || len(w.Store.Changes) != 1 {
		t.Errorf("a read too soon = %+v", got)
	}
	got, err = confirmed(t, w, fake.Start.Add(apart))
	m = w.Store.ByID[fake.ID]
	if err != nil || got.Outcome != "revoked" || m.State.Key != integrity.KeyRevoked || m.Grant != "" || m.Taken.ConfirmedAt.IsZero() {
		t.Errorf("the second read = %+v, %v, machine %+v", got, err, m)
	}
	if m.State.LookAt.IsZero() {
		t.Error("no look for a correction is asked for")
	}
	w.Never(t, "kms.RevokeGrant", "kms.DisableKey")
}

// An order whose answer was lost was given up before the first read, and its invocation may live for as long as the
// function's timeout: until then nobody gives the key back, which it would take again.
func TestConfirmKeepsTheLeaseWhileAnOrderMayBeOnItsWay(t *testing.T) {
	t.Parallel()
	for second, until := range map[time.Duration]time.Duration{apart: inFlight, inFlight - time.Second: inFlight, inFlight: 0, time.Minute: 0} {
		w := ordered()
		confirmed(t, w, fake.Start)
		if got, err := confirmed(t, w, fake.Start.Add(second)); err != nil || got.Outcome != "revoked" {
			t.Fatalf("read again after %s: %+v, %v", second, got, err)
		}
		m := w.Store.ByID[fake.ID]
		l := lease(*m.Taken, m)
		held := w.Store.Leases[l.Name]
		if left := held.Until.Sub(fake.Start); until > 0 && left != until || until == 0 && left > second {
			t.Errorf("read again after %s: the lease is kept until %s after the first read, want %s", second, left, until)
		}
	}
}

func TestConfirmSaysOtherWaysToTheKey(t *testing.T) {
	t.Parallel()
	w := ordered()
	w.Keys.Listed[fake.KeyARN] = []kmskey.Grant{{ID: "made-by-hand", Grantee: fake.Session}, {ID: "anothers", Grantee: "arn:aws:sts::123456789012:assumed-role/web/i-0"}}
	confirmed(t, w, fake.Start)
	got, err := confirmed(t, w, fake.Start.Add(apart))
	if err != nil || got.Outcome != "revoked" || !strings.Contains(got.Text, "1 others") || !strings.Contains(got.Text, "not effective") {
		t.Errorf("confirm = %+v, %v, want revoked, not effective", got, err)
	}
	if text := w.Store.Entries[0].Text; !strings.Contains(text, "not effective") {
		t.Errorf("ledger says %q", text)
	}
}

func TestConfirmThatTheMachineStillHasIt(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		make func() *fake.World
		text string
	}{
		{"the grant is listed", func() *fake.World {
			w := ordered()
			w.Keys.Listed[fake.KeyARN] = []kmskey.Grant{{ID: "grant-0", Grantee: fake.Session}}
			return w
		}, "still lists"},
		{"the key is enabled", func() *fake.World {
			w := ordered(fake.Disable)
			w.Keys.State(fake.KeyARN, "Enabled")
			return w
		}, "Enabled"},
		{"the key is in another state", func() *fake.World {
			w := ordered(fake.Disable)
			w.Keys.State(fake.KeyARN, "PendingDeletion")
			return w
		}, "PendingDeletion"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := tt.make()
			// A change needs up to five minutes to show.
			if got, err := confirmed(t, w, fake.Start.Add(patience-time.Second)); err != nil || got.Outcome != "seen" || len(w.Store.Changes) > 0 {
				t.Errorf("soon after the order: %+v, %v, want to be asked again", got, err)
			}
			got, err := confirmed(t, w, fake.Start.Add(patience))
			if err != nil || got.Outcome != "notRevoked" || !strings.Contains(got.Text, tt.text) {
				t.Errorf("confirm = %+v, %v, want notRevoked, %s", got, err, tt.text)
			}
			m := w.Store.ByID[fake.ID]
			if m.State.Key != integrity.KeyReleased || m.State.HeldFor != "not-revoked" || m.Taken != nil {
				t.Errorf("machine = %+v", m.State)
			}
			if !slices.Equal(w.Store.Kinds(), []record.EntryKind{record.EntryFailed}) {
				t.Errorf("ledger = %v", w.Store.Kinds())
			}
		})
	}
}

// The order failed before KMS was asked: at once it is known that nothing was taken.
func TestConfirmWithoutAnOrder(t *testing.T) {
	t.Parallel()
	w := reserved()
	if got, err := confirmed(t, w, fake.Start); err != nil || got.Outcome != "notRevoked" {
		t.Errorf("confirm = %+v, %v, want notRevoked", got, err)
	}
}

func TestConfirmOfAnIntentThatIsNoMore(t *testing.T) {
	t.Parallel()
	w := ordered()
	w.Store.Change(fake.ID, func(m *record.Machine) { m.State.Generation = 3 })
	if got, err := confirmed(t, w, fake.Start); err != nil || got.Outcome != "notRevoked" {
		t.Errorf("confirm = %+v, %v, want notRevoked", got, err)
	}
	w.Never(t, "kms.")
	if c := w.Store.Changes; len(c) != 1 || c[0].TakeLease == nil || !c[0].TakeLease.Until.Equal(fake.Start.Add(inFlight)) || len(c[0].Ledger) > 0 {
		t.Errorf("changes = %+v, want the lease to end soon and nothing else", c)
	}

	// The machine is corrected between the read and the write.
	for _, w := range []*fake.World{ordered(), reserved()} {
		w.Before("store.Policy", func() {})
		w.Before("store.Apply", func() { w.Store.Change(fake.ID, func(m *record.Machine) { m.State.Generation = 3 }) })
		if _, err := confirmed(t, w, fake.Start.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if m := w.Store.ByID[fake.ID]; m.State.Key != integrity.KeyRevoking || len(w.Store.Changes) > 0 {
			t.Errorf("machine = %+v, want it as the correction left it", m.State)
		}
	}
}

func TestConfirmFails(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"store.Machine", "store.Policy", "kms.Grants", "store.Apply"} {
		w := ordered()
		w.Fail(call, fake.Down)
		_, err := confirmed(t, w, fake.Start)
		fake.Kind(t, err, fault.Transient)
	}
	w := ordered(fake.Disable)
	w.Fail("kms.Key", fake.Down)
	_, err := confirmed(t, w, fake.Start)
	fake.Kind(t, err, fault.Transient)

	w = ordered()
	w.Store.PutPolicyText("policy: web-tier\nrules: no list\n")
	if got, err := confirmed(t, w, fake.Start); err != nil || got.Outcome != "seen" {
		t.Errorf("a policy that cannot be read any more: %+v, %v, want seen", got, err)
	}

	w = ordered()
	delete(w.Store.ByName, "web-tier")
	if got, err := confirmed(t, w, fake.Start); err != nil || got.Outcome != "seen" {
		t.Errorf("a policy that is gone: %+v, %v, want seen", got, err)
	}
}
