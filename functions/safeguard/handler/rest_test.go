package handler

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/documents"
	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/safeguard"
)

const restPolicy = "key: {mode: revoke-grant, snapshot: true}\n  safeguard: {quiesce: backup.service, onFailure: hold}"

func revokesAllTheSame(s string) string {
	return strings.Replace(s, "onFailure: hold", "onFailure: revoke", 1)
}

// begun has EC2 complete what it is asked for, and says how the application stood at that moment.
func begun(w *fake.World, g *guest) *string {
	state := new(string)
	w.Before("ec2.Snap", func() { *state = g.states["backup.service"] })
	w.Before("ec2.Snapshots", func() { w.EC2.Becomes("completed") })
	return state
}

func TestRest(t *testing.T) {
	t.Parallel()
	w, g := world(fake.Bad, restPolicy)
	state := begun(w, g)
	w.Before("ec2.Snapshots", func() {
		if g.states["backup.service"] != "inactive" {
			t.Error("it waits for EC2 while the application is at rest")
		}
		w.EC2.Becomes("completed")
	})
	got, at := until(t, w, fake.Start, "safeguard/snapshot.json")
	if got.Outcome != done || *state != "active" {
		t.Fatalf("snapshot = %+v, the unit was %s when EC2 was asked", got, *state)
	}
	if strings.Join(g.did, " ") != "quiesce resume" {
		t.Errorf("actions = %v", g.did)
	}
	p := w.SSM.Sends[0]
	if p["Units"] != "backup.service" || p["Within"] != "60" || p["Mounts"] != "-" {
		t.Errorf("parameters = %v", p)
	}
	for _, p := range w.SSM.Sends {
		if _, err := documents.RenderLock(p); err != nil {
			t.Error(err)
		}
	}
	for _, part := range []string{
		"snapshot: the application is brought to rest by backup.service", "snapshot: the application is at rest, read back: backup.service active",
		"snapshot: EC2 is asked for snapshots", "snapshot: the application is let go on: backup.service is stopped",
		"snapshot: the application goes on, read back: backup.service inactive", "snapshot: snapshots are complete",
	} {
		wantEntry(t, w, part)
	}
	r := w.Store.ByID[fake.ID].Safeguard.Rest
	if r.Open() || r.AtRestAt.IsZero() || r.Missed != "" || r.EndAt.Before(r.AtRestAt) {
		t.Errorf("rest = %+v", r)
	}
	if got, _ := until(t, w, at, "safeguard/snapshot.json"); got.Outcome != done || len(w.SSM.Sends) != 2 {
		t.Errorf("again = %+v, %d commands", got, len(w.SSM.Sends))
	}
	// When they are old the application is brought to rest once more.
	w.Before("ec2.Snapshots", func() { w.EC2.Becomes("completed") })
	if got, _ := until(t, w, at.Add(4*time.Hour), "safeguard/snapshot.json"); got.Outcome != done || strings.Join(g.did, " ") != "quiesce resume quiesce resume" {
		t.Errorf("four hours later = %+v, %v", got, g.did)
	}
}

