package handler

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/documents"
	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/safeguard"
)

func TestLock(t *testing.T) {
	t.Parallel()
	w, g := world(fake.Revoking, lockPolicy)
	g.slow = 2
	got, at := until(t, w, fake.Start, "safeguard/lock.json")
	if got.Outcome != locked || got.Text != "app.service inactive, /data unmounted, data closed" {
		t.Fatalf("lock = %+v, want it locked", got)
	}
	if diff := cmp.Diff([]string{"status", "lock"}, g.did); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
	p := w.SSM.Sends[1]
	want := map[string]string{"Action": "lock", "Nonce": p["Nonce"], "Within": "300", "Units": "app.service", "Mounts": "/data", "Mappings": "data"}
	if diff := cmp.Diff(want, p); diff != "" || p["Nonce"] == w.SSM.Sends[0]["Nonce"] {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
	if _, err := documents.RenderLock(p); err != nil {
		t.Error(err)
	}
	m := w.Store.ByID[fake.ID]
	s := m.Safeguard
	if !s.LockedAt.Equal(at) || s.Generation != 2 || s.Execution != execution || s.Command != nil || m.State.Key != integrity.KeyRevoking {
		t.Errorf("safeguard = %+v, key %s", s, m.State.Key)
	}
	if diff := cmp.Diff(safeguard.Names{Units: []string{"app.service"}, Mounts: []string{"/data"}, Mappings: []string{"data"}}, s.Before); diff != "" {
		t.Errorf("before (-want +got):\n%s", diff)
	}
	wantEntry(t, w, "lock: locked and read back: app.service inactive")
	// Asked again it says the same and sends nothing.
	sent := len(w.SSM.Sends)
	if got, _ := until(t, w, at, "safeguard/lock.json"); got.Outcome != locked || len(w.SSM.Sends) != sent {
		t.Errorf("again = %+v, %d commands", got, len(w.SSM.Sends))
	}
	w.Never(t, "kms.", "ec2.", "ses.")
}

func TestLockThatFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*fake.World, *guest)
		why   string
	}{
		"a mount in use": {func(_ *fake.World, g *guest) { g.stuck, g.why = "/data", "exit_32; held by 77 (postgres)" },
			"mount /data is mounted (exit_32; held by 77 (postgres))"},
		"no agent":     {func(w *fake.World, _ *guest) { w.SSM.Offline[fake.ID] = true }, "the machine's SSM agent does not answer"},
		"not allowed":  {func(w *fake.World, _ *guest) { w.Fail("ssm.Send", fake.AWS(fault.Denied, "AccessDeniedException")) }, "SSM does not send the lock document to the machine: asking AWS: AccessDeniedException"},
		"Windows":      {func(w *fake.World, _ *guest) { w.Fail("ssm.Send", fake.AWS(fault.Invalid, "UnsupportedPlatformType")) }, "the lock document is for Linux, and the machine has another system"},
		"not there":    {func(w *fake.World, _ *guest) { w.Fail("ssm.Send", fake.AWS(fault.Invalid, "InvalidInstanceId")) }, "SSM does not send the lock document to the machine: asking AWS: InvalidInstanceId"},
		"no answer":    {func(_ *fake.World, g *guest) { g.slow = 1000 }, "the machine did not answer in time"},
		"not root":     {func(_ *fake.World, g *guest) { g.plain = true }, "the lock document does not run as root there"},
		"failed":       {func(_ *fake.World, g *guest) { g.status = "TimedOut" }, "SSM says timedout"},
		"other nonce":  {func(_ *fake.World, g *guest) { g.other = func(d map[string]any) { d["nonce"] = fake.Nonce } }, "the machine's answer cannot be used: wrong_nonce"},
		"other action": {func(_ *fake.World, g *guest) { g.other = func(d map[string]any) { d["action"] = "status." } }, "the machine's answer cannot be used: wrong_nonce"},
		"says nothing": {func(_ *fake.World, g *guest) {
			g.other = func(d map[string]any) {
				if d["action"] == "lock" {
					d["steps"] = []step{}
				}
			}
		}, "unit app.service: the machine says nothing of it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for onFailure, want := range map[string]string{"hold": failed, "revoke": goOn} {
				w, g := world(fake.Revoking, strings.Replace(lockPolicy, "onFailure: hold", "onFailure: "+onFailure, 1))
				c.spoil(w, g)
				got, _ := until(t, w, fake.Start, "safeguard/lock.json")
				if got.Outcome != want || got.Text != c.why {
					t.Errorf("onFailure %s: lock = %+v, want %s: %s", onFailure, got, want, c.why)
				}
				s := w.Store.ByID[fake.ID].Safeguard
				if !s.LockedAt.IsZero() || s.Failed != c.why || s.Command != nil {
					t.Errorf("safeguard = %+v", s)
				}
				wantEntry(t, w, "lock: not locked: "+c.why)
			}
		})
	}
}

