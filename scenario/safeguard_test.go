package scenario_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/keyward/keyward/local/faults"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// careful is a policy that has data kept safe.
func careful(key, more string) setup {
	return setup{key: key, integrity: "safeguard: {units: [app.service], mounts: [/data], mappings: [data]" + more + "}"}
}

func (w *world) ec2() *ec2.Client {
	return ec2.New(ec2.Options{Region: w.Region(), Credentials: provider(w.Credentials()), BaseEndpoint: aws.String(w.URL())})
}

func (w *world) snapshots() []types.Snapshot {
	w.t.Helper()
	out, err := w.ec2().DescribeSnapshots(context.Background(), &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.Snapshots
}

// story are the kinds of ledger entries that tell of a revocation, in order.
func (w *world) story() string {
	w.t.Helper()
	var kinds []string
	for _, e := range w.ledger() {
		switch e.Kind {
		case record.EntrySnapshot, record.EntryLock, record.EntryUnlock, record.EntryIntent, record.EntryOrdered, record.EntryConfirmed,
			record.EntryFailed, record.EntryEffective, record.EntryStop, record.EntryRestored:
			kinds = append(kinds, string(e.Kind))
		}
	}
	return strings.Join(kinds, " ")
}

func (w *world) wantStory(want string) {
	w.t.Helper()
	if got := w.story(); got != want {
		w.t.Errorf("the ledger says %s, want %s", got, want)
	}
}

// Snapshot, another look, the intent, the lock, and only then KMS: the order of design and docs.
func TestSnapshotThenLockThenRevoke(t *testing.T) {
	t.Parallel()
	w := begin(t, careful("lock: true, snapshot: true, effect: lock", ""))
	w.guest.rest.before("lock", func() {
		if code := w.decrypt(w.own); code != "" {
			t.Errorf("the key is gone (%s) before the machine was locked", code)
		}
	})
	w.guest.rest.before("flush", func() {
		if n := len(w.snapshots()); n != 0 {
			t.Errorf("%d snapshots before buffers were written out", n)
		}
	})
	due := w.violate()
	w.until(due.Add(5 * time.Minute))
	m := w.wantRevoked(due)
	w.wantStory("snapshot snapshot intent lock ordered confirmed effective")
	if got := w.guest.rest.actions(); got != "flush status lock" {
		t.Errorf("the machine did %q, want flush status lock", got)
	}
	snaps := w.snapshots()
	if len(snaps) != 1 || aws.ToString(snaps[0].VolumeId) != volumes[1].ID || snaps[0].State != types.SnapshotStateCompleted {
		t.Fatalf("snapshots = %+v, want one of the data volume", snaps)
	}
	tags := map[string]string{}
	for _, tag := range snaps[0].Tags {
		tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	if tags["keyward:machine"] != machineID || tags["keyward:execution"] != m.Safeguard.Execution {
		t.Errorf("tags = %v", tags)
	}
	looks := 0
	for _, line := range w.guest.said() {
		if strings.HasPrefix(line, "KWE1") {
			looks++
		}
	}
	if looks < 4 {
		t.Errorf("looked %d times, want once more after the snapshot", looks)
	}
	taken := m.Taken
	switch {
	case m.Safeguard.LockedAt.Before(taken.IntentAt) || taken.OrderedAt.Before(m.Safeguard.LockedAt):
		t.Errorf("intent %v, locked %v, ordered %v: want them in this order", taken.IntentAt, m.Safeguard.LockedAt, taken.OrderedAt)
	case !taken.InForceAt.Equal(taken.ConfirmedAt.Add(5 * time.Minute)):
		t.Errorf("confirmed %v, in force %v, want five minutes between", taken.ConfirmedAt, taken.InForceAt)
	case !taken.EffectiveAt.Equal(taken.ConfirmedAt) || taken.EffectiveBy != record.ByMachine:
		t.Errorf("effective %v, says %q, want the machine at the confirmation", taken.EffectiveAt, taken.EffectiveBy)
	}
	w.wantText("revoked", "Effective")
	w.wantText("revoked", "says the machine")
}

// A mount in use: nothing is revoked, what was stopped runs again, people hear why, and half an hour later it
// is tried again.
func TestFailingLockHoldsAndUnlocks(t *testing.T) {
	t.Parallel()
	w := begin(t, careful("lock: true", ""))
	w.guest.rest.hang("/data")
	due := w.violate()
	w.until(due.Add(2 * time.Minute))
	w.wantHeld("lock-failed")
	w.wantKept()
	if s := w.guest.rest; s.state("app.service") != "active" || s.state("data") != "open" {
		t.Errorf("app.service is %s, data is %s: want them as before", s.state("app.service"), s.state("data"))
	}
	w.wantStory("intent lock unlock failed")
	w.wantText("held", "could not be put at rest")
	w.wantText("held", "mount /data is mounted (exit_32)")
	w.guest.rest.hang("")
	w.forward(45 * time.Minute)
	m := w.wantRevoked(due)
	if !m.Taken.EffectiveAt.IsZero() {
		t.Errorf("effective at %v, and the policy does not say effect: lock", m.Taken.EffectiveAt)
	}
	w.wantStory("intent lock unlock failed intent lock ordered confirmed")
	w.wantText("revoked", "Whether data can still be read on the machine was not tested")
}

// A policy may choose the revocation over the lock.
func TestFailingLockRevokesWhereThePolicySaysSo(t *testing.T) {
	t.Parallel()
	w := begin(t, careful("lock: true, effect: lock", ", onFailure: revoke"))
	w.guest.rest.hang("/data")
	due := w.violate()
	w.until(due.Add(2 * time.Minute))
	if m := w.wantRevoked(due); !m.Taken.EffectiveAt.IsZero() {
		t.Errorf("effective at %v, though the machine was not locked", m.Taken.EffectiveAt)
	}
	w.wantStory("intent lock ordered confirmed")
}

// KMS does not do what it is asked: the machine has its key still, so it gets its application back; the closed
// mapping only its key opens, which is said.
func TestRevokeFailingAfterLockUnlocks(t *testing.T) {
	t.Parallel()
	s := careful("lock: true", "")
	s.integrity = "safeguard: {units: [app.service], mounts: [/data]}"
	w := begin(t, s)
	w.fault(faults.Fault{Kind: "error", Service: "kms", Operation: "RevokeGrant", Code: "AccessDeniedException", Message: "no"})
	due := w.violate()
	w.until(due.Add(10 * time.Minute))
	w.wantHeld("not-revoked")
	w.wantKept()
	if got := w.guest.rest.actions(); got != "status lock unlock" || w.guest.rest.state("app.service") != "active" {
		t.Errorf("the machine did %q, app.service is %s", got, w.guest.rest.state("app.service"))
	}
	w.wantStory("intent lock ordered failed unlock")
	w.clear()
	w.forward(45 * time.Minute)
	w.wantRevoked(due)
}

func TestWhatALockClosedIsTold(t *testing.T) {
	t.Parallel()
	w := begin(t, careful("lock: true, effect: lock", ""))
	w.fault(faults.Fault{Kind: "error", Service: "kms", Operation: "RevokeGrant", Code: "AccessDeniedException", Message: "no"})
	due := w.violate()
	w.until(due.Add(10 * time.Minute))
	w.wantHeld("not-unlocked")
	w.wantKept()
	w.wantText("held", "could not be brought back")
	w.wantText("held", "data closed")
	if w.guest.rest.state("app.service") != "inactive" {
		t.Error("the application was started without its data")
	}
}

// A hold that a person sets while the machine is being locked: nothing is taken, and what was stopped runs again.
func TestHoldDuringTheLock(t *testing.T) {
	t.Parallel()
	s := careful("lock: true", "")
	s.integrity = "safeguard: {units: [app.service], mounts: [/data]}"
	w := begin(t, s)
	w.guest.rest.before("lock", func() {
		w.operator.must("PUT", "/v1/holds/global", record.Reason{Reason: "wait"}, nil)
	})
	due := w.violate()
	w.until(due.Add(10 * time.Minute))
	w.wantKept()
	if got := w.guest.rest.actions(); got != "status lock unlock" || w.guest.rest.state("app.service") != "active" {
		t.Errorf("the machine did %q, app.service is %s", got, w.guest.rest.state("app.service"))
	}
	if slices.ContainsFunc(w.ledger(), func(e record.Entry) bool { return e.Kind == record.EntryOrdered }) {
		t.Errorf("KMS was asked under a hold: %s", w.story())
	}
}

// Everything is asked once more after a lock, which takes minutes: a calendar that can be read no more holds, and what was
// stopped runs again.
func TestACalendarAfterTheLock(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{key: "lock: true", integrity: "safeguard: {units: [app.service], mounts: [/data]}\ncalendar: [month-end]"})
	w.closedFrom(w.Clock().Now().Add(300*time.Hour), w.Clock().Now().Add(400*time.Hour))
	w.guest.rest.before("lock", func() {
		w.fault(faults.Fault{Kind: faults.Error, Service: "ssm", Operation: "GetCalendarState", Code: "InternalServerError", Status: 500})
	})
	due := w.violate()
	w.until(due.Add(10 * time.Minute))
	w.wantHeld("calendar-unread")
	w.wantKept()
	if got := w.guest.rest.actions(); got != "status lock unlock" || w.guest.rest.state("app.service") != "active" {
		t.Errorf("the machine did %q, app.service is %s", got, w.guest.rest.state("app.service"))
	}
	if slices.ContainsFunc(w.ledger(), func(e record.Entry) bool { return e.Kind == record.EntryOrdered }) {
		t.Errorf("KMS was asked: %s", w.story())
	}
	w.wantText("held", "a change calendar of the policy could not be read")
}

// A machine that passes while it is being locked keeps its key and gets its application back.
func TestCorrectedDuringTheLock(t *testing.T) {
	t.Parallel()
	s := setup{key: "lock: true", integrity: "safeguard: {mounts: [/data]}"}
	w := begin(t, s)
	w.guest.rest.before("lock", func() {
		w.guest.listen()
		w.operator.must("POST", "/v1/machines/"+machineID+"/check", nil, nil)
		for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			if w.view().Machine.State.LastVerdict == "Pass" {
				return
			}
		}
		t.Error("the machine is not judged")
	})
	due := w.violate()
	w.until(due.Add(15 * time.Minute))
	w.wantStanding(integrity.Good)
	w.wantKept()
	if w.guest.rest.state("/data") != "mounted" {
		t.Errorf("/data is %s", w.guest.rest.state("/data"))
	}
	if slices.ContainsFunc(w.ledger(), func(e record.Entry) bool { return e.Kind == record.EntryOrdered }) {
		t.Errorf("KMS was asked: %s", w.story())
	}
}

