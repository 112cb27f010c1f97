package handler

import (
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

func TestSnapshot(t *testing.T) {
	t.Parallel()
	w, g := world(fake.Bad, lockPolicy)
	now := fake.Start
	for range 6 {
		got, err := handle(t, w, now, "safeguard/snapshot.json")
		if err != nil || got.Outcome != waiting {
			t.Fatalf("snapshot = %+v, %v, want it to wait while EC2 copies", got, err)
		}
		now = now.Add(10 * time.Second)
	}
	w.EC2.Becomes("completed")
	got, at := until(t, w, now, "safeguard/snapshot.json")
	if got.Outcome != done || got.Text != "snap-0 of vol-0, snap-1 of vol-1" {
		t.Errorf("snapshot = %+v, want it done", got)
	}
	if strings.Join(g.did, " ") != "flush" {
		t.Errorf("actions = %v, want buffers written out and nothing else", g.did)
	}
	w.Times(t, "ec2.Snap "+fake.ID+" "+execution+" false", 1)
	s := w.Store.ByID[fake.ID].Safeguard
	if !s.SnapshotsDoneAt.Equal(at) || len(s.Snapshots) != 2 || s.Snapshots[0].State != "completed" {
		t.Errorf("safeguard = %+v", s)
	}
	wantEntry(t, w, "snapshot: EC2 is asked for snapshots")
	wantEntry(t, w, "snapshot: snapshots are complete")
	// The next attempt of the same violation takes them over while they are fresh, and not for ever.
	next := func(task *enforcement.Task) { task.Execution = "i-1234567890abcdef0-2-look-1" }
	if got, _ := until(t, w, at.Add(time.Hour), "safeguard/snapshot.json", next); got.Outcome != done {
		t.Errorf("second attempt = %+v", got)
	}
	w.Times(t, "ec2.Snap i-", 1)
}

func TestSnapshotsAgainWhenOld(t *testing.T) {
	t.Parallel()
	w, g := world(fake.Bad, lockPolicy)
	snap := func(now time.Time) {
		t.Helper()
		for range 20 {
			w.EC2.Becomes("completed")
			got, err := handle(t, w, now, "safeguard/snapshot.json")
			if err != nil {
				t.Fatal(err)
			}
			if got.Outcome == done {
				return
			}
			now = now.Add(10 * time.Second)
		}
		t.Fatal("it is never done")
	}
	snap(fake.Start)
	snap(fake.Start.Add(10 * time.Minute))
	w.Times(t, "ec2.Snap i-", 1)
	snap(fake.Start.Add(4 * time.Hour))
	w.Times(t, "ec2.Snap i-", 2)
	if strings.Join(g.did, " ") != "flush flush" || len(w.Store.ByID[fake.ID].Safeguard.Snapshots) != 2 {
		t.Errorf("actions %v, safeguard %+v", g.did, w.Store.ByID[fake.ID].Safeguard)
	}
}

func TestSnapshotThatFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*fake.World, *guest)
		why   string
	}{
		"no agent":   {func(w *fake.World, _ *guest) { w.SSM.Offline[fake.ID] = true }, "buffers were not written out: the machine's SSM agent does not answer"},
		"sync fails": {func(_ *fake.World, g *guest) { g.other = func(d map[string]any) { d["steps"] = []step{} } }, "buffers were not written out: sync failed on the machine"},
		"refused": {func(w *fake.World, _ *guest) { w.Fail("ec2.Snap", fake.AWS(fault.Denied, "UnauthorizedOperation")) },
			"EC2 refuses: asking AWS: UnauthorizedOperation"},
		"no volumes":   {func(w *fake.World, _ *guest) { w.EC2.None = true }, "the instance has no volumes but its root volume"},
		"EC2 fails it": {func(w *fake.World, _ *guest) { w.Before("ec2.Snapshots", func() { w.EC2.Becomes("error") }) }, "EC2 says that snapshot snap-0 failed"},
		"too slow":     {func(*fake.World, *guest) {}, "snapshot snap-0 is pending after 1h0m0s"},
		"never listed": {func(w *fake.World, _ *guest) { w.EC2.Late = true }, "EC2 does not list the snapshots 1h0m0s after it was asked"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for onFailure, want := range map[string]string{"hold": failed, "revoke": goOn} {
				w, g := world(fake.Bad, strings.Replace(lockPolicy, "onFailure: hold", "onFailure: "+onFailure, 1))
				c.spoil(w, g)
				got, _ := until(t, w, fake.Start, "safeguard/snapshot.json")
				if got.Outcome != want || got.Text != c.why {
					t.Errorf("onFailure %s: snapshot = %+v, want %s: %s", onFailure, got, want, c.why)
				}
				wantEntry(t, w, "failed: no snapshots: "+c.why)
			}
		})
	}
	w, _ := world(func(m *record.Machine) { fake.Bad(m) }, lockPolicy)
	m := w.Store.ByID[fake.ID]
	m.ID = "mi-1234567890abcdef0"
	w.Store.Put(m)
	got, err := handle(t, w, fake.Start, "safeguard/snapshot.json", func(task *enforcement.Task) { task.Input.Machine = m.ID })
	if err != nil || got.Outcome != failed || got.Text != "a hybrid node has no EBS volumes" {
		t.Errorf("hybrid node: %+v, %v", got, err)
	}
}

