package scenario_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/keyward/keyward/local/faults"
)

// Snapshots that EC2 refuses: held, and nothing is locked or revoked.
func TestFailingSnapshotHolds(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{key: "snapshot: true"})
	w.fault(faults.Fault{Kind: "error", Service: "ec2", Operation: "CreateSnapshots", Code: "SnapshotCreationPerVolumeRateExceeded", Message: "no"})
	due := w.violate()
	w.until(due.Add(5 * time.Minute))
	w.wantHeld("snapshot-failed")
	w.wantKept()
	w.wantText("held", "the snapshots before the revocation were not made")
	w.clear()
	w.forward(45 * time.Minute)
	w.wantRevoked(due)
}

// resting is a policy whose unit brings the application to rest for the snapshots.
func resting(more string) setup {
	return setup{key: "snapshot: true", integrity: "safeguard: {quiesce: backup.service" + more + "}"}
}

// The application is at rest when EC2 is asked, and goes on before anybody waits for EC2.
func TestSnapshotsOfAnApplicationAtRest(t *testing.T) {
	t.Parallel()
	w := begin(t, resting(""))
	w.guest.rest.before("quiesce", func() {
		if n := len(w.snapshots()); n != 0 {
			t.Errorf("%d snapshots before the application was at rest", n)
		}
	})
	w.guest.rest.before("resume", func() {
		snaps := w.snapshots()
		if len(snaps) != 1 || snaps[0].State == types.SnapshotStateCompleted {
			t.Errorf("snapshots = %+v, want one that was begun and nobody waited for", snaps)
		}
		if w.guest.rest.state("backup.service") != "active" {
			t.Error("the application was not at rest when they were begun")
		}
	})
	due := w.violate()
	w.until(due.Add(5 * time.Minute))
	m := w.wantRevoked(due)
	w.wantStory("snapshot snapshot snapshot snapshot snapshot snapshot intent ordered confirmed")
	if got := w.guest.rest.actions(); got != "quiesce resume" || w.guest.rest.state("backup.service") != "inactive" {
		t.Errorf("the machine did %q, the unit is %s", got, w.guest.rest.state("backup.service"))
	}
	r := m.Safeguard.Rest
	if r.Open() || r.EndedAt.Sub(r.AskedAt) > time.Minute {
		t.Errorf("rest = %+v, want it over within a minute", r)
	}
}

// A unit that does not start: held as the policy says by default, told, tried again; and the other choice.
func TestApplicationThatDoesNotRest(t *testing.T) {
	t.Parallel()
	w := begin(t, resting(""))
	w.guest.rest.hang("backup.service")
	due := w.violate()
	w.until(due.Add(5 * time.Minute))
	w.wantHeld("snapshot-failed")
	w.wantKept()
	w.wantText("held", "the application was not brought to rest: unit backup.service is inactive (exit_32)")
	if n := len(w.snapshots()); n != 0 {
		t.Errorf("%d snapshots of an application at work", n)
	}
	w.guest.rest.hang("")
	w.forward(45 * time.Minute)
	w.wantRevoked(due)
	if got := w.guest.rest.actions(); got != "quiesce resume quiesce resume" {
		t.Errorf("the machine did %q", got)
	}

	w = begin(t, resting(", onFailure: revoke"))
	w.guest.rest.hang("backup.service")
	due = w.violate()
	w.until(due.Add(5 * time.Minute))
	w.wantRevoked(due)
}

// EC2 refuses while the application is at rest: it goes on.
func TestRefusedSnapshotsLeaveNothingAtRest(t *testing.T) {
	t.Parallel()
	w := begin(t, resting(""))
	w.fault(faults.Fault{Kind: "error", Service: "ec2", Operation: "CreateSnapshots", Code: "SnapshotCreationPerVolumeRateExceeded", Message: "no"})
	due := w.violate()
	w.until(due.Add(5 * time.Minute))
	w.wantHeld("snapshot-failed")
	w.wantKept()
	if got := w.guest.rest.actions(); got != "quiesce resume" || w.guest.rest.state("backup.service") != "inactive" {
		t.Errorf("the machine did %q, the unit is %s", got, w.guest.rest.state("backup.service"))
	}
}

// An application that stays at rest is an outage: told and held, even where the policy revokes all the same. The next
// attempt begins with letting it go on.
func TestApplicationThatStaysAtRest(t *testing.T) {
	t.Parallel()
	w := begin(t, resting(", onFailure: revoke"))
	w.guest.rest.before("resume", func() { w.guest.rest.hang("backup.service") })
	due := w.violate()
	w.until(due.Add(5 * time.Minute))
	w.wantHeld("snapshot-failed")
	w.wantKept()
	w.wantText("held", "Step that failed")
	w.wantText("held", "the application may be at rest still: unit backup.service is active (exit_32)")
	w.guest.rest.hang("")
	w.forward(45 * time.Minute)
	w.wantRevoked(due)
	if got := w.guest.rest.actions(); got != "quiesce resume resume quiesce resume" || w.guest.rest.state("backup.service") != "inactive" {
		t.Errorf("the machine did %q, the unit is %s", got, w.guest.rest.state("backup.service"))
	}
}
