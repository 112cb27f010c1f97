package handler

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

const session = "arn:aws:sts::123456789012:assumed-role/drill/keyward-DrillFunction"

// ready is a world whose one key is the drill's.
func ready() *fake.World {
	w := fake.New()
	tagged(w, true, true)
	return w
}

func tagged(w *fake.World, guarded, drills bool) {
	k := w.Keys.ByARN[fake.KeyARN]
	k.Guarded, k.Drill = guarded, drills
	w.Keys.ByARN[fake.KeyARN] = k
}

func newHandler(w *fake.World) *Handler {
	return &Handler{
		Store: w.Store, Keys: w.Keys, Trier: w.Trier, Evaluate: w.Evaluate, Key: fake.KeyARN, Session: session, Owner: fake.Owner,
		Account: fake.Account, Region: fake.Region, Log: w.Log,
	}
}

func do(t *testing.T, w *fake.World, file string, now time.Time) record.Drill {
	t.Helper()
	d, err := newHandler(w).Handle(t.Context(), now, fake.Event[drill.Event](t, "drill/"+file))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func begin(t *testing.T, w *fake.World) record.Drill {
	t.Helper()
	return do(t, w, "daily.json", fake.Start)
}

func step(t *testing.T, w *fake.World, after time.Duration) record.Drill {
	t.Helper()
	return do(t, w, "step.json", fake.Start.Add(after))
}

func TestBegin(t *testing.T) {
	t.Parallel()
	w := ready()
	d := begin(t, w)
	if d.Phase != record.DrillRevoke || !d.Ill || d.By != record.DrillBySchedule || d.ID != "20260302T043000Z" || d.Version != 2 {
		t.Errorf("drill = %+v", d)
	}
	m := w.Store.ByID[drill.Machine]
	want := record.Machine{
		ID: drill.Machine, Name: "fire drill", Owner: fake.Owner, SessionARN: session, Policy: drill.PolicyName,
		Key: record.Key{ARN: fake.KeyARN, Mode: policy.DisableKey}, EnrolledAt: fake.Start, EnrolledBy: session, Version: 1,
		State: integrity.State{Generation: 1, Key: integrity.KeyReleased, KeySince: fake.Start},
	}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Errorf("machine (-want +got):\n%s", diff)
	}
	if p := w.Store.ByName[drill.PolicyName]; p.Text != drill.Policy() || p.Version != 1 || p.Digest == "" {
		t.Errorf("policy = %+v", p)
	}
	// What the machine answers is written before it is asked.
	order := slices.DeleteFunc(slices.Concat(w.Made("store.")), func(c string) bool {
		return !strings.HasPrefix(c, "store.Apply") && !strings.HasPrefix(c, "store.PutDrill") && !strings.HasPrefix(c, "store.Sent")
	})
	for i, prefix := range []string{"store.PutDrill prepare", "store.Apply", "store.PutDrill revoke", "store.Sent drill-"} {
		if i >= len(order) || !strings.HasPrefix(order[i], prefix) {
			t.Fatalf("writes = %v, want one of %q at %d", order, prefix, i)
		}
	}
	if w.Times(t, "evaluate.Invoke", 1); len(w.Store.Sends) != 1 {
		t.Errorf("commands = %v", w.Store.Sends)
	}
	for _, line := range []string{`msg="drill begun" reason=schedule`, `msg="drill step" kind=usable seconds=0`} {
		if !strings.Contains(w.Logged(), line) {
			t.Errorf("the log lacks %s:\n%s", line, w.Logged())
		}
	}
	// The next drill begins anew, under the policy that is there.
	again := do(t, w, "step.json", fake.Start)
	w.Store.Drilled.EndedAt, w.Store.Drilled.Phase = fake.Start.Add(time.Hour), record.DrillEnded
	if again.ID != d.ID {
		t.Errorf("a step made drill %s", again.ID)
	}
	if next := do(t, w, "daily.json", fake.Start.Add(24*time.Hour)); next.ID == d.ID || w.Store.ByID[drill.Machine].State.Generation != 2 {
		t.Errorf("next = %+v, machine %+v", next, w.Store.ByID[drill.Machine].State)
	}
	w.Times(t, "store.PutPolicy", 1)
}

