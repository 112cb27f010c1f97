package scenario_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// Every point on the way from the deadline to a told revocation at which a function can die. Whatever
// it did before, one revocation comes of it, not early, and nobody is told of it before it is one.
func TestACrashMakesNoSecondRevocation(t *testing.T) {
	t.Parallel()
	take := map[policy.Mode]string{policy.RevokeGrant: "RevokeGrant", policy.DisableKey: "DisableKey"}
	for mode, operation := range take {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			crashes(t, mode, "Revoke", []point{
				{"Revoke", operation, "before", 1}, {"Revoke", operation, "after", 1},
				{"Revoke", "write", "before", 1}, {"Revoke", "write", "after", 1}, // that it was ordered
				{"Revoke", "write", "before", 2}, {"Revoke", "write", "after", 2}, // first read-back
				{"Revoke", "write", "before", 3}, {"Revoke", "write", "after", 3}, // second
			})
		})
	}
	t.Run("recheck", func(t *testing.T) {
		t.Parallel()
		crashes(t, "", "Recheck", []point{
			{"Recheck", "SendCommand", "before", 1}, {"Recheck", "write", "before", 1}, {"Recheck", "write", "after", 1}, // the look
			{"Recheck", "write", "before", 2}, {"Recheck", "write", "after", 2}, // the intent
		})
	})
	t.Run("evaluate", func(t *testing.T) {
		t.Parallel()
		crashes(t, "", "Evaluate", []point{
			{"Evaluate", "ListCommandInvocations", "after", 1},
			{"Evaluate", "write", "before", 1}, {"Evaluate", "write", "after", 1}, {"Evaluate", "write", "before", 2}, {"Evaluate", "write", "after", 2},
		})
	})
}

func crashes(t *testing.T, mode policy.Mode, function string, points []point) {
	w := begin(t, setup{mode: mode, integrity: "changes: 100", build: mortal(t, function)})
	for round, p := range points {
		due := w.violate()
		w.until(due.Add(-time.Second))
		if p.function == "Recheck" {
			w.guest.hurry() // the command may never be written down
		}
		w.crash(p)
		w.until(due.Add(12 * time.Minute))
		w.wantCrashed(p)
		w.wantRevoked(due)
		for _, kind := range []record.EntryKind{record.EntryIntent, record.EntryOrdered, record.EntryConfirmed} {
			if n := len(w.entries(kind)); n != round+1 {
				t.Fatalf("%s: the ledger has %d entries %s after %d revocations", p, n, kind, round+1)
			}
		}
		if n := strings.Count(strings.Join(w.kinds(), " "), "revoked"); n != round+1 {
			t.Fatalf("%s: %d mails say that the key was revoked, after %d revocations", p, n, round+1)
		}
		w.guest.take(w.recorded)
		w.correct()
		w.wantStanding("Good")
		if code := w.decrypt(w.own); code != "" {
			t.Fatalf("%s: after the restore decrypting fails with %s", p, code)
		}
	}
}

// What was decided is written down before it is done, so that a crash after the verdict delays what
// follows and loses nothing.
func TestACrashAfterTheVerdictLosesNothing(t *testing.T) {
	t.Parallel()
	for _, p := range []point{
		{"Evaluate", "write", "before", 1}, {"Evaluate", "write", "after", 1},
		{"Evaluate", "StartExecution", "before", 1}, {"Evaluate", "StartExecution", "after", 1},
		{"Evaluate", "write", "before", 2}, {"Evaluate", "write", "after", 2}, {"Evaluate", "write", "after", 3},
	} {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			w := begin(t, setup{build: mortal(t, "Evaluate")})
			w.guest.listen(port)
			w.crash(p)
			w.check()
			w.wantCrashed(p)
			w.forward(10 * time.Minute)
			w.wantStanding("Bad")
			w.wantMails("warning")
			w.wantKept()
			w.until(w.view().Machine.State.DueAt.Add(time.Minute))
			w.wantRevoked(w.view().Machine.State.DueAt)
		})
	}
}

// News that nobody waits for are written down too: the sweep sends what a crash left.
func TestACrashAfterACorrectionIsToldOf(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{build: mortal(t, "Evaluate")})
	w.violate()
	p := point{"Evaluate", "StartExecution", "before", 1}
	w.crash(p)
	w.correct()
	w.wantCrashed(p)
	w.wantStanding("Good")
	w.wantMails("warning")
	w.forward(6 * time.Minute)
	w.wantMails("warning", "stoodDown")
	w.wantKept()
}

