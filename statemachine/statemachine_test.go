package statemachine_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/statemachine"
)

// state is as much of a state as these tests read.
type state struct {
	Type, Comment, Next, Default, ResultPath string
	Choices                                  []struct{ Next string }
	TimeoutSeconds                           int
	Retry                                    []struct{ ErrorEquals []string }
	Catch                                    []struct {
		ErrorEquals      []string
		Next, ResultPath string
	}
}

func (s state) targets() []string {
	targets := []string{s.Next, s.Default}
	for _, c := range s.Choices {
		targets = append(targets, c.Next)
	}
	for _, c := range s.Catch {
		targets = append(targets, c.Next)
	}
	return slices.DeleteFunc(targets, func(name string) bool { return name == "" })
}

func states(t *testing.T) (start string, all map[string]state) {
	t.Helper()
	var m struct {
		StartAt string
		States  map[string]state
	}
	if err := json.Unmarshal(statemachine.Enforcement, &m); err != nil {
		t.Fatal(err)
	}
	return m.StartAt, m.States
}

// reaches says whether some way leads from a state to another one that passes none of the avoided.
func reaches(all map[string]state, from, to string, avoided ...string) bool {
	seen := map[string]bool{}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		name := queue[0]
		if name == to {
			return true
		}
		if seen[name] || slices.Contains(avoided, name) {
			continue
		}
		seen[name] = true
		queue = append(queue, all[name].targets()...)
	}
	return false
}

func TestEveryWayToRevoke(t *testing.T) {
	t.Parallel()
	first, all := states(t)
	if !reaches(all, first, "Revoke") {
		t.Fatal("no way leads to Revoke")
	}
	for _, name := range []string{"Wait until due", "Look again", "Decide", "Choose what follows", "Take a turn", "Check the turn"} {
		if reaches(all, first, "Revoke", name) {
			t.Errorf("a way to Revoke does not pass %q", name)
		}
	}
	for _, name := range []string{"Look again", "Wait for the answer", "Decide"} {
		if reaches(all, "Wait until due", "Revoke", name) {
			t.Errorf("a way from the deadline to Revoke does not pass %q", name)
		}
	}
	for name, s := range all {
		if slices.Contains(s.targets(), "Revoke") && name != "Check the turn" && name != "Check the lock" && name != "Choose what follows the lock" {
			t.Errorf("%q leads to Revoke, and only a turn may, by Lock or not", name)
		}
		if slices.Contains(s.targets(), "Take a turn") && name != "Choose what follows" && name != "Wait for its turn" {
			t.Errorf("%q leads to a turn, and only a decision may", name)
		}
		if slices.Contains(s.targets(), "Lock") && name != "Check the turn" && name != "Wait for the lock" {
			t.Errorf("%q leads to Lock, and only a turn may", name)
		}
	}
	for _, to := range all["Revoke"].targets() {
		if to != "Confirm" {
			t.Errorf("Revoke leads to %q, want Confirm alone", to)
		}
	}
	for _, name := range []string{"Look again", "Decide"} {
		if reaches(all, "Snapshot", "Lock", name) || reaches(all, "Snapshot", "Revoke", name) {
			t.Errorf("a way from Snapshot to Lock or Revoke does not pass %q", name)
		}
	}
	if reaches(all, "Unlock", "Revoke") || reaches(all, "Unlock", "Say revoked") {
		t.Error("a way leads from Unlock to a revocation")
	}
	for _, end := range []string{"Hold", "Say held", "Say revoked", "Raise the alarm", "Done"} {
		if reaches(all, "Revoke", end, "Confirm again") {
			t.Errorf("a way from Revoke to %q does not read KMS back twice", end)
		}
	}
}