// A document that somebody changed is not run as root anywhere.
func TestChangedDocument(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"x", strings.Replace(documents.LockDocument(), "Nothing is forced", "Everything is forced", 1)} {
		w, _ := world(fake.Revoking, lockPolicy)
		w.SSM.Content = content
		_, err := handle(t, w, fake.Start, "safeguard/lock.json")
		fake.Kind(t, err, fault.Conflict)
		w.Never(t, "ssm.Send")
	}
}

// The command could not be sent before its time was over.
func TestSentTooLate(t *testing.T) {
	t.Parallel()
	w, _ := world(fake.Revoking, lockPolicy)
	w.Fail("ssm.Online", fake.Down)
	if _, err := handle(t, w, fake.Start, "safeguard/lock.json"); err == nil {
		t.Fatal("no error")
	}
	got, err := handle(t, w, fake.Start.Add(time.Hour), "safeguard/lock.json")
	if err != nil || got.Outcome != failed || got.Text != "the command could not be sent in time" {
		t.Errorf("lock = %+v, %v", got, err)
	}
	w.Never(t, "ssm.Send")
}

// Only rules that stopping a service can make pass are withheld, and only when something was stopped.
func TestRulesThatALockCouldCure(t *testing.T) {
	t.Parallel()
	ports := strings.NewReplacer("os: {kernel: \">= 5.10\"}", "ports: {closed: [tcp/80]}")
	for name, c := range map[string]struct {
		text  string
		state string
		want  []string
	}{
		"a port, and a unit that ran": {ports.Replace(fake.Policy(plainPolicy, lockPolicy)), "active", []string{"kernel is supported"}},
		"a port, and nothing ran":     {ports.Replace(fake.Policy(plainPolicy, lockPolicy)), "inactive", nil},
		"a kernel":                    {fake.Policy(plainPolicy, lockPolicy), "active", nil},
	} {
		w, g := world(fake.Revoking, lockPolicy)
		w.Store.PutPolicyText(c.text)
		g.states["app.service"] = c.state
		until(t, w, fake.Start, "safeguard/lock.json")
		m := w.Store.ByID[fake.ID]
		if got := m.Withheld(); !slices.Equal(got, c.want) {
			t.Errorf("%s: withheld %v, want %v", name, got, c.want)
		}
		m.Taken = nil
		if m.Withheld() != nil {
			t.Errorf("%s: withheld though the key was given back", name)
		}
	}
}

func TestUnlock(t *testing.T) {
	t.Parallel()
	w, g := world(fake.Revoking, lockPolicy)
	g.stuck, g.why = "data", "exit_5"
	got, at := until(t, w, fake.Start, "safeguard/lock.json")
	if got.Outcome != failed || g.states["app.service"] != "inactive" {
		t.Fatalf("lock = %+v, %v", got, g.states)
	}
	got, at = until(t, w, at, "safeguard/unlock.json")
	if got.Outcome != unlocked || g.states["app.service"] != "active" || g.states["/data"] != "mounted" {
		t.Fatalf("unlock = %+v, %v", got, g.states)
	}
	m := w.Store.ByID[fake.ID]
	if m.State.Key != integrity.KeyReleased || m.Taken != nil || !m.Safeguard.UnlockedAt.Equal(at) || !m.Safeguard.LockedAt.IsZero() {
		t.Errorf("key %s, taken %v, safeguard %+v: want the intent given up", m.State.Key, m.Taken, m.Safeguard)
	}
	if l := w.Store.Leases[record.LeaseName(policy.RevokeGrant, fake.KeyARN, fake.ID)]; l.Until.After(at) {
		t.Errorf("the lease lasts until %v", l.Until)
	}
	wantEntry(t, w, "unlock: brought back and read back: ")
	wantEntry(t, w, "failed: not revoked: the intent was given up before KMS was asked")
	sent := len(w.SSM.Sends)
	if got, _ := until(t, w, at, "safeguard/unlock.json"); got.Outcome != unlocked || len(w.SSM.Sends) != sent {
		t.Errorf("again = %+v, %d commands", got, len(w.SSM.Sends))
	}
	w.Never(t, "kms.")
}

