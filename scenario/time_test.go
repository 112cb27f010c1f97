package scenario_test

import (
	"slices"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/record"
)

const month = 30 * 24 * time.Hour

// A month in one step: everything that falls due happens at its own instant.
func TestTimeIsMovedFarAhead(t *testing.T) {
	t.Parallel()
	t.Run("bad", func(t *testing.T) {
		t.Parallel()
		w := begin(t, setup{sweep: "rate(15 minutes)", integrity: "remind: 7d\nretry: {every: 30m, upTo: 5}"})
		due := w.violate()
		w.forward(month)
		m := w.wantRevoked(due)
		if late := m.Taken.OrderedAt.Sub(due); late > time.Minute {
			t.Errorf("ordered %s after the deadline", late)
		}
		for _, kind := range []record.EntryKind{record.EntryWarned, record.EntryIntent, record.EntryOrdered, record.EntryConfirmed} {
			if n := len(w.entries(kind)); n != 1 {
				t.Errorf("the ledger has %d entries %s, want 1", n, kind)
			}
		}
		kinds := w.kinds()
		reminders := len(slices.DeleteFunc(slices.Clone(kinds), func(k string) bool { return k != "reminder" }))
		if len(kinds) != reminders+2 || reminders < 2 || reminders > 4 {
			t.Errorf("a month of a revoked key brought the mails %v", kinds)
		}
		if n := m.State.Looks; n != 5 {
			t.Errorf("%d looks for a correction were asked for, want 5", n)
		}
	})
	t.Run("good", func(t *testing.T) {
		t.Parallel()
		w := begin(t, setup{sweep: "rate(15 minutes)"})
		before := len(w.guest.said())
		w.forward(2 * 24 * time.Hour)
		w.wantStanding("Good")
		w.wantKept()
		w.wantMails([]string{}...)
		if n := len(w.guest.said()) - before; n != 2 {
			t.Errorf("the daily schedule looked %d times in 2 days", n)
		}
		if n := len(w.ledger()); n != 3 { // enrolled, Good, released
			t.Errorf("two days in order made %d entries in the ledger", n)
		}
	})
}