// The step fails as the policy says, and the application goes on.
func TestRestThatFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*fake.World, *guest)
		did   string
		why   string
	}{
		"it does not start": {func(_ *fake.World, g *guest) { g.stuck, g.why = "backup.service", "exit_5" }, "quiesce resume",
			"the application was not brought to rest: unit backup.service is inactive (exit_5)"},
		"it is not there": {func(_ *fake.World, g *guest) {
			g.states["backup.service"], g.stuck, g.why = "absent", "backup.service", "absent"
		}, "quiesce resume",
			"the application was not brought to rest: unit backup.service is absent (absent)"},
		"its start fails": {func(_ *fake.World, g *guest) {
			g.states["backup.service"], g.stuck, g.why = "failed", "backup.service", "exit_1"
		}, "quiesce resume",
			"the application was not brought to rest: unit backup.service is failed (exit_1)"},
		"no agent": {func(w *fake.World, _ *guest) { w.SSM.Offline[fake.ID] = true }, "",
			"the application was not brought to rest: the machine's SSM agent does not answer"},
		"no sync": {func(_ *fake.World, g *guest) {
			g.other = func(d map[string]any) {
				d["steps"] = slices.DeleteFunc(d["steps"].([]step), func(s step) bool { return s.K == "flush" })
			}
		}, "quiesce resume", "the application was not brought to rest: buffers were not written out: sync failed on the machine"},
		"EC2 refuses": {func(w *fake.World, _ *guest) { w.Fail("ec2.Snap", fake.AWS(fault.Denied, "UnauthorizedOperation")) }, "quiesce resume",
			"EC2 refuses: asking AWS: UnauthorizedOperation"},
		"no volumes": {func(w *fake.World, _ *guest) { w.EC2.None = true }, "quiesce resume", "the instance has no volumes but its root volume"},
		"over too soon": {func(w *fake.World, g *guest) {
			w.Before("ec2.Snap", func() { g.states["backup.service"] = "inactive" })
		}, "quiesce resume",
			"the rest was over before it was ended: nobody knows whether the snapshots are of an application at rest"},
		"answered too late": {func(_ *fake.World, g *guest) { g.slow = 7 }, "quiesce resume", "the rest was over before EC2 could be asked, after 1m0s"},
		"never answered":    {func(_ *fake.World, g *guest) { g.slow = 19 }, "resume", "the application was not brought to rest: the machine did not answer in time"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for text, want := range map[string]string{restPolicy: failed, revokesAllTheSame(restPolicy): goOn} {
				w, g := world(fake.Bad, text)
				c.spoil(w, g)
				got, at := until(t, w, fake.Start, "safeguard/snapshot.json")
				if got.Outcome != want || got.Text != c.why {
					t.Errorf("snapshot = %+v, want %s: %s", got, want, c.why)
				}
				if did := strings.Join(g.did, " "); did != c.did || g.states["backup.service"] == "active" {
					t.Errorf("the machine did %q, want %q; the unit is %s", did, c.did, g.states["backup.service"])
				}
				s := w.Store.ByID[fake.ID].Safeguard
				if s.Rest.Open() || s.Failed != c.why || s.Command != nil {
					t.Errorf("safeguard = %+v, rest %+v", s, s.Rest)
				}
				wantEntry(t, w, "failed: no snapshots: "+c.why)
				// The answer was lost and the step is repeated: it says the same, and nothing is brought to rest again.
				if again, _ := until(t, w, at, "safeguard/snapshot.json"); again.Outcome != want || again.Text != c.why || strings.Join(g.did, " ") != c.did {
					t.Errorf("again = %+v, %v", again, g.did)
				}
			}
		})
	}
}

// A backup of somebody else's is left alone.
func TestRestOfSomebodyElse(t *testing.T) {
	t.Parallel()
	w, g := world(fake.Bad, restPolicy)
	g.states["backup.service"], g.others = "active", true
	got, _ := until(t, w, fake.Start, "safeguard/snapshot.json")
	if got.Outcome != failed || got.Text != "the application was not brought to rest: unit backup.service is active (not_ours)" {
		t.Errorf("snapshot = %+v", got)
	}
	if g.states["backup.service"] != "active" || strings.Join(g.did, " ") != "quiesce" || w.Store.ByID[fake.ID].Safeguard.Rest.Open() {
		t.Errorf("the unit is %s, actions %v", g.states["backup.service"], g.did)
	}
	wantEntry(t, w, "snapshot: the application is at rest by somebody else, and is left so")
}

// EC2 fails what it began while the application was at rest: nothing is brought to rest again by the same attempt.
func TestRestWhoseSnapshotsFail(t *testing.T) {
	t.Parallel()
	w, g := world(fake.Bad, restPolicy)
	w.Before("ec2.Snapshots", func() { w.EC2.Becomes("error") })
	for range 2 {
		got, _ := until(t, w, fake.Start, "safeguard/snapshot.json")
		if got.Outcome != failed || got.Text != "EC2 says that snapshot snap-0 failed" || strings.Join(g.did, " ") != "quiesce resume" {
			t.Errorf("snapshot = %+v, %v", got, g.did)
		}
	}
}

// A failure of AWS holds whatever the policy says, and leaves nothing at rest.
func TestRestWhenTheAnswerOfEC2IsLost(t *testing.T) {
	t.Parallel()
	w, g := world(fake.Bad, revokesAllTheSame(restPolicy))
	w.Fail("ec2.Snap", fake.Down)
	now := fake.Start
	for range 20 {
		if _, err := handle(t, w, now, "safeguard/snapshot.json"); err != nil {
			break
		}
		now = now.Add(10 * time.Second)
	}
	if g.states["backup.service"] != "active" {
		t.Fatal("it was not at rest")
	}
	got, _ := until(t, w, now, "safeguard/snapshot.json")
	if got.Outcome != failed || !strings.Contains(got.Text, "its answer was lost") || g.states["backup.service"] != "inactive" {
		t.Errorf("snapshot = %+v, the unit is %s", got, g.states["backup.service"])
	}
	w.Times(t, "ec2.Snap i-", 1)
	again, _ := until(t, w, now, "safeguard/snapshot.json")
	if again.Outcome != failed || again.Text != got.Text {
		t.Errorf("again = %+v", again)
	}
}

