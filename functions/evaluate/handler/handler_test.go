package handler

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

func newHandler(w *fake.World) *Handler {
	return &Handler{
		Store: w.Store, Answers: w.SSM, Instances: w.Instances, Flow: w.Flow,
		Account: fake.Account, Region: fake.Region, Log: w.Log,
	}
}

// asked is a world in which a command went out 10 seconds ago and the machine printed this.
func asked(purpose record.Purpose, output string, edits ...func(*record.Machine)) *fake.World {
	w := fake.New()
	w.Store.Put(fake.Machine(edits...))
	c := fake.Sent(purpose, fake.Start.Add(-10*time.Second), fake.ID)
	w.Store.Sends[c.ID] = c
	if output != "" {
		w.SSM.Say(fake.ID, output)
	}
	return w
}

var success = Event{Commands: []string{fake.Command}}

// judge handles the event of the command's end at a time and returns the answer that was stored.
func judge(t *testing.T, w *fake.World, now time.Time) (Summary, record.Answer) {
	t.Helper()
	s, err := newHandler(w).Handle(t.Context(), now, success)
	if err != nil {
		t.Fatalf("handle: %v", err)
	}
	return s, w.Store.Said[fake.Command+" "+fake.ID]
}

func TestEvents(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"evaluate/command-success.json", "evaluate/command-timed-out.json", "evaluate/settle.json"} {
		if got := fake.Event[Event](t, file); !cmp.Equal(got, success) {
			t.Errorf("%s = %+v, want %+v", file, got, success)
		}
	}
	for name, text := range map[string]string{
		"another source":  `{"source":"aws.ec2","detail":{"command-id":"x"}}`,
		"no command":      `{"source":"aws.ssm","detail":{}}`,
		"a later version": `{"version":2,"commands":["x"]}`,
		"nothing":         `{}`,
	} {
		if err := json.Unmarshal([]byte(text), new(Event)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: error = %v, want Invalid", name, err)
		}
	}
	if err := json.Unmarshal([]byte(`[]`), new(Event)); err == nil {
		t.Error("a list was accepted")
	}
}

func TestAFailureStartsAnEnforcement(t *testing.T) {
	t.Parallel()
	w := asked(record.Scheduled, fake.Answer(fake.Nonce, fake.OldKernel))
	s, a := judge(t, w, fake.Start)
	if want := (Summary{Judged: 1, Started: 1}); s != want {
		t.Errorf("Summary = %+v, want %+v", s, want)
	}
	// What a replay has to know beside the facts.
	if e := w.Store.Kept[0]; !e.JudgedAt.Equal(fake.Start) || e.Presence != integrity.Running {
		t.Errorf("evidence was judged at %s, presence %q", e.JudgedAt, e.Presence)
	}
	if a.Verdict != policy.Fail || !strings.Contains(a.Why, "4.19.0") || a.Presence != integrity.Running || a.Digest == "" {
		t.Errorf("answer = %+v", a)
	}
	m := w.Store.ByID[fake.ID]
	name := "i-1234567890abcdef0-2-enforce-1"
	if m.State.Standing != integrity.Bad || m.State.Generation != 2 || m.Execution != name || len(m.Findings) != 1 {
		t.Errorf("machine = %+v", m)
	}
	var in enforcement.Input
	if err := json.Unmarshal(w.Flow.Inputs[name], &in); err != nil {
		t.Fatal(err)
	}
	want := enforcement.Input{
		Version: 1, Kind: enforcement.Enforce, Account: fake.Account, Region: fake.Region, Machine: fake.ID, Generation: 2,
		Policy: "web-tier", Why: m.State.Why,
	}
	if diff := cmp.Diff(want, in); diff != "" {
		t.Errorf("input (-want +got):\n%s", diff)
	}
	if len(w.Store.Waiting) != 0 || !slices.Equal(w.Store.Settling, []string{fake.Command}) {
		t.Errorf("outbox %v, settled %v, want an empty one and the command", w.Store.Waiting, w.Store.Settling)
	}
	// One transaction: evidence, answer, transition and outbox.
	c := w.Store.Changes[0]
	if len(w.Store.Changes) != 1 || c.Evidence == nil || c.Answer == nil || len(c.Start) != 1 || len(c.Ledger) != 1 {
		t.Errorf("changes = %+v, want all in one", w.Store.Changes)
	}
	w.Never(t, "kms.", "ses.")
}