func TestShape(t *testing.T) {
	t.Parallel()
	var names []string
	for _, k := range fault.Kinds() {
		names = append(names, fault.Of(k).Name)
	}
	lambdas := []string{"Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException",
		"Lambda.TooManyRequestsException", "Lambda.Unknown", "Runtime.ExitError", "Sandbox.Timedout", "States.Timeout"}
	_, all := states(t)
	for name, s := range all {
		if s.Comment == "" {
			t.Errorf("state %q has no comment", name)
		}
		if s.Type != "Task" {
			continue
		}
		if len(s.Retry) == 0 || len(s.Catch) != 1 || s.TimeoutSeconds == 0 || s.ResultPath == "" {
			t.Errorf("task %q: %d retries, %d catches, timeout %d s, result %q: want each", name, len(s.Retry), len(s.Catch), s.TimeoutSeconds, s.ResultPath)
			continue
		}
		if c := s.Catch[0]; !slices.Equal(c.ErrorEquals, []string{"States.ALL"}) || c.ResultPath != "$.error" {
			t.Errorf("task %q catches %v into %q, want States.ALL into $.error", name, c.ErrorEquals, c.ResultPath)
		}
		for _, r := range s.Retry {
			for _, e := range r.ErrorEquals {
				if !slices.Contains(names, e) && !slices.Contains(lambdas, e) {
					t.Errorf("task %q retries %q, which nothing produces", name, e)
				}
			}
			for _, e := range append(lambdas, "Transient") {
				if !slices.Contains(r.ErrorEquals, e) {
					t.Errorf("task %q does not retry %q", name, e)
				}
			}
		}
	}
}

// TestTold runs the whole way once and looks at what the functions were given, and when.
func TestTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	out := w.play(t, input(enforcement.Enforce))
	functions := map[string]string{}
	at := map[string]time.Duration{}
	for _, made := range w.tasks {
		functions[made.word()], at[made.word()] = made.Function, made.At.Sub(start)
		if made.Version != 1 || made.Execution != "i-1234567890abcdef0-1-enforce-1" || made.Input.Machine != "i-1234567890abcdef0" {
			t.Errorf("task of %s = %+v, want version, execution and input", made.word(), made.Task)
		}
	}
	wantFunctions := map[string]string{"warn": "Notify", "look": "Recheck", "decide": "Recheck", "turn": "Revoke", "order": "Revoke", "confirm": "Revoke", "tell revoked": "Notify"}
	if diff := cmp.Diff(wantFunctions, functions); diff != "" {
		t.Errorf("functions (-want +got):\n%s", diff)
	}
	due := 4 * time.Hour
	wantAt := map[string]time.Duration{"warn": 0, "look": due, "decide": due + 10*time.Second, "turn": due + 10*time.Second, "order": due + 10*time.Second,
		"confirm": due + 20*time.Second, "tell revoked": due + 20*time.Second}
	if diff := cmp.Diff(wantAt, at); diff != "" {
		t.Errorf("times after the start (-want +got):\n%s", diff)
	}
	last := w.tasks[len(w.tasks)-1].Input
	want := enforcement.State{
		Input:        last.Input,
		Warning:      &enforcement.Warned{Outcome: "warned", DueAt: start.Add(due), AcceptedAt: start, Reference: "KW-1"},
		Look:         &enforcement.Looked{Outcome: "asked", CommandID: "c-1", AskedAt: start},
		Decision:     &enforcement.Decision{Outcome: "revoke", Reason: "due"},
		Turn:         &enforcement.Turn{Outcome: "now", At: start},
		Order:        &enforcement.Ordered{Outcome: "ordered", At: start},
		Confirmation: &enforcement.Confirmation{Outcome: "revoked", At: start},
	}
	if diff := cmp.Diff(want, last); diff != "" {
		t.Errorf("state of the last task (-want +got):\n%s", diff)
	}
	if !last.DueAt.Equal(start.Add(due)) || out.Output.Told == nil {
		t.Errorf("dueAt = %s, told = %v, want %s and a reference", last.DueAt, out.Output.Told, start.Add(due))
	}
}