// EC2 made the snapshots and its answer was lost: they are found by their execution and not made twice. When
// it never heard of them, it is asked again.
func TestSnapshotWhoseAnswerWasLost(t *testing.T) {
	t.Parallel()
	w, _ := world(fake.Bad, lockPolicy)
	lost := func() (enforcement.Safeguarded, error) {
		for range 5 {
			if got, err := handle(t, w, fake.Start, "safeguard/snapshot.json"); err != nil {
				return got, err
			}
		}
		return enforcement.Safeguarded{}, nil
	}
	w.Fail("ec2.Snap", fake.Down)
	if _, err := lost(); err == nil {
		t.Fatal("no error")
	}
	if _, err := w.EC2.Snap(t.Context(), fake.ID, execution, false); err != nil {
		t.Fatal(err)
	}
	w.EC2.Becomes("completed")
	if got, _ := until(t, w, fake.Start.Add(10*time.Second), "safeguard/snapshot.json"); got.Outcome != done {
		t.Errorf("snapshot = %+v", got)
	}
	w.Times(t, "ec2.Snap i-", 2)

	w, _ = world(fake.Bad, lockPolicy)
	w.Fail("ec2.Snap", fake.Down)
	if _, err := lost(); err == nil {
		t.Fatal("no error")
	}
	if got, err := handle(t, w, fake.Start.Add(30*time.Second), "safeguard/snapshot.json"); err != nil || got.Outcome != waiting {
		t.Errorf("before EC2 may be late: %+v, %v", got, err)
	}
	w.Times(t, "ec2.Snap i-", 1)
	if _, err := handle(t, w, fake.Start.Add(2*time.Minute), "safeguard/snapshot.json"); err != nil {
		t.Error(err)
	}
	w.Times(t, "ec2.Snap i-", 2)
}

func TestStop(t *testing.T) {
	t.Parallel()
	w, _ := world(fake.Revoked, strings.Replace(lockPolicy, "effect: lock", "effect: stop", 1))
	got, at := until(t, w, fake.Start, "safeguard/stop.json")
	if got.Outcome != stopped {
		t.Fatalf("stop = %+v", got)
	}
	taken := w.Store.ByID[fake.ID].Taken
	if !taken.EffectiveAt.Equal(at) || taken.EffectiveBy != record.ByAWS {
		t.Errorf("taken = %+v, want it effective, says AWS", taken)
	}
	w.Times(t, "ec2.Stop", 1)
	wantEntry(t, w, "stop: EC2 is asked to stop the machine")
	wantEntry(t, w, "effective: effective: says AWS, EC2 shows the machine as stopped")
	if got, _ := until(t, w, at, "safeguard/stop.json"); got.Outcome != stopped {
		t.Errorf("again = %+v", got)
	}
	w.Times(t, "ec2.Stop", 1)
}

func TestStopThatFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*fake.World)
		why   string
	}{
		"refused": {func(w *fake.World) { w.Fail("ec2.Stop", fake.AWS(fault.Denied, "UnauthorizedOperation")) }, "EC2 refuses to stop it: asking AWS: UnauthorizedOperation"},
		"unknown": {func(w *fake.World) {
			w.EC2.Instance = ""
			w.Fail("ec2.Stop", fake.AWS(fault.NotFound, "InvalidInstanceID.NotFound"))
		}, "EC2 refuses to stop it: asking AWS: InvalidInstanceID.NotFound"},
		"too slow": {func(w *fake.World) { w.EC2.Stuck = true }, "EC2 says that it is stopping 10m0s after it was asked"},
	} {
		w, _ := world(fake.Revoked, lockPolicy)
		c.spoil(w)
		got, _ := until(t, w, fake.Start, "safeguard/stop.json")
		if got.Outcome != failed || got.Text != c.why {
			t.Errorf("%s: stop = %+v, want it failed: %s", name, got, c.why)
		}
		if taken := w.Store.ByID[fake.ID].Taken; !taken.EffectiveAt.IsZero() {
			t.Errorf("%s: effective at %v", name, taken.EffectiveAt)
		}
		wantEntry(t, w, "stop: not stopped: "+c.why)
	}
	w, _ := world(fake.Revoked, lockPolicy)
	w.Fail("ec2.Stop", fake.Down)
	_, err := handle(t, w, fake.Start, "safeguard/stop.json")
	fake.Kind(t, err, fault.Transient)
	w.Fail("ec2.State", fake.Down)
	_, err = handle(t, w, fake.Start, "safeguard/stop.json")
	fake.Kind(t, err, fault.Transient)
	m := w.Store.ByID[fake.ID]
	m.ID = "mi-1234567890abcdef0"
	w.Store.Put(m)
	got, err := handle(t, w, fake.Start, "safeguard/stop.json", func(task *enforcement.Task) { task.Input.Machine = m.ID })
	if err != nil || got.Outcome != failed || got.Text != "a hybrid node is no EC2 instance" {
		t.Errorf("hybrid node: %+v, %v", got, err)
	}
}
