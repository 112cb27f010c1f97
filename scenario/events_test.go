package scenario_test

import (
	"sync"
	"testing"
	"time"

	"github.com/keyward/keyward/local/faults"
	"github.com/keyward/keyward/shared/record"
)

const commandNews = "EC2 Command Status-change Notification"

func (w *world) wantOneWarning() {
	w.t.Helper()
	w.wantStanding("Bad")
	w.wantMails("warning")
	if n := len(w.entries(record.EntryWarned)); n != 1 {
		w.t.Errorf("the ledger has %d warnings", n)
	}
}

func TestTwoChecksAtOnce(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{atOnce: 3})
	w.guest.listen(port)
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			if status, body := w.operator.call("POST", "/v1/machines/"+machineID+"/check", nil, nil); status != 202 {
				t.Errorf("check = %d %s", status, body)
			}
		})
	}
	both.Wait()
	w.forward(10 * time.Minute)
	if n := len(w.guest.said()); n != 3 {
		t.Errorf("the machine was looked at %d times, want once at the beginning and twice now", n)
	}
	w.wantOneWarning()
	due := w.view().Machine.State.DueAt
	w.until(due.Add(2 * time.Minute))
	w.wantRevoked(due)
}

func TestDoubledEvents(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{atOnce: 3})
	w.fault(faults.Fault{Kind: faults.Duplicate})
	due := w.violate()
	w.wantOneWarning()
	w.until(due.Add(2 * time.Minute))
	w.wantRevoked(due)
	w.wantMails("warning", "revoked")
	w.correct()
	w.wantStanding("Good")
	w.wantMails("warning", "revoked", "restored")
	if n := len(w.grants()); n != 1 {
		t.Errorf("the machine has %d grants", n)
	}
}

func TestLostEvents(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	w.fault(faults.Fault{Kind: faults.Drop, DetailType: commandNews})
	w.guest.listen(port)
	w.check()
	w.wantStanding("Good") // nobody told evaluate
	w.forward(8 * time.Minute)
	w.wantOneWarning() // the sweep did
	due := w.view().Machine.State.DueAt
	w.until(due.Add(-time.Second))
	w.wantKept()
	w.until(due.Add(15 * time.Minute))
	w.wantRevoked(due)
	w.wantMails("warning", "revoked")
	w.guest.listen()
	w.forward(50 * time.Minute)
	w.wantStanding("Good")
	w.wantMails("warning", "revoked", "restored")
}

// The last look finds the machine in order.
func TestALastLookThatPassesStandsDown(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	due := w.violate()
	w.until(due.Add(-time.Second))
	w.guest.listen()
	w.forward(2 * time.Minute)
	w.wantStanding("Good")
	w.wantKept()
	w.wantMails("warning", "stoodDown")
	w.forward(2 * time.Hour)
	w.wantKept()
	w.wantMails("warning", "stoodDown")
	w.wantSane()
}