// effect: stop. Effective is said by AWS and by nobody else.
func TestEffectStop(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{key: "effect: stop"})
	due := w.violate()
	w.until(due.Add(5 * time.Minute))
	m := w.wantRevoked(due)
	if m.Taken.EffectiveBy != record.ByAWS || m.Taken.EffectiveAt.Before(m.Taken.ConfirmedAt) {
		t.Errorf("effective %v, says %q, want AWS after the confirmation %v", m.Taken.EffectiveAt, m.Taken.EffectiveBy, m.Taken.ConfirmedAt)
	}
	w.wantStory("intent ordered confirmed stop effective")
	w.wantText("revoked", "says AWS")
	out, err := w.ec2().DescribeInstances(context.Background(), &ec2.DescribeInstancesInput{InstanceIds: []string{machineID}})
	if err != nil || out.Reservations[0].Instances[0].State.Name != types.InstanceStateNameStopped {
		t.Errorf("instance = %+v, %v, want it stopped", out, err)
	}
}

// The named incident revocation-does-not-cure-itself: the lock stops the service that had the forbidden port
// open. That it is closed now shows nothing, so the key stays revoked until a person gives it back.
func TestRevocationDoesNotCureItself(t *testing.T) {
	t.Parallel()
	w := begin(t, careful("lock: true, effect: lock", ""))
	w.guest.rest.before("lock", func() { w.guest.listen() })
	due := w.violate()
	w.until(due.Add(2 * time.Minute))
	w.wantRevoked(due)
	for range 3 {
		w.check()
		w.forward(time.Hour)
	}
	m := w.wantRevoked(due)
	if len(m.Findings) != 1 || m.Findings[0].Why != "locked" || m.State.LastVerdict != "Unknown" {
		t.Errorf("verdict %s, findings %+v, want the port's rule unknown because it was locked", m.State.LastVerdict, m.Findings)
	}
	if slices.Contains(w.kinds(), "restored") {
		t.Errorf("the key was given back: %v", w.kinds())
	}
	w.operator.must("POST", "/v1/machines/"+machineID+"/restore", record.Reason{Reason: "the service was put right"}, nil)
	w.settle()
	w.check()
	w.wantStanding(integrity.Good)
	if m := w.view().Machine; m.State.Key != integrity.KeyReleased || m.State.LastVerdict != "Pass" {
		t.Errorf("key %s, verdict %s: want it judged as before", m.State.Key, m.State.LastVerdict)
	}
}
