package scenario_test

import (
	"slices"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// A key that was taken and given back twice in a day is not taken a third time without a person.
func TestAFlappingKeyWaitsForAPerson(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	for range 2 {
		due := w.violate()
		w.until(due.Add(time.Minute))
		w.wantRevoked(due)
		w.correct()
		w.wantKeyBack()
	}
	due := w.violate()
	w.until(due.Add(time.Hour))
	w.wantHeld("flapping")
	if code := w.decrypt(w.own); code != "" {
		t.Errorf("decrypting fails with %s while a person is waited for", code)
	}
	w.wantText("held", "was taken and given back as often in 24 hours as the policy allows")
	w.forward(20 * time.Hour)
	if n := len(slices.DeleteFunc(w.kinds(), func(k string) bool { return k != "held" })); n != 1 {
		t.Errorf("the hold was told %d times", n)
	}
	w.operator.must("POST", "/v1/machines/"+machineID+"/resume", record.Reason{Reason: "the other team was told"}, nil)
	w.forward(20 * time.Minute)
	w.wantRevoked(due)
	if n := len(w.entries(record.EntryResumed)); n != 1 {
		t.Errorf("the ledger has %d entries of a person who let it go on", n)
	}
}

func (w *world) wantKeyBack() {
	w.t.Helper()
	if s := w.view().Machine.State; s.Key != integrity.KeyReleased || w.decrypt(w.own) != "" {
		w.t.Errorf("the key is %q, decrypting gives %q; want it back", s.Key, w.decrypt(w.own))
	}
}

// Passing once is not being in order, where the policy asks for more: the key comes back at the second pass.
func TestTheKeyComesBackAfterAsManyPassesAsThePolicyAsksFor(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{integrity: "restore: {after: 2}"})
	due := w.violate()
	w.until(due.Add(time.Minute))
	w.wantRevoked(due)
	w.correct()
	w.wantRevoked(due)
	w.forward(20 * time.Minute)
	w.wantKeyBack()
	w.wantMails("warning", "revoked", "restored")
}
