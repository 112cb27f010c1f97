package handler

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/documents"
	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/record"
)

const execution = "i-1234567890abcdef0-2-enforce-1"

// guest is a machine that does what the lock document says.
type guest struct {
	states map[string]string // of app.service, /data and data
	stuck  string            // what does not change
	why    string
	slow   int  // how often it is asked before it has answered
	others bool // somebody else has the application at rest
	plain  bool // it does not run as root
	status string
	other  func(doc map[string]any) // spoils the answer
	did    []string
}

func newGuest() *guest {
	return &guest{states: map[string]string{"app.service": "active", "/data": "mounted", "data": "open", "backup.service": "inactive"}, status: "Success"}
}

type step struct {
	K      string `json:"k"`
	N      string `json:"n"`
	Before string `json:"before"`
	After  string `json:"after"`
	R      string `json:"r"`
	Why    string `json:"why,omitempty"`
}

func (g *guest) answer(p map[string]string) (inspection.Invocation, bool) {
	if g.slow > 0 {
		g.slow--
		return inspection.Invocation{Status: "InProgress"}, false
	}
	action := p["Action"]
	g.did = append(g.did, action)
	steps := []step{}
	if action == "flush" || action == "lock" || action == "quiesce" {
		steps = append(steps, step{K: "flush", N: "buffers", R: "done"})
	}
	rest := map[string]string{"unit": "inactive", "mount": "unmounted", "mapping": "closed"}
	use := map[string]string{"unit": "active", "mount": "mounted"}
	for _, part := range []struct{ kind, list string }{{"unit", p["Units"]}, {"mount", p["Mounts"]}, {"mapping", p["Mappings"]}} {
		for name := range strings.SplitSeq(part.list, ",") {
			if name == "-" {
				continue
			}
			s := step{K: part.kind, N: name, Before: g.states[name], R: "read"}
			to := map[string]map[string]string{"lock": rest, "unlock": use, "quiesce": use, "resume": rest}[action][part.kind]
			switch {
			case to == "":
			case action == "quiesce" && s.Before == "active" && g.others:
				s.R, s.Why = "skipped", "not_ours"
			case s.Before == to:
				s.R = "already"
			case g.stuck == name:
				s.R, s.Why = "failed", g.why
			default:
				g.states[name], s.R = to, "done"
			}
			s.After = g.states[name]
			steps = append(steps, s)
		}
	}
	uid := 0
	if g.plain {
		uid = 1000
	}
	doc := map[string]any{"v": 1, "nonce": p["Nonce"], "action": action, "uid": uid, "steps": steps}
	if g.other != nil {
		g.other(doc)
	}
	text, _ := json.Marshal(doc)
	return inspection.Invocation{Status: g.status, Success: g.status == "Success", Output: line(text)}, true
}

func line(text []byte) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(text)
	z.Close()
	packed := base64.StdEncoding.EncodeToString(b.Bytes())
	return fmt.Sprintf("KWL1 %d OK %s\n", len(packed), packed)
}

const (
	lockPolicy  = "key: {mode: revoke-grant, lock: true, snapshot: true, effect: lock}\n  safeguard: {units: [app.service], mounts: [/data], mappings: [data], onFailure: hold}"
	plainPolicy = "key: {mode: revoke-grant}"
)

// world has a machine with a guest under the lock policy, or another.
func world(edit func(*record.Machine), policyKey string) (*fake.World, *guest) {
	w := fake.New()
	w.Store.PutPolicyText(fake.Policy(plainPolicy, policyKey))
	w.Store.Put(fake.Machine(edit))
	g := newGuest()
	w.SSM.Guest = g.answer
	return w, g
}

func newHandler(w *fake.World) *Handler {
	return &Handler{Store: w.Store, Machines: w.SSM, EC2: w.EC2, Document: fake.LockDocument, Digest: documents.LockDigest(), Log: w.Log}
}

func handle(t *testing.T, w *fake.World, now time.Time, file string, edits ...func(*enforcement.Task)) (enforcement.Safeguarded, error) {
	t.Helper()
	task := fake.Event[enforcement.Task](t, file)
	for _, e := range edits {
		e(&task)
	}
	return newHandler(w).Handle(t.Context(), now, task)
}

// until calls an op every ten seconds until it does not wait any more.
func until(t *testing.T, w *fake.World, now time.Time, file string, edits ...func(*enforcement.Task)) (enforcement.Safeguarded, time.Time) {
	t.Helper()
	for range 500 {
		got, err := handle(t, w, now, file, edits...)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if got.Outcome != waiting {
			if !got.At.Equal(now) {
				t.Errorf("%s: at %v, want %v", file, got.At, now)
			}
			return got, now
		}
		now = now.Add(10 * time.Second)
	}
	t.Fatalf("%s: waits for ever", file)
	return enforcement.Safeguarded{}, now
}

func entries(w *fake.World) (all []string) {
	for _, e := range w.Store.Entries {
		all = append(all, string(e.Kind)+": "+e.Text)
	}
	return all
}

