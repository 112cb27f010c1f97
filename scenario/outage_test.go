package scenario_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/local"
	"github.com/keyward/keyward/local/faults"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// breakable is a build whose program of one function can be replaced, as a bad deployment does.
func breakable(t *testing.T, function string) string {
	t.Helper()
	dir := t.TempDir()
	for _, logical := range functions {
		own := filepath.Join(dir, logical+"Function")
		if err := os.Mkdir(own, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(built, logical+"Function", "bootstrap"), filepath.Join(own, "bootstrap")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, function+"Function")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// deploy starts the place anew with a program of one function that works, or that ends at once.
func (w *world) deploy(function string, works bool) {
	w.t.Helper()
	program := filepath.Join(w.setup.build, function+"Function", "bootstrap")
	if err := os.Remove(program); err != nil {
		w.t.Fatal(err)
	}
	real := filepath.Join(built, function+"Function", "bootstrap")
	err := os.Symlink(real, program)
	if !works {
		err = os.Remove(program)
		if err == nil {
			err = os.WriteFile(program, []byte("#!/bin/sh\nexit 1\n"), 0o700)
		}
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.again()
}

// outages are the mails to the account that machines could not be looked at.
func (w *world) outages() int {
	w.t.Helper()
	return len(slices.DeleteFunc(w.kinds(), func(k string) bool { return k != "outage" }))
}

// The sweep does not run for three hours, over the deadline: nothing is revoked while it does not, and what
// it finds then is that the deadline moves by that time.
func TestControllerDowntimeFreezesDeadlines(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{data: filepath.Join(t.TempDir(), "data"), build: breakable(t, "Sweep")})
	w.forward(10 * time.Minute)
	due := w.violate()
	w.deploy("Sweep", false)
	broken := w.Clock().Now()
	w.forward(3 * time.Hour)
	w.wantKept()
	w.wantMails("warning")
	w.deploy("Sweep", true)
	w.forward(6 * time.Minute)
	s := w.view().Machine.State
	if s.DueAt.Sub(due) < 3*time.Hour-time.Second || s.DueAt.Sub(due) > 3*time.Hour+20*time.Minute {
		t.Fatalf("broken from %s to %s: the deadline moved from %s to %s", broken, w.Clock().Now(), due, s.DueAt)
	}
	if n := w.outages(); n != 1 {
		t.Errorf("%d mails say so", n)
	}
	w.wantText("outage", "Keyward itself did not run from")
	if n := len(w.entries(record.EntryMoved)); n != 1 {
		t.Errorf("the ledger has %d entries of moved clocks", n)
	}
	w.until(s.DueAt.Add(-time.Second))
	w.wantKept()
	w.until(s.DueAt.Add(15 * time.Minute))
	w.wantRevoked(s.DueAt)
	if n := w.outages(); n != 1 {
		t.Errorf("%d mails say so in the end", n)
	}
}

// SSM throttles: that is Unknown and no failure, nothing is revoked, and the clock stands still until the
// machine can be looked at.
func TestThrottleIsUnknownNotFail(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	throttled := faults.Fault{Kind: faults.Throttle, Service: "ssm"}
	w.fault(throttled)
	w.guest.listen(port)
	w.forward(2 * time.Hour)
	w.wantStanding("Good")
	w.wantMails([]string{}...)
	w.clear()
	due := w.violate()
	w.until(due.Add(-time.Minute))
	w.fault(throttled)
	w.until(due.Add(3 * time.Hour))
	w.wantKept()
	w.wantHeld("cannot-look")
	w.wantMails("warning", "outage")
	w.clear()
	w.forward(40 * time.Minute)
	s := w.view().Machine.State
	if s.DueAt.Sub(due) < 2*time.Hour+50*time.Minute || s.HeldFor != "" {
		t.Errorf("nobody could look for 3 h: the deadline moved from %s to %s, held for %q", due, s.DueAt, s.HeldFor)
	}
	w.until(s.DueAt.Add(20 * time.Minute))
	w.wantRevoked(s.DueAt)
	w.wantMails("warning", "outage", "revoked")
}

// Three machines of one policy fall silent at once: the fourth, which fails, keeps its key meanwhile.
func TestManySilentMachinesAreAnOutage(t *testing.T) {
	t.Parallel()
	others := []string{otherID, "i-0abcdef1234567891", "i-0abcdef1234567892"}
	var inventory []local.Machine
	for _, id := range others {
		inventory = append(inventory, local.Machine{ID: id, Answer: (&guest{}).answer, Tags: guarded})
	}
	w := begin(t, setup{others: inventory})
	for _, id := range others {
		w.enrol(id)
		w.operator.must("POST", "/v1/machines/"+id+"/check", nil, nil)
	}
	w.forward(10 * time.Minute) // an answer that is there before its command is recorded is found by the sweep
	due := w.violate()
	for _, id := range others {
		w.fault(faults.Fault{Kind: faults.Silent, Machine: id})
		w.operator.must("POST", "/v1/machines/"+id+"/check", nil, nil)
	}
	w.until(due.Add(2 * time.Hour))
	w.wantKept()
	if s := w.view().Machine.State; s.HeldFor != "" || !s.DueAt.After(w.Clock().Now()) {
		t.Errorf("many are silent: due at %s, held for %q", s.DueAt, s.HeldFor)
	}
	if n := w.outages(); n != 1 {
		t.Errorf("%d mails say so", n)
	}
	w.wantText("outage", "3 of 4 machines of policy web give no usable answer at once")
	w.wantText("outage", "machines whose own mails wait for its end: 3")
	if kinds := w.kinds(); slices.Contains(kinds, "cannotCheck") {
		t.Errorf("mails %v, want none about a single machine within an outage that is told", kinds)
	}
	var status record.Status
	w.operator.must("GET", "/v1/status", nil, &status)
	if p, ok := status.Paused["web"]; !ok || !strings.Contains(p.Why, "3 of 4") || status.SweptAt.IsZero() {
		t.Errorf("status = %+v", status)
	}
	w.clear()
	for _, id := range others {
		w.operator.must("POST", "/v1/machines/"+id+"/check", nil, nil)
	}
	w.forward(10 * time.Minute)
	s := w.view().Machine.State
	w.until(s.DueAt.Add(20 * time.Minute))
	w.wantRevoked(s.DueAt)
	if kinds := w.kinds(); slices.Contains(kinds, "cannotCheck") {
		t.Errorf("mails %v, want none about machines that answer again", kinds)
	}
}

// A machine that failed stops its agent: it does not get away with that, nor does it lose its key for it where
// the policy holds.
func TestAgentStoppedIsNotAnEscape(t *testing.T) {
	t.Parallel()
	t.Run("held and told", func(t *testing.T) {
		t.Parallel()
		w := begin(t, setup{})
		due := w.violate()
		w.forward(10 * time.Minute)
		w.fault(silent)
		w.until(due.Add(3 * time.Hour))
		w.wantStanding("Bad")
		w.wantHeld("no-answer", "unknown", "silence")
		w.wantKept()
		if kinds := w.kinds(); !slices.Contains(kinds, "held") {
			t.Errorf("nobody was told: %v", kinds)
		}
		w.clear() // the agent is started again, and the machine still fails: the old deadline counts
		w.forward(45 * time.Minute)
		w.wantRevoked(due)
	})
	t.Run("revoked", func(t *testing.T) {
		t.Parallel()
		w := begin(t, setup{integrity: "silence: {after: 2h, then: revoke}"})
		due := w.violate()
		w.forward(10 * time.Minute)
		w.fault(silent)
		w.until(due.Add(30 * time.Minute))
		w.wantKept()
		w.forward(3 * time.Hour)
		s := w.view().Machine.State
		if !s.Silence || s.DueAt.Before(s.WarnedAt.Add(grace)) {
			t.Fatalf("silent since before the deadline: %+v; want a warning of its own with the whole grace", s)
		}
		w.until(s.DueAt.Add(20 * time.Minute))
		w.wantRevoked(s.DueAt)
		if s := w.view().Machine.State; s.Standing != integrity.Bad {
			t.Errorf("standing %q", s.Standing)
		}
	})
}