// A mail goes out at least once. Only a crash after SES had it makes a second one, and that says so.
func TestACrashOfNotifyRepeatsAMailAtMost(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		point
		copies int
	}{
		{point{"Notify", "write", "before", 1}, 1}, {point{"Notify", "write", "after", 1}, 1},
		{point{"Notify", "write", "before", 2}, 1}, {point{"Notify", "write", "after", 2}, 1},
		{point{"Notify", "outbound-emails", "before", 1}, 1}, {point{"Notify", "outbound-emails", "after", 1}, 2},
		{point{"Notify", "write", "before", 3}, 2}, {point{"Notify", "write", "after", 3}, 1},
		{point{"Notify", "write", "before", 4}, 1}, {point{"Notify", "write", "after", 4}, 1},
	} {
		t.Run(c.point.String(), func(t *testing.T) {
			t.Parallel()
			w := begin(t, setup{build: mortal(t, "Notify")})
			w.guest.listen(port)
			w.crash(c.point)
			w.check()
			w.forward(2 * time.Minute)
			w.wantCrashed(c.point)
			mails := w.mails()
			if len(mails) != c.copies {
				t.Fatalf("%d mails were sent, want %d", len(mails), c.copies)
			}
			if s := w.view().Machine.State; s.DueAt.Sub(s.WarnedAt) < grace || len(w.entries(record.EntryWarned)) != 1 {
				t.Errorf("warned at %s, due at %s; want one warning and the whole grace", s.WarnedAt, s.DueAt)
			}
			if c.copies < 2 {
				return
			}
			first, second := mails[0], mails[1]
			if first.reference() != second.reference() {
				t.Errorf("the second mail has reference %s, the first %s", second.reference(), first.reference())
			}
			if a, b := repeated(first), repeated(second); a || !b {
				t.Errorf("marked as repeated: the first %t, the second %t; want only the second", a, b)
			}
		})
	}
}

func repeated(m mail) bool { return strings.Contains(strings.ToLower(m.Subject+m.Text), "repeat") }

func TestACrashOfTheRestoreGivesBackOnce(t *testing.T) {
	t.Parallel()
	give := map[policy.Mode]string{policy.RevokeGrant: "CreateGrant", policy.DisableKey: "EnableKey"}
	for mode, operation := range give {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			w := begin(t, setup{mode: mode, integrity: "changes: 100", build: mortal(t, "Restore")})
			for round, p := range []point{
				{"Restore", operation, "before", 1}, {"Restore", operation, "after", 1},
				{"Restore", "write", "after", 1},
				{"Restore", "write", "before", 2}, {"Restore", "write", "after", 2},
			} {
				due := w.violate()
				w.until(due.Add(2 * time.Minute))
				w.wantRevoked(due)
				w.crash(p)
				w.correct()
				w.forward(5 * time.Minute)
				w.wantCrashed(p)
				w.wantStanding("Good")
				if code := w.decrypt(w.own); code != "" {
					t.Fatalf("%s: decrypting fails with %s; held for %q", p, code, w.view().Machine.State.HeldFor)
				}
				if n := len(w.entries(record.EntryRestored)); n != round+1 {
					t.Fatalf("%s: %d restores in the ledger after %d", p, n, round+1)
				}
				if n := len(w.grants()); mode == policy.RevokeGrant && n != 1 {
					t.Fatalf("%s: the machine has %d grants, want 1", p, n)
				}
			}
		})
	}
}

func TestACrashOfARequestGrantsOnce(t *testing.T) {
	t.Parallel()
	w := empty(t, setup{build: mortal(t, "Request")})
	w.createKey()
	w.operator.must("PUT", "/v1/policies/web", w.setup.policy(), nil)
	w.enrol(machineID)
	w.check()
	for _, p := range []point{
		{"Request", "write", "after", 1}, {"Request", "CreateGrant", "before", 1}, {"Request", "CreateGrant", "after", 1},
		{"Request", "write", "before", 2}, {"Request", "write", "after", 2},
	} {
		w.crash(p)
		if status, _ := w.machine.call("POST", "/v1/key-requests", map[string]string{"bootId": bootID}, nil); status < 500 {
			t.Errorf("%s: the machine is answered %d", p, status)
		}
		w.wantCrashed(p)
		status, r := w.ask()
		if n := len(w.grants()); status != http.StatusOK || n != 1 {
			t.Fatalf("%s: asked again, the machine is answered %d %s and has %d grants", p, status, r.Reason, n)
		}
	}
}

func TestACrashOfInspectAsksAgain(t *testing.T) {
	t.Parallel()
	for _, p := range []point{{"Inspect", "SendCommand", "before", 1}, {"Inspect", "SendCommand", "after", 1}, {"Inspect", "write", "after", 1}} {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			w := begin(t, setup{build: mortal(t, "Inspect")})
			w.guest.listen(port)
			w.guest.hurry()
			w.crash(p)
			w.check()
			w.wantCrashed(p)
			w.guest.take(w.recorded)
			w.forward(time.Minute)
			w.forward(8 * time.Minute)
			w.wantStanding("Bad")
			w.wantMails("warning")
		})
	}
}
