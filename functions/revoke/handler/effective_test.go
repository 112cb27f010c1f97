package handler

import (
	"slices"
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/record"
)

// Effective is said by the machine, when the policy wants that and its lock of this very revocation was read back.
func TestEffectiveSaysTheMachine(t *testing.T) {
	t.Parallel()
	const lock = "key: {mode: revoke-grant, lock: true, effect: lock}\n  safeguard: {mappings: [data]}"
	locked := func(generation int64) func(*record.Machine) {
		return func(m *record.Machine) {
			m.Safeguard = &record.Safeguard{Generation: generation, BeforeAt: fake.Start, LockedAt: fake.Start}
		}
	}
	for name, c := range map[string]struct {
		policy string
		edit   func(*record.Machine)
		want   string
	}{
		"locked":               {lock, locked(2), record.ByMachine},
		"an earlier lock":      {lock, locked(1), ""},
		"not locked":           {lock, func(m *record.Machine) { m.Safeguard = &record.Safeguard{Generation: 2} }, ""},
		"nothing done":         {lock, func(*record.Machine) {}, ""},
		"the policy says none": {"key: {mode: revoke-grant}", locked(2), ""},
	} {
		w := reserved(c.edit)
		w.Store.PutPolicyText(fake.Policy("key: {mode: revoke-grant}", c.policy))
		if _, err := order(t, w); err != nil {
			t.Fatal(err)
		}
		at := fake.Start
		for range 2 {
			if _, err := handle(t, w, at, "revoke/confirm.json"); err != nil {
				t.Fatal(err)
			}
			at = at.Add(apart)
		}
		taken := w.Store.ByID[fake.ID].Taken
		if taken.ConfirmedAt.IsZero() || !taken.InForceAt.Equal(taken.ConfirmedAt.Add(5*time.Minute)) {
			t.Errorf("%s: confirmed %v, in force %v", name, taken.ConfirmedAt, taken.InForceAt)
		}
		if taken.EffectiveBy != c.want || taken.EffectiveAt.IsZero() != (c.want == "") {
			t.Errorf("%s: effective %v, says %q, want %q", name, taken.EffectiveAt, taken.EffectiveBy, c.want)
		}
		told := slices.ContainsFunc(w.Store.Entries, func(e record.Entry) bool { return e.Kind == record.EntryEffective })
		if told != (c.want != "") {
			t.Errorf("%s: the ledger says effective: %t", name, told)
		}
	}
}