// A second one that is asked for while one runs is a step of that one, and of two at once one does nothing.
func TestTwoAtOnceAreOne(t *testing.T) {
	t.Parallel()
	w := ready()
	d := begin(t, w)
	if second := do(t, w, "daily.json", fake.Start.Add(time.Minute)); second.ID != d.ID {
		t.Errorf("a second drill %s beside %s", second.ID, d.ID)
	}
	w = ready()
	w.Before("store.PutDrill", func() { begin(t, w) })
	begin(t, w)
	if len(w.Store.AllDrills) != 1 || len(w.Store.Sends) != 1 || w.Store.ByID[drill.Machine].State.Generation != 1 {
		t.Errorf("drills %+v, commands %d", w.Store.AllDrills, len(w.Store.Sends))
	}
}

func TestNoDrillRuns(t *testing.T) {
	t.Parallel()
	w := ready()
	step(t, w, 0)
	w.Never(t, "store.PutDrill", "kms.", "evaluate.", "store.Apply")
}

func TestSwitchedOff(t *testing.T) {
	t.Parallel()
	w := ready()
	h := newHandler(w)
	h.Key = ""
	_, err := h.Handle(t.Context(), fake.Start, drill.Event{Version: 1, Op: drill.Start})
	if fake.Kind(t, err, fault.Invalid); !strings.Contains(err.Error(), "Drill=on") {
		t.Error(err)
	}
	w.Never(t, "store.PutDrill", "kms.")
	for _, e := range []drill.Event{{}, {Version: 2, Op: "begin"}, {Version: 1, Op: "stop"}} {
		_, err := newHandler(w).Handle(t.Context(), fake.Start, e)
		fake.Kind(t, err, fault.Invalid)
	}
}

// A key that is not tagged as the drill's is tried by nobody, whatever alias it has.
func TestAnotherKeyIsNotTried(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*fake.World){
		"not the drill's": func(w *fake.World) { tagged(w, true, false) },
		"not guarded":     func(w *fake.World) { tagged(w, false, true) },
		"not to be read":  func(w *fake.World) { w.Always("kms.Key", fake.Down) },
	} {
		w := ready()
		edit(w)
		begin(t, w)
		w.Never(t, "kms.Use", "store.Apply", "evaluate.")
		if d := step(t, w, drill.PrepareWithin); d.Runs() || d.Outcome != record.DrillFailed || d.Why == "" {
			t.Errorf("%s: drill = %+v, want it failed", name, d)
		}
		if !strings.Contains(w.Logged(), `msg="drill ended" kind=failed`) {
			t.Errorf("%s: no alarm can be made of the log:\n%s", name, w.Logged())
		}
	}
}

// What an earlier drill left is given back by restore, as by a person's wish, before anything else.
func TestGivesBackFirst(t *testing.T) {
	t.Parallel()
	w := ready()
	left := fake.Machine(fake.Disable, fake.Revoked)
	left.ID, left.Policy = drill.Machine, drill.PolicyName
	w.Store.Put(left)
	d := begin(t, w)
	if d.Phase != record.DrillPrepare || len(w.Store.Waiting) != 1 {
		t.Fatalf("drill = %+v, outbox %+v", d, w.Store.Waiting)
	}
	w.Never(t, "kms.", "evaluate.")
	var in enforcement.Input
	if err := json.Unmarshal(w.Store.Waiting[0].Input, &in); err != nil || in.Kind != enforcement.Restore || in.Machine != drill.Machine || in.Generation != 3 || in.By != session || in.Account != fake.Account {
		t.Errorf("input = %+v, %v", in, err)
	}
	if step(t, w, 5*time.Minute); len(w.Store.Waiting) != 1 {
		t.Errorf("outbox = %+v: it was asked back twice", w.Store.Waiting)
	}
	w.Store.Change(drill.Machine, func(m *record.Machine) { m.Taken, m.State.Key = nil, integrity.KeyReleased })
	if d = step(t, w, 10*time.Minute); d.Phase != record.DrillRevoke || w.Store.ByID[drill.Machine].State.Generation != 4 {
		t.Errorf("drill = %+v", d)
	}
}

