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
	"github.com/keyward/keyward/shared/record"
)

// A hold that a person sets after the decision is still in time until KMS is asked.
func TestHoldBeforeTheOrder(t *testing.T) {
	t.Parallel()
	for _, scope := range record.Scopes(fake.ID, "web-tier") {
		w := reserved()
		w.Store.Held[scope] = record.Hold{Scope: scope}
		_, err := order(t, w)
		fake.Kind(t, err, fault.Transient)
		w.Never(t, "kms.RevokeGrant", "kms.DisableKey")
		if m := w.Store.ByID[fake.ID]; !m.Taken.OrderedAt.IsZero() || len(w.Store.Entries) > 0 {
			t.Errorf("%s: taken %+v, ledger %v, want no order", scope, m.Taken, w.Store.Kinds())
		}
		if got, err := confirmed(t, w, fake.Start.Add(time.Second)); err != nil || got.Outcome != "notRevoked" || w.Store.ByID[fake.ID].State.Key != integrity.KeyReleased {
			t.Errorf("%s: confirm = %+v, %v, want notRevoked", scope, got, err)
		}
	}
}

// The record that KMS is asked stands before it is.
func TestOrderIsWrittenFirst(t *testing.T) {
	t.Parallel()
	w := reserved()
	written := time.Time{}
	w.Before("kms.RevokeGrant", func() { written = w.Store.ByID[fake.ID].Taken.OrderedAt })
	if _, err := order(t, w); err != nil || !written.Equal(fake.Start) {
		t.Errorf("order: %v; written %v when KMS was asked, want %v", err, written, fake.Start)
	}
}

func TestOrderTakesEveryGrant(t *testing.T) {
	t.Parallel()
	w := reserved()
	w.Store.Change(fake.ID, func(m *record.Machine) { m.Taken.Grants = []string{"grant-0", "grant-9"} })
	w.Fail("kms.RevokeGrant", nil, fake.Down)
	_, err := order(t, w)
	fake.Kind(t, err, fault.Transient)
	w.Forget()
	if got, err := order(t, w); err != nil || got.Outcome != "ordered" {
		t.Errorf("the retry = %+v, %v", got, err)
	}
	if got, want := w.Made("kms.RevokeGrant"), []string{"kms.RevokeGrant grant-0", "kms.RevokeGrant grant-9"}; !slices.Equal(got, want) {
		t.Errorf("taken %v, want %v", got, want)
	}
	if e := w.Store.Entries; len(e) != 1 || !strings.Contains(e[0].Text, "2 grants") || e[0].Detail != "grant-0 grant-9" {
		t.Errorf("ledger = %+v, want one order of both", e)
	}
}

// Whoever finds its intent gone gives the lease back: the restore that follows need not wait for its end.
func TestSupersededGivesTheLeaseBack(t *testing.T) {
	t.Parallel()
	for name, task := range map[string]func(w *fake.World) error{
		"order":   func(w *fake.World) error { _, err := order(t, w); return err },
		"confirm": func(w *fake.World) error { _, err := confirmed(t, w, fake.Start); return err },
	} {
		w := reserved()
		w.Store.Change(fake.ID, func(m *record.Machine) { m.State.Generation, m.State.CorrectedAt = 3, fake.Start })
		if err := task(w); err != nil {
			t.Fatal(err)
		}
		for _, l := range w.Store.Leases {
			if l.Until.After(fake.Start) {
				t.Errorf("%s: lease = %+v, want it given back", name, l)
			}
		}
		// It is no error when somebody else has it by now.
		w = reserved()
		w.Store.Change(fake.ID, func(m *record.Machine) { m.State.Generation = 3 })
		for n := range w.Store.Leases {
			w.Store.Leases[n] = record.Lease{Name: n, Holder: "restore", Until: fake.Start.Add(time.Minute)}
		}
		if err := task(w); err != nil || !strings.Contains(w.Logged(), "lease is left") {
			t.Errorf("%s: %v, log %s", name, err, w.Logged())
		}
	}
}