// TestMoved has the deadline extended: the machine is looked at again at the later one.
func TestMoved(t *testing.T) {
	t.Parallel()
	later := decided("extended")
	later.DueAt = start.Add(6 * time.Hour)
	w := newWorld(t, map[string][]any{"decide": {later, decided("standDown")}})
	w.play(t, input(enforcement.Enforce))
	var looks []time.Duration
	for _, made := range w.tasks {
		if made.Op == "look" {
			looks = append(looks, made.At.Sub(start))
		}
	}
	if diff := cmp.Diff([]time.Duration{4 * time.Hour, 6 * time.Hour}, looks); diff != "" {
		t.Errorf("looks (-want +got):\n%s", diff)
	}
}

// TestUnwarned shows the reason that Hold reads when the warning was not accepted, and the error.
func TestUnwarned(t *testing.T) {
	t.Parallel()
	w := newWorld(t, answers("warn", "Denied"))
	w.play(t, input(enforcement.Enforce))
	held := w.tasks[1].Input
	if held.Decision == nil || held.Decision.Reason != "warning_not_accepted" || held.Error == nil || held.Error.Error != "Denied" || !strings.Contains(held.Error.Cause, "scripted") {
		t.Errorf("input of hold: decision %+v, error %+v", held.Decision, held.Error)
	}
}

// TestEveryState makes sure that the cases of these tests leave out no state.
func TestEveryState(t *testing.T) {
	t.Parallel()
	_, all := states(t)
	missing := maps.Clone(all)
	later := decided("extended")
	later.DueAt = start.Add(6 * time.Hour)
	for _, run := range []struct {
		in      any
		answers map[string][]any
	}{
		{input(enforcement.Enforce), nil},
		{input(enforcement.Look), answers("decide", decided("withdraw"), "withdraw", enforcement.Ordered{Outcome: "ordered"})},
		{input(enforcement.Enforce), map[string][]any{"decide": {later, decided("standDown")}, "tell stoodDown": {"Denied"}}},
		{input(enforcement.Enforce), answers("warn", "Denied")},
		{input(enforcement.Enforce), answers("warn", enforcement.Warned{Outcome: "unreachable", DueAt: start})},
		{input(enforcement.Enforce), map[string][]any{"warn": {enforcement.Warned{Outcome: "gathering", DueAt: start.Add(time.Minute)}, enforcement.Warned{Outcome: "superseded", DueAt: start}}}},
		{input(enforcement.Enforce), answers("confirm", confirmed("unconfirmed"))},
		{input(enforcement.Enforce), map[string][]any{
			"decide":   {decided("snapshot"), stopping("lock"), stopping("revoke")},
			"snapshot": {safe("waiting"), safe("done")}, "lock": {safe("waiting"), safe("locked")}, "stop": {safe("waiting"), safe("stopped")},
		}},
		{input(enforcement.Enforce), map[string][]any{"decide": {decided("lock")}, "lock": {safe("failed")}, "unlock": {safe("waiting"), "Internal"}}},
		{input(enforcement.Restore), nil},
		{input(enforcement.Enforce), map[string][]any{"turn": {paced(time.Second), enforcement.Turn{Outcome: "now"}}}},
		{input(enforcement.Restore), map[string][]any{"restore": {enforcement.Outcome{Outcome: "paced", At: start.Add(time.Second)}, enforcement.Outcome{Outcome: "restored"}}}},
		{input(enforcement.Restore), answers("restore", enforcement.Outcome{Outcome: "superseded"})},
		{notice(input(enforcement.Tell), "held"), nil},
		{map[string]any{}, nil},
	} {
		for _, name := range newWorld(t, run.answers).play(t, run.in).States {
			delete(missing, name)
		}
	}
	if len(missing) > 0 {
		t.Errorf("never entered: %v", slices.Sorted(maps.Keys(missing)))
	}
}