func TestWhatFollows(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		kernel  string
		edit    func(*record.Machine)
		now     time.Time
		started []string
	}{
		{"good stays good", fake.NewKernel, func(*record.Machine) {}, fake.Start, nil},
		{"corrected before the deadline", fake.NewKernel, fake.Bad, fake.Start, []string{"i-1234567890abcdef0-3-tell-stoodDown-3"}},
		{"corrected after the revocation", fake.NewKernel, func(m *record.Machine) { fake.Revoked(m) }, fake.Start, []string{"i-1234567890abcdef0-3-restore-1"}},
		{"still bad after the deadline", fake.OldKernel, fake.Bad, fake.Start, nil}, // the enforcement that runs goes on
		{"reminder", fake.OldKernel, func(m *record.Machine) {
			fake.Bad(m)
			m.State.DueAt, m.State.RemindAt = fake.Start.Add(time.Hour), fake.Start
		}, fake.Start, []string{"i-1234567890abcdef0-2-tell-reminder-3"}},
		{"first silence of all", "", func(*record.Machine) {}, fake.Start.Add(time.Hour), nil}, // the sweep tells it
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := asked(record.Scheduled, "", tt.edit)
			if tt.kernel != "" {
				w.SSM.Say(fake.ID, fake.Answer(fake.Nonce, tt.kernel))
			} else {
				c := fake.Sent(record.Scheduled, tt.now.Add(-4*time.Minute), fake.ID)
				w.Store.Sends[c.ID] = c
			}
			judge(t, w, tt.now)
			got := w.Made("states.Start")
			for i := range got {
				got[i] = strings.TrimPrefix(got[i], "states.Start ")
			}
			if diff := cmp.Diff(tt.started, got); diff != "" {
				t.Errorf("started (-want +got):\n%s", diff)
			}
		})
	}
}

// Whether a machine is silent alone is not known yet: the sweep tells of it, or of all together.
func TestASilenceIsLeftToTheSweep(t *testing.T) {
	t.Parallel()
	now := fake.Start.Add(time.Hour)
	w := asked(record.Scheduled, "")
	c := fake.Sent(record.Scheduled, now.Add(-4*time.Minute), fake.ID)
	w.Store.Sends[c.ID] = c
	judge(t, w, now)
	if o := w.Store.Waiting; len(o) != 1 || !o[0].Silence || o[0].Name != "i-1234567890abcdef0-1-tell-cannotCheck-3" || !o[0].At.Equal(now) {
		t.Errorf("outbox = %+v, want the notice of the silence", o)
	}
	w.Never(t, "states.Start", "store.Started")
}

func TestPoliciesThatDoNotRevoke(t *testing.T) {
	t.Parallel()
	for action, want := range map[string]string{"notify": "i-1234567890abcdef0-2-tell-notifyBad-3", "hold": "i-1234567890abcdef0-2-tell-held-3"} {
		w := asked(record.Scheduled, fake.Answer(fake.Nonce, fake.OldKernel))
		w.Store.PutPolicyText(fake.Policy("onFail: revoke\n  grace: 4h", "onFail: "+action))
		judge(t, w, fake.Start)
		if got := w.Made("states.Start"); !slices.Equal(got, []string{"states.Start " + want}) {
			t.Errorf("onFail: %s started %v, want %s", action, got, want)
		}
	}
}

func TestAMachineThatIsGone(t *testing.T) {
	t.Parallel()
	w := asked(record.Scheduled, "", func(m *record.Machine) { m.State.GoneOnce = fake.Start.Add(-time.Hour) })
	w.Instances.Presence[fake.ID] = integrity.Gone
	judge(t, w, fake.Start.Add(5*time.Minute))
	if got := w.Made("states.Start"); !slices.Equal(got, []string{"states.Start i-1234567890abcdef0-2-look-1"}) {
		t.Errorf("started %v, want the look that withdraws its grant", got)
	}
}