func TestUnlockNothing(t *testing.T) {
	t.Parallel()
	w, g := world(fake.Revoking, lockPolicy)
	w.SSM.Offline[fake.ID] = true
	_, at := until(t, w, fake.Start, "safeguard/lock.json")
	got, _ := until(t, w, at, "safeguard/unlock.json")
	if got.Outcome != unlocked || len(g.did) != 0 {
		t.Errorf("unlock = %+v, %v", got, g.did)
	}
	if m := w.Store.ByID[fake.ID]; m.State.Key != integrity.KeyReleased || m.Taken != nil {
		t.Errorf("key %s, taken %v: want the intent given up", m.State.Key, m.Taken)
	}
}

// What cannot be brought back is told, and the next attempt still knows what had been running.
func TestUnlockThatFails(t *testing.T) {
	t.Parallel()
	w, g := world(fake.Revoking, lockPolicy)
	_, at := until(t, w, fake.Start, "safeguard/lock.json")
	g.stuck, g.why = "/data", "exit_32"
	got, at := until(t, w, at, "safeguard/unlock.json")
	const why = "mount /data is unmounted (exit_32); closed until somebody opens it with its key: data"
	if got.Outcome != failed || got.Text != why {
		t.Fatalf("unlock = %+v, want it failed: %s", got, why)
	}
	wantEntry(t, w, "unlock: not brought back: "+why)
	// The machine is due again, in another execution of the same generation.
	m := w.Store.ByID[fake.ID]
	fake.Revoking(&m)
	w.Store.Put(m)
	next := func(task *enforcement.Task) { task.Execution = "i-1234567890abcdef0-2-look-1" }
	got, at = until(t, w, at.Add(30*time.Minute), "safeguard/lock.json", next)
	if got.Outcome != locked {
		t.Fatalf("second lock = %+v", got)
	}
	if before := w.Store.ByID[fake.ID].Safeguard.Before; !slices.Contains(before.Units, "app.service") || !slices.Contains(before.Mounts, "/data") {
		t.Errorf("before = %+v, want what ran before the first lock", before)
	}
	g.stuck = ""
	if got, _ := until(t, w, at, "safeguard/unlock.json", next); got.Outcome != unlocked || g.states["/data"] != "mounted" {
		t.Errorf("second unlock = %+v, %v", got, g.states)
	}
}

// An order that was written is confirm's to judge: unlock does not take the intent back.
func TestUnlockLeavesAnOrder(t *testing.T) {
	t.Parallel()
	w, _ := world(func(m *record.Machine) { fake.Revoking(m); m.Taken.OrderedAt = fake.Start }, lockPolicy)
	if got, _ := until(t, w, fake.Start, "safeguard/unlock.json"); got.Outcome != unlocked {
		t.Errorf("unlock = %+v", got)
	}
	if m := w.Store.ByID[fake.ID]; m.Taken == nil || m.State.Key != integrity.KeyRevoking {
		t.Errorf("key %s, taken %v: want the order to stand", m.State.Key, m.Taken)
	}
}

// Every name that a policy may say is one that the document takes.
func TestPolicyAndDocumentAgree(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"units: [a.service, a@b.socket, \"A-1_2.x:y.timer\"], mounts: [/data, /srv/a-b_c.d/e], mappings: [data, a_b-c.d]",
		"units: [12345678901234567890123456789012345678901234567890123456.service]",
	} {
		p, err := policy.Parse([]byte(fake.Policy(plainPolicy, "key: {mode: revoke-grant, lock: true}\n  safeguard: {"+text+"}")))
		if err != nil {
			t.Fatal(err)
		}
		s := p.Integrity.Safeguard
		for _, within := range []time.Duration{0, time.Second, s.LockWithin, 15 * time.Minute, time.Hour} {
			if _, err := documents.RenderLock(safeguard.Of(s).Parameters(safeguard.Lock, fake.Nonce, within)); err != nil {
				t.Error(err)
			}
		}
	}
}