func wantEntry(t *testing.T, w *fake.World, part string) {
	t.Helper()
	if !slices.ContainsFunc(entries(w), func(e string) bool { return strings.Contains(e, part) }) {
		t.Errorf("no ledger entry says %q: %v", part, entries(w))
	}
}

func TestRefusedTasks(t *testing.T) {
	t.Parallel()
	for _, edit := range []func(*enforcement.Task){
		func(t *enforcement.Task) { t.Version = 2 },
		func(t *enforcement.Task) { t.Op = "" },
		func(t *enforcement.Task) { t.Op = "order" },
	} {
		w, _ := world(fake.Revoking, lockPolicy)
		_, err := handle(t, w, fake.Start, "safeguard/lock.json", edit)
		fake.Kind(t, err, fault.Invalid)
		w.Never(t, "store.", "ssm.", "ec2.")
	}
}

func TestSuperseded(t *testing.T) {
	t.Parallel()
	newer := func(edit func(*record.Machine)) func(*record.Machine) {
		return func(m *record.Machine) { edit(m); m.State.Generation++ }
	}
	for file, edit := range map[string]func(*record.Machine){
		"safeguard/snapshot.json": newer(fake.Bad), "safeguard/lock.json": newer(fake.Revoking), "safeguard/stop.json": newer(fake.Revoked),
	} {
		w, _ := world(edit, lockPolicy)
		got, err := handle(t, w, fake.Start, file)
		if err != nil || got.Outcome != superseded {
			t.Errorf("%s: %+v, %v, want superseded", file, got, err)
		}
		w.Never(t, "ssm.", "ec2.", "store.Apply")
	}
	// Without an intent nothing is locked, and a revocation that is not confirmed stops nothing.
	for file, edit := range map[string]func(*record.Machine){"safeguard/lock.json": fake.Bad, "safeguard/stop.json": fake.Revoking} {
		w, _ := world(edit, lockPolicy)
		if got, err := handle(t, w, fake.Start, file); err != nil || got.Outcome != superseded {
			t.Errorf("%s: %+v, %v, want superseded", file, got, err)
		}
		w.Never(t, "ssm.", "ec2.", "store.Apply")
	}
}

// Every store write and every call to AWS fails once: the task fails or says so, and done again it ends well.
func TestTransientTroubles(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"store.Machine", "store.Policy", "store.Apply", "ssm.Online", "ssm.Document", "ssm.Send", "ssm.Invocations"} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			w, g := world(fake.Revoking, lockPolicy)
			w.Fail(call, fake.Down)
			now := fake.Start
			var got enforcement.Safeguarded
			failures := 0
			for got.Outcome != locked {
				var err error
				if got, err = handle(t, w, now, "safeguard/lock.json"); err != nil {
					fake.Kind(t, err, fault.Transient)
					failures++
				}
				if now = now.Add(5 * time.Second); now.Sub(fake.Start) > 5*time.Minute {
					t.Fatalf("it does not end: %+v", got)
				}
			}
			if failures != 1 || g.states["data"] != "closed" {
				t.Errorf("%d failures, states %v", failures, g.states)
			}
			before := w.Store.ByID[fake.ID].Safeguard.Before
			if !slices.Equal(before.Units, []string{"app.service"}) || !slices.Equal(before.Mounts, []string{"/data"}) {
				t.Errorf("before = %+v, want what was in use", before)
			}
		})
	}
}

// Another writer between reading and writing is no trouble, and one that keeps writing is a transient one.
func TestContention(t *testing.T) {
	t.Parallel()
	w, _ := world(fake.Revoking, lockPolicy)
	w.Before("store.Apply", func() { w.Store.Put(w.Store.ByID[fake.ID]) })
	if got, _ := until(t, w, fake.Start, "safeguard/lock.json"); got.Outcome != locked {
		t.Errorf("lock = %+v, want locked", got)
	}
	w, _ = world(fake.Revoking, lockPolicy)
	w.Always("store.Apply", fault.New(fault.Conflict, "changed"))
	_, err := handle(t, w, fake.Start, "safeguard/lock.json")
	fake.Kind(t, err, fault.Transient)
	_, err = handle(t, w, fake.Start, "safeguard/unlock.json")
	fake.Kind(t, err, fault.Transient)
}

func TestPolicyThatCannotBeRead(t *testing.T) {
	t.Parallel()
	w, _ := world(fake.Revoking, "key: {mode: 7}")
	if _, err := handle(t, w, fake.Start, "safeguard/lock.json"); err == nil {
		t.Error("locked under a policy that does not compile")
	}
	w.Never(t, "ssm.")
	// A policy that is gone names nothing to stop.
	w, g := world(fake.Revoking, lockPolicy)
	delete(w.Store.ByName, "web-tier")
	if got, _ := until(t, w, fake.Start, "safeguard/lock.json"); got.Outcome != locked || g.states["app.service"] != "active" {
		t.Errorf("lock = %+v, states %v", got, g.states)
	}
}
