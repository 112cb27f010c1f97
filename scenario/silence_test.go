package scenario_test

import (
	"testing"
	"time"

	"github.com/keyward/keyward/local/faults"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

var silent = faults.Fault{Kind: faults.Silent, Machine: machineID}

func TestSilenceIsNeitherGuiltNorHealth(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{sweep: "rate(10 minutes)"})
	w.fault(silent)
	began := w.Clock().Now()
	w.check()
	w.forward(15 * time.Minute)
	if s := w.view().Machine.State; s.LastVerdict != "Unknown" || s.Standing != integrity.Good || s.SilentSince.IsZero() {
		t.Errorf("after an inspection without an answer: verdict %s, standing %q, silent since %s; want Unknown, Good still", s.LastVerdict, s.Standing, s.SilentSince)
	}
	w.wantMails("cannotCheck")
	w.until(began.Add(24*time.Hour + 25*time.Minute)) // the default time, and the look that ends it
	w.wantStanding(integrity.Unknown)
	w.wantHeld("silence")
	w.wantMails("cannotCheck", "held")
	w.forward(2 * time.Hour)
	w.wantKept()
	if n := len(w.entries(record.EntryIntent)); n != 0 {
		t.Errorf("the ledger has %d intents to revoke for silence", n)
	}
	if status, r := w.ask(); status != 202 {
		t.Errorf("a silent machine that asks for its key is answered %d %s", status, r.Reason)
	}

	w.clear()
	w.check()
	w.forward(10 * time.Minute)
	w.wantStanding("Good")
	if held := w.view().Machine.State.HeldFor; held != "" {
		t.Errorf("it answers again, and is held for %q", held)
	}
}

func TestSilenceCostsTheKeyOnlyWhereThePolicySaysSo(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{integrity: "silence: {after: 2h, then: revoke}"})
	w.fault(silent)
	began := w.Clock().Now()
	w.check()
	w.until(began.Add(2*time.Hour - time.Second))
	w.wantStanding("Good")
	w.wantMails("cannotCheck")
	w.until(began.Add(2*time.Hour + 20*time.Minute))
	s := w.view().Machine.State
	if !s.Silence || s.DueAt.Sub(s.WarnedAt) < grace || s.WarnedAt.Sub(began) < 2*time.Hour {
		t.Fatalf("silent since %s: warned at %s, due at %s, for silence %t; want a warning of its own and %s of grace", began, s.WarnedAt, s.DueAt, s.Silence, grace)
	}
	w.wantMails("cannotCheck", "warning")
	w.wantText("warning", "gave no answer")
	w.until(s.DueAt.Add(-time.Second))
	w.wantKept()
	w.until(s.DueAt.Add(15 * time.Minute)) // the look has to go without an answer first
	w.wantRevoked(s.DueAt)
}

// A machine that failed and falls silent before its deadline was not warned of that.
func TestSilenceDuringTheGraceIsHeld(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	due := w.violate()
	w.fault(silent)
	w.until(due.Add(time.Hour))
	w.wantHeld("silence", "unknown", "no-answer")
	w.wantKept()
	w.clear()
	w.check()
	w.forward(15 * time.Minute)
	w.wantRevoked(due)
}

// An answer that comes after SSM gave up is no evidence.
func TestALateAnswerIsNoEvidence(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	w.fault(silent)
	w.guest.listen(port)
	w.check()
	w.forward(10 * time.Minute)
	w.clear()
	w.settle()
	w.wantStanding("Good")
	w.wantMails("cannotCheck")
}