// A unit that does not stop holds whatever the policy says, and the next attempt begins with it. That one goes on as
// the policy says, since people were told.
func TestRestThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{restPolicy: failed, revokesAllTheSame(restPolicy): goOn} {
		w, g := world(fake.Bad, text)
		w.Before("ec2.Snap", func() { g.stuck, g.why = "backup.service", "timeout" })
		got, at := until(t, w, fake.Start, "safeguard/snapshot.json")
		const why = "the application may be at rest still: unit backup.service is active (timeout)"
		if got.Outcome != failed || got.Text != why {
			t.Fatalf("snapshot = %+v, want it failed: %s", got, why)
		}
		wantEntry(t, w, "failed: "+why)
		if s := w.Store.ByID[fake.ID].Safeguard; !s.Rest.Open() || s.Failed != why {
			t.Errorf("safeguard = %+v", s)
		}
		next := func(task *enforcement.Task) { task.Execution = "i-1234567890abcdef0-2-look-1" }
		g.did = nil
		got, at = until(t, w, at.Add(30*time.Minute), "safeguard/snapshot.json", next)
		if got.Outcome != want || got.Text != why || strings.Join(g.did, " ") != "resume" {
			t.Fatalf("second attempt = %+v, %v, want %s", got, g.did, want)
		}
		// It stopped, and failed at that: nobody knows what the application does.
		g.states["backup.service"], g.did = "failed", nil
		last := func(task *enforcement.Task) { task.Execution = "i-1234567890abcdef0-2-look-2" }
		if got, at = until(t, w, at.Add(30*time.Minute), "safeguard/snapshot.json", last); got.Outcome != want || !strings.Contains(got.Text, "is failed") {
			t.Fatalf("third attempt = %+v, want %s", got, want)
		}
		g.stuck, g.states["backup.service"], g.did = "", "active", nil
		w.Before("ec2.Snapshots", func() { w.EC2.Becomes("completed") })
		got, _ = until(t, w, at.Add(30*time.Minute), "safeguard/snapshot.json", func(task *enforcement.Task) { task.Execution = "i-1234567890abcdef0-2-look-3" })
		if got.Outcome != done || strings.Join(g.did, " ") != "resume quiesce resume" {
			t.Errorf("fourth attempt = %+v, %v", got, g.did)
		}
	}
}

// A machine that lets go only to stay at rest again holds one attempt of a violation by it, and not for ever.
func TestRestThatNeverEndsInTime(t *testing.T) {
	t.Parallel()
	w, g := world(fake.Bad, revokesAllTheSame(restPolicy))
	now := fake.Start
	for i, want := range []string{failed, goOn, goOn} {
		g.stuck = ""
		w.Before("ec2.Snap", func() { g.stuck, g.why = "backup.service", "timeout" })
		attempt := func(task *enforcement.Task) { task.Execution = fmt.Sprintf("i-1234567890abcdef0-2-look-%d", i+1) }
		got, at := until(t, w, now, "safeguard/snapshot.json", attempt)
		if again, _ := until(t, w, at, "safeguard/snapshot.json", attempt); got.Outcome != want || again.Outcome != want {
			t.Errorf("attempt %d = %+v, again %+v, want %s", i+1, got, again, want)
		}
		now = at.Add(30 * time.Minute)
	}
}

// An unlock lets the application go on too, and brings back what the lock stopped whatever comes of that.
func TestUnlockEndsARest(t *testing.T) {
	t.Parallel()
	for stuck, want := range map[string]string{"": "unlock: the application goes on, read back: backup.service inactive", "backup.service": "failed: the application may be at rest still: unit backup.service is active (timeout)"} {
		w, g := world(func(m *record.Machine) {
			fake.Revoking(m)
			m.Safeguard = &record.Safeguard{Generation: 2, Execution: "earlier", Rest: &record.Rest{Unit: "backup.service", Execution: "earlier", AskedAt: fake.Start, AtRestAt: fake.Start, EndAt: fake.Start}}
		}, lockPolicy)
		g.states["backup.service"] = "active"
		_, at := until(t, w, fake.Start, "safeguard/lock.json")
		g.stuck, g.why = stuck, "timeout"
		got, _ := until(t, w, at, "safeguard/unlock.json")
		if got.Outcome != unlocked || g.states["app.service"] != "active" || strings.Join(g.did, " ") != "status lock resume unlock" {
			t.Errorf("unlock = %+v, %v", got, g.did)
		}
		wantEntry(t, w, want)
		if s := w.Store.ByID[fake.ID].Safeguard; s.Rest.Open() != (stuck != "") {
			t.Errorf("rest = %+v", s.Rest)
		}
	}
}

