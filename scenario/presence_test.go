package scenario_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/keyward/keyward/local"
	"github.com/keyward/keyward/shared/integrity"
)

// become changes the machine's state in EC2 and SSM, which is an event.
func (w *world) become(state string) {
	w.t.Helper()
	i := slices.IndexFunc(w.Machines(), func(m local.Machine) bool { return m.ID == machineID })
	m := w.Machines()[i]
	m.State = state
	if err := w.PutMachine(m); err != nil {
		w.t.Fatal(err)
	}
	w.settle()
}

func TestTheClockOfAStoppedMachinePauses(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{sweep: "rate(10 minutes)"})
	due := w.violate()
	w.forward(20 * time.Minute)
	w.become("stopped")
	w.check()
	w.forward(11 * time.Minute)
	frozen := w.view().Machine.State.FrozenSince
	if frozen.IsZero() {
		t.Fatal("a stopped machine was looked at, and its clock runs")
	}
	if status, r := w.ask(); status != http.StatusForbidden {
		t.Errorf("a stopped machine that asks for its key is answered %d %s", status, r.Reason)
	}
	w.until(due.Add(4 * time.Hour))
	w.wantKept()
	w.wantHeld("stopped")

	w.become("running") // and looked at for that
	s := w.view().Machine.State
	if !s.FrozenSince.IsZero() || s.DueAt.Sub(due) < s.Frozen.Truncate(time.Second) || s.Frozen < 4*time.Hour {
		t.Fatalf("it stood still for %s, and the deadline moved from %s to %s", s.Frozen, due, s.DueAt)
	}
	w.until(s.DueAt.Add(-time.Second))
	w.wantKept()
	w.until(s.DueAt.Add(15 * time.Minute))
	w.wantRevoked(s.DueAt)
}

func TestTheGrantOfATerminatedMachineIsWithdrawn(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{sweep: "rate(15 minutes)"})
	w.become("terminated")
	w.check()
	w.forward(16 * time.Minute)
	if n := len(w.grants()); n != 1 {
		t.Errorf("EC2 said once that the machine is gone, and it has %d grants", n)
	}
	w.forward(50 * time.Hour)
	if n := len(w.grants()); n != 0 {
		t.Errorf("the machine is gone and has %d grants", n)
	}
	if s := w.view().Machine.State; s.Key != integrity.KeyWithdrawn || s.GoneAt.IsZero() {
		t.Errorf("the key is %q, gone at %s", s.Key, s.GoneAt)
	}
	w.wantText("withdrawn", "This is no revocation")
	if kinds := w.kinds(); slices.Contains(kinds, "revoked") || slices.Contains(kinds, "warning") {
		t.Errorf("mails %v", kinds)
	}
	if code := w.decrypt(w.own); code != "AccessDeniedException" {
		t.Errorf("decrypting gives %q", code)
	}
}

// A machine that fails and is gone before its deadline costs nobody a revocation.
func TestATerminatedMachineStandsDown(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	due := w.violate()
	w.become("terminated")
	w.check()
	w.forward(6 * time.Minute)
	w.check()
	w.until(due.Add(20 * time.Minute))
	if s := w.view().Machine.State; s.Key != integrity.KeyWithdrawn {
		t.Errorf("the key is %q, held for %q", s.Key, s.HeldFor)
	}
	if slices.Contains(w.kinds(), "revoked") {
		t.Errorf("mails %v", w.kinds())
	}
	w.wantSane()
}