func TestOrderThatCannotBeReadAgain(t *testing.T) {
	t.Parallel()
	w := reserved()
	w.Fail("store.Machine", nil, nil, fake.Down)
	_, err := order(t, w)
	fake.Kind(t, err, fault.Transient)
	if got, err := order(t, w); err != nil || got.Outcome != "ordered" || len(w.Store.Entries) != 1 {
		t.Errorf("the retry = %+v, %v, %d entries, want one order", got, err, len(w.Store.Entries))
	}
	// The intent goes between the first read and the record.
	w = reserved()
	w.Before("kms.Key", func() { w.Store.Change(fake.ID, func(m *record.Machine) { m.State.Generation = 3 }) })
	if got, err := order(t, w); err != nil || got.Outcome != "superseded" {
		t.Errorf("order = %+v, %v, want superseded", got, err)
	}
	w.Never(t, "kms.RevokeGrant")
}

func TestWithdrawFromAMachineThatCameBack(t *testing.T) {
	t.Parallel()
	w := fake.New()
	w.Store.Put(fake.Machine(func(m *record.Machine) { m.State.Generation = 2 }))
	w.Keys.Listed[fake.KeyARN] = []kmskey.Grant{{ID: "grant-0", Name: kmskey.GrantName(fake.ID, 1), Grantee: fake.Session}}
	got, err := handle(t, w, fake.Start, "revoke/withdraw.json")
	if err != nil || got.(enforcement.Ordered).Outcome != "superseded" {
		t.Errorf("withdraw = %+v, %v, want superseded", got, err)
	}
	w.Never(t, "kms.")

	// Its key is gone with it.
	w.Store.Change(fake.ID, func(m *record.Machine) { m.State.GoneAt = fake.Start })
	clear(w.Keys.ByARN)
	got, err = handle(t, w, fake.Start, "revoke/withdraw.json")
	if err != nil || got.(enforcement.Ordered).Outcome != "nothing" || w.Store.ByID[fake.ID].State.Key != integrity.KeyWithdrawn {
		t.Errorf("without a key: %+v, %v, key %s", got, err, w.Store.ByID[fake.ID].State.Key)
	}
}

// A waiver that a person sets after the decision is heeded too until KMS is asked: the order asks that none was
// set since the intent was written.
func TestWaiverBeforeTheOrder(t *testing.T) {
	t.Parallel()
	for _, scope := range record.Scopes(fake.ID, "web-tier") {
		w := reserved()
		w.Store.Change(fake.ID, func(m *record.Machine) { m.Taken.Waivers = fake.Unrevised() })
		w.Store.Waive(fake.Waiver(func(w *record.Waiver) { w.Scope = scope }))
		_, err := order(t, w)
		fake.Kind(t, err, fault.Transient)
		w.Never(t, "kms.RevokeGrant", "kms.DisableKey")
		if m := w.Store.ByID[fake.ID]; !m.Taken.OrderedAt.IsZero() || len(w.Store.Entries) > 0 {
			t.Errorf("%s: taken %+v, ledger %v, want no order", scope, m.Taken, w.Store.Kinds())
		}
		if got, err := confirmed(t, w, fake.Start.Add(time.Second)); err != nil || got.Outcome != "notRevoked" || w.Store.ByID[fake.ID].State.Key != integrity.KeyReleased {
			t.Errorf("%s: confirm = %+v, %v, want notRevoked", scope, got, err)
		}
	}
	w := reserved() // a waiver for another machine is none of its business
	w.Store.Change(fake.ID, func(m *record.Machine) { m.Taken.Waivers = fake.Unrevised() })
	w.Store.Waive(fake.Waiver(func(w *record.Waiver) { w.Scope = "machine:" + fake.Other }))
	if got, err := order(t, w); err != nil || got.Outcome != "ordered" {
		t.Errorf("order = %+v, %v, want it ordered", got, err)
	}
}
