package scenario_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/record"
)

// again ends the place and starts it on the same data.
func (w *world) again() {
	w.t.Helper()
	if err := w.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.start()
}

// The place ends at the worst moments, and goes on from where it was.
func TestARestartKeepsTheDeadline(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{data: filepath.Join(t.TempDir(), "data")})
	due := w.violate()
	w.forward(20 * time.Minute)
	before := w.Clock().Now()
	w.again()
	if now := w.Clock().Now(); now.Before(before) {
		t.Errorf("time went back from %s to %s", before, now)
	}
	if got := w.view().Machine.State.DueAt; !got.Equal(due) {
		t.Errorf("the deadline moved from %s to %s", due, got)
	}
	w.wantKept()
	w.wantMails("warning")
	for _, at := range []time.Duration{-time.Second, 5 * time.Second, 15 * time.Second} { // asleep, looking, between the read-backs
		w.until(due.Add(at))
		if at < 0 {
			w.wantKept()
		}
		w.again()
	}
	w.until(due.Add(15 * time.Minute))
	w.wantRevoked(due)
	w.wantMails("warning", "revoked")
	for _, kind := range []record.EntryKind{record.EntryIntent, record.EntryOrdered, record.EntryConfirmed} {
		if n := len(w.entries(kind)); n != 1 {
			t.Errorf("the ledger has %d entries %s", n, kind)
		}
	}
	w.again()
	w.wantRevoked(due)
	w.correct()
	w.wantStanding("Good")
	if code := w.decrypt(w.own); code != "" {
		t.Errorf("restored after all these starts, decrypting gives %q", code)
	}
	if kinds := w.kinds(); !slices.Equal(kinds, []string{"warning", "revoked", "restored"}) {
		t.Errorf("mails %v", kinds)
	}
}