// A look before a revocation is judged and starts nothing: the execution that asked reads the answer.
func TestALookStartsNothing(t *testing.T) {
	t.Parallel()
	for _, kernel := range []string{fake.NewKernel, fake.OldKernel} {
		w := asked(record.Look, fake.Answer(fake.Nonce, kernel), fake.Bad)
		_, a := judge(t, w, fake.Start)
		if len(a.Effects) == 0 {
			t.Errorf("effects = %v, want what the execution has to know", a.Effects)
		}
		if len(w.Store.Waiting) > 0 {
			t.Errorf("outbox = %v, want nothing", w.Store.Waiting)
		}
		w.Never(t, "states.")
	}
}

func TestAnOldInspectionStartsNothing(t *testing.T) {
	t.Parallel()
	w := asked(record.Scheduled, fake.Answer(fake.Nonce, fake.OldKernel))
	before := w.Store.ByID[fake.ID].State
	_, a := judge(t, w, fake.Start.Add(inspection.TooOld))
	if a.Why != "inspection_too_old" || a.Verdict != policy.Unknown {
		t.Errorf("answer = %+v, want that it is too old", a)
	}
	if w.Store.ByID[fake.ID].State != before || len(w.Store.Kept) != 1 {
		t.Errorf("state %+v with %d records, want it unmoved and recorded", w.Store.ByID[fake.ID].State, len(w.Store.Kept))
	}
	w.Never(t, "states.")
}

// An inspection that was sent before the last one that was judged moves nothing.
func TestOvertakenInspection(t *testing.T) {
	t.Parallel()
	w := asked(record.Scheduled, fake.Answer(fake.Nonce, fake.OldKernel), func(m *record.Machine) {
		m.State.LastEvidence, m.Digest = fake.Start, "newer"
	})
	judge(t, w, fake.Start)
	if m := w.Store.ByID[fake.ID]; m.State.Standing != integrity.Good || m.Digest != "newer" {
		t.Errorf("machine = %+v, want it as the newer inspection left it", m)
	}
	w.Never(t, "states.")
}

func TestAnEventThatComesTwice(t *testing.T) {
	t.Parallel()
	w := asked(record.Scheduled, fake.Answer(fake.Nonce, fake.OldKernel))
	judge(t, w, fake.Start)
	w.Forget()
	s, _ := judge(t, w, fake.Start.Add(time.Second))
	if s != (Summary{}) {
		t.Errorf("the second event did %+v, want nothing", s)
	}
	w.Never(t, "store.Apply", "states.", "ssm.", "store.Settled")
}

// Two invocations with the same event at once: the slower one finds the answer and judges nothing.
func TestTheSameEventAtOnce(t *testing.T) {
	t.Parallel()
	w := asked(record.Scheduled, fake.Answer(fake.Nonce, fake.OldKernel))
	w.Before("store.Apply", func() { judge(t, w, fake.Start) })
	s, _ := judge(t, w, fake.Start)
	if s.Started != 0 || len(w.Store.Changes) != 1 || len(w.Flow.Executions) != 1 {
		t.Errorf("the slower one did %+v; changes %d, executions %v, want one of each", s, len(w.Store.Changes), w.Flow.Executions)
	}
}

// Two checks at once: the transition is computed again on what the other one wrote.
func TestTwoChecksAtOnce(t *testing.T) {
	t.Parallel()
	w := asked(record.Check, fake.Answer(fake.Nonce, fake.OldKernel))
	w.Before("store.Apply", func() {
		w.Store.Change(fake.ID, func(m *record.Machine) {
			fake.Bad(m)
			m.State.LastEvidence = fake.Start.Add(-20 * time.Second)
		})
	})
	s, _ := judge(t, w, fake.Start)
	if s.Started != 0 || w.Store.ByID[fake.ID].State.Generation != 2 {
		t.Errorf("Summary %+v, state %+v, want the other's violation and none of its own", s, w.Store.ByID[fake.ID].State)
	}
	w.Times(t, "store.Apply", 2)
}

func TestAMachineThatKeepsBeingChanged(t *testing.T) {
	t.Parallel()
	w := asked(record.Check, fake.Answer(fake.Nonce, fake.OldKernel))
	for range tries {
		w.Before("store.Apply", func() { w.Store.Change(fake.ID, func(*record.Machine) {}) })
	}
	_, err := newHandler(w).Handle(t.Context(), fake.Start, success)
	fake.Kind(t, err, fault.Transient)
	w.Times(t, "store.Apply", tries)
	w.Never(t, "store.Settled", "states.")
}