// Something newer happened while the application was at rest: it goes on all the same.
func TestRestThatIsSuperseded(t *testing.T) {
	t.Parallel()
	w, g := world(fake.Bad, restPolicy)
	for i := 0; g.states["backup.service"] != "active"; i++ {
		if _, err := handle(t, w, fake.Start.Add(time.Duration(i)*time.Second), "safeguard/snapshot.json"); err != nil || i > 20 {
			t.Fatal(err, i)
		}
	}
	m := w.Store.ByID[fake.ID]
	m.State.Generation++
	w.Store.Put(m)
	got, _ := until(t, w, fake.Start.Add(30*time.Second), "safeguard/snapshot.json")
	if got.Outcome != superseded || g.states["backup.service"] != "inactive" {
		t.Errorf("snapshot = %+v, the unit is %s", got, g.states["backup.service"])
	}
	wantEntry(t, w, "snapshot: the application goes on, read back")
}

// The policy lost its unit meanwhile: what was started is what is stopped.
func TestRestOfAPolicyThatChanged(t *testing.T) {
	t.Parallel()
	w, g := world(fake.Bad, restPolicy)
	state := begun(w, g)
	w.Before("ec2.Snap", func() { w.Store.PutPolicyText(fake.Policy(plainPolicy, "key: {mode: revoke-grant, snapshot: true}")) })
	got, _ := until(t, w, fake.Start, "safeguard/snapshot.json")
	if got.Outcome != done || g.states["backup.service"] != "inactive" || strings.Join(g.did, " ") != "quiesce resume" {
		t.Errorf("snapshot = %+v, %v, the unit is %s, was %s", got, g.did, g.states["backup.service"], *state)
	}
}

// The function dies at every one of its calls, before it and after it: the application is at rest at most once, and
// goes on; nothing is done that was not written before.
func TestRestCutOff(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"store.Machine", "store.Policy", "store.Apply", "ssm.Online", "ssm.Document", "ssm.Send", "ssm.Invocations", "ec2.Snapshots"} {
		for nth := range 11 {
			t.Run(fmt.Sprintf("%s %d", call, nth), func(t *testing.T) {
				t.Parallel()
				w, g := world(fake.Bad, restPolicy)
				count := 0
				var arm func()
				arm = func() {
					if count++; count == nth+1 {
						w.Fail(call, fake.Down)
						return
					}
					w.Before(call, arm)
				}
				w.Before(call, arm)
				now, failures := fake.Start, 0
				var got enforcement.Safeguarded
				for got.Outcome != done && got.Outcome != failed {
					w.EC2.Becomes("completed")
					r := w.Store.ByID[fake.ID].Safeguard
					if g.states["backup.service"] == "active" && (r == nil || !r.Rest.Open()) {
						t.Fatal("it is at rest, and that is not written")
					}
					var err error
					if got, err = handle(t, w, now, "safeguard/snapshot.json"); err != nil {
						fake.Kind(t, err, fault.Transient)
						failures++
					}
					if now = now.Add(5 * time.Second); now.Sub(fake.Start) > 10*time.Minute {
						t.Fatalf("it does not end: %+v", got)
					}
				}
				if g.states["backup.service"] != "inactive" || failures > 1 || w.Store.ByID[fake.ID].Safeguard.Rest.Open() {
					t.Errorf("%+v, the unit is %s, %d failures", got, g.states["backup.service"], failures)
				}
				// A command that was sent twice says that it found the work done: then nobody knows, and it is said.
				if got.Outcome == failed && !strings.Contains(got.Text, "its answer was lost") && !strings.Contains(got.Text, "nobody knows") {
					t.Errorf("snapshot = %+v", got)
				}
				if n := len(slices.DeleteFunc(slices.Clone(w.SSM.Sends), func(p map[string]string) bool { return p["Action"] != string(safeguard.Quiesce) })); n > 2 {
					t.Errorf("%d commands to rest", n)
				}
			})
		}
	}
}