// The way to the end, with what the machine's own answer took left out of the latency.
func TestToTheEnd(t *testing.T) {
	t.Parallel()
	w := ready()
	begin(t, w)
	min := func(n float64) time.Time { return fake.Start.Add(time.Duration(n * float64(time.Minute))) }
	w.Store.Kept = append(w.Store.Kept, record.Evidence{Machine: drill.Machine, Sent: min(6), JudgedAt: min(10)})
	w.Store.Change(drill.Machine, func(m *record.Machine) {
		m.State.Standing, m.State.LastEvidence, m.State.WarnedAt, m.State.DueAt = integrity.Bad, min(6), min(1), min(6)
		m.State.Key = integrity.KeyRevoked
		m.Taken = &record.Taken{OrderedAt: min(10.5), ConfirmedAt: min(11), InForceAt: min(16)}
	})
	w.Trier.Disabled = true
	if d := step(t, w, 16*time.Minute); d.Phase != record.DrillRestore || d.Ill {
		t.Fatalf("drill = %+v", d)
	}
	if !strings.Contains(w.Logged(), fmt.Sprintf("kind=%s seconds=30", drill.StepOrdered)) {
		t.Errorf("log:\n%s", w.Logged())
	}
	w.Trier.Disabled = false
	w.Store.Told["a"] = record.Notice{Machine: drill.Machine, Reference: "a", Kind: "revoked", AcceptedAt: min(11)}
	w.Store.Change(drill.Machine, func(m *record.Machine) {
		m.State = integrity.State{Standing: integrity.Good, LastEvidence: min(16), LastVerdict: "Pass", Key: integrity.KeyReleased, KeySince: min(17)}
		m.Taken = nil
	})
	if d := step(t, w, 18*time.Minute); !d.Runs() {
		t.Fatalf("drill = %+v, want it to wait for the last mail", d)
	}
	w.Store.Told["b"] = record.Notice{Machine: drill.Machine, Reference: "b", Kind: "restored", AcceptedAt: min(19)}
	w.Fail("store.Notices", fake.Down)
	_, err := newHandler(w).Handle(t.Context(), min(19), drill.Event{Version: 1, Op: drill.Step})
	fake.Kind(t, err, fault.Transient)
	if d := step(t, w, 20*time.Minute); d.Runs() || d.Outcome != record.DrillGood {
		t.Fatalf("drill = %+v", d)
	}
	if !strings.Contains(w.Logged(), `msg="drill ended" kind=good reason="" seconds=1200`) {
		t.Errorf("log:\n%s", w.Logged())
	}
}

// A call that fails is an error, so that Lambda tries again; what was written stands.
func TestErrors(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"store.Drill", "store.PutDrill", "store.Machine", "store.Policy", "store.PutPolicy", "store.Apply", "store.Sent", "evaluate.Invoke"} {
		w := ready()
		w.Fail(call, fake.Down)
		_, err := newHandler(w).Handle(t.Context(), fake.Start, drill.Event{Version: 1, Op: drill.Start})
		if fake.Kind(t, err, fault.Transient); err == nil {
			t.Errorf("%s fails in silence", call)
		}
		if d := do(t, w, "daily.json", fake.Start.Add(5*time.Minute)); d.Phase != record.DrillRevoke {
			t.Errorf("%s failed once: drill = %+v, want it to have gone on", call, d)
		}
		if len(w.Store.AllDrills) != 1 || len(w.Store.Sends) == 0 {
			t.Errorf("%s failed once: %d drills, %d commands", call, len(w.Store.AllDrills), len(w.Store.Sends))
		}
	}
	w := ready()
	begin(t, w)
	w.Store.Change(drill.Machine, func(m *record.Machine) { m.Taken = &record.Taken{OrderedAt: fake.Start} })
	w.Fail("store.Evidence", fake.Down)
	_, err := newHandler(w).Handle(t.Context(), fake.Start.Add(time.Minute), drill.Event{Version: 1, Op: drill.Step})
	fake.Kind(t, err, fault.Transient)
}
