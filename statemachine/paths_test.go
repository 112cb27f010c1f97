package statemachine_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/enforcement"
)

func decided(outcome string) enforcement.Decision {
	return enforcement.Decision{Outcome: outcome, Reason: "r", Text: "t"}
}

func safe(outcome string) enforcement.Safeguarded {
	return enforcement.Safeguarded{Outcome: outcome, Text: "t", At: start}
}

// stopping is a decision under a policy that stops the machine.
func stopping(outcome string) enforcement.Decision {
	d := decided(outcome)
	d.Effect = "stop"
	return d
}

func confirmed(outcome string) enforcement.Confirmation {
	return enforcement.Confirmation{Outcome: outcome, At: start}
}

func paced(in time.Duration) enforcement.Turn {
	return enforcement.Turn{Outcome: enforcement.Paced, At: start.Add(in)}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	toDecide := []string{"warn", "look", "decide"}
	later := decided("extended")
	later.DueAt = start.Add(6 * time.Hour)
	held := []any{enforcement.Decision{Outcome: "superseded", Reason: "generation", Text: "newer"}}
	for _, c := range []struct {
		name    string
		in      any
		answers map[string][]any
		words   []string
		status  string
		error   string
	}{
		{"revoked", input(enforcement.Enforce), nil, append(toDecide, "turn", "order", "confirm", "confirm", "tell revoked"), "SUCCEEDED", ""},
		{"look resumes without a warning", due(input(enforcement.Look)), nil, []string{"look", "decide", "turn", "order", "confirm", "confirm", "tell revoked"}, "SUCCEEDED", ""},
		{"look without a deadline", input(enforcement.Look), answers("decide", decided("withdraw"), "withdraw", enforcement.Ordered{Outcome: "ordered", At: start}),
			[]string{"look", "decide", "withdraw", "tell withdrawn"}, "SUCCEEDED", ""},
		{"stands down", input(enforcement.Enforce), answers("decide", decided("standDown")), append(toDecide, "tell stoodDown"), "SUCCEEDED", ""},
		{"held", input(enforcement.Enforce), answers("decide", decided("hold")), append(toDecide, "hold", "tell held"), "SUCCEEDED", ""},
		{"hold is superseded", input(enforcement.Enforce), map[string][]any{"decide": {decided("hold")}, "hold": held}, append(toDecide, "hold"), "SUCCEEDED", ""},
		{"outcome of decide unknown", input(enforcement.Enforce), answers("decide", decided("revoked")), append(toDecide, "hold", "tell held"), "SUCCEEDED", ""},
		{"no outcome of decide", input(enforcement.Enforce), answers("decide", map[string]any{"outcome": nil}), append(toDecide, "hold", "tell held"), "SUCCEEDED", ""},
		{"extended without a deadline", input(enforcement.Enforce), answers("decide", decided("extended")), append(toDecide, "hold", "tell held"), "SUCCEEDED", ""},
		{"decide is superseded", input(enforcement.Enforce), answers("decide", decided("superseded")), toDecide, "SUCCEEDED", ""},
		{"warning waits for others", input(enforcement.Enforce), map[string][]any{
			"warn": {enforcement.Warned{Outcome: "gathering", DueAt: start.Add(time.Minute)}, enforcement.Warned{Outcome: "superseded"}},
		}, []string{"warn", "warn"}, "SUCCEEDED", ""},
		{"warning is superseded", input(enforcement.Enforce), answers("warn", enforcement.Warned{Outcome: "superseded"}), []string{"warn"}, "SUCCEEDED", ""},
		{"nobody can be warned", input(enforcement.Enforce), answers("warn", enforcement.Warned{Outcome: "unreachable", DueAt: start}), []string{"warn", "hold", "tell held"}, "SUCCEEDED", ""},
		{"look is superseded", input(enforcement.Enforce), answers("look", enforcement.Looked{Outcome: "superseded"}), []string{"warn", "look"}, "SUCCEEDED", ""},
		{"outcome of look unknown", input(enforcement.Enforce), answers("look", enforcement.Looked{Outcome: "well"}), []string{"warn", "look", "hold", "tell held"}, "SUCCEEDED", ""},
		{"waits for the answer", input(enforcement.Enforce), map[string][]any{"decide": {decided("waiting"), decided("waiting"), decided("standDown")}},
			append(toDecide, "decide", "decide", "tell stoodDown"), "SUCCEEDED", ""},
		{"extended", input(enforcement.Enforce), map[string][]any{"decide": {later, decided("standDown")}}, append(toDecide, "look", "decide", "tell stoodDown"), "SUCCEEDED", ""},
		{"gone", input(enforcement.Enforce), answers("decide", decided("withdraw"), "withdraw", enforcement.Ordered{Outcome: "nothing", At: start}),
			append(toDecide, "withdraw", "tell withdrawn"), "SUCCEEDED", ""},
		{"withdrawal is superseded", input(enforcement.Enforce), answers("decide", decided("withdraw"), "withdraw", enforcement.Ordered{Outcome: "superseded", At: start}),
			append(toDecide, "withdraw"), "SUCCEEDED", ""},
		{"not revoked", input(enforcement.Enforce), map[string][]any{"confirm": {confirmed("seen"), confirmed("notRevoked")}},
			append(toDecide, "turn", "order", "confirm", "confirm", "hold", "tell held"), "SUCCEEDED", ""},
		{"seen twice", input(enforcement.Enforce), map[string][]any{"confirm": {confirmed("seen"), confirmed("seen"), confirmed("revoked")}},
			append(toDecide, "turn", "order", "confirm", "confirm", "confirm", "tell revoked"), "SUCCEEDED", ""},
		{"unconfirmed", input(enforcement.Enforce), answers("confirm", confirmed("unconfirmed")),
			append(toDecide, "turn", "order", "confirm", "confirm", "hold", "tell unconfirmed"), "FAILED", "Unconfirmed"},
		{"snapshot, look, lock, revoke", input(enforcement.Enforce), map[string][]any{
			"decide": {decided("snapshot"), decided("lock"), decided("revoke")}, "snapshot": {safe("waiting"), safe("waiting"), safe("done")}, "lock": {safe("waiting"), safe("locked")},
		}, append(toDecide, "snapshot", "snapshot", "snapshot", "look", "decide", "turn", "lock", "lock", "decide", "order", "confirm", "confirm", "tell revoked"), "SUCCEEDED", ""},
		{"corrected while the snapshot was made", input(enforcement.Enforce), map[string][]any{"decide": {decided("snapshot"), decided("standDown")}, "snapshot": {safe("done")}},
			append(toDecide, "snapshot", "look", "decide", "tell stoodDown"), "SUCCEEDED", ""},
		{"snapshot fails", input(enforcement.Enforce), answers("decide", decided("snapshot"), "snapshot", safe("failed")), append(toDecide, "snapshot", "hold", "tell held"), "SUCCEEDED", ""},
		{"snapshot fails and the policy revokes", input(enforcement.Enforce), map[string][]any{"decide": {decided("snapshot"), decided("revoke")}, "snapshot": {safe("goOn")}},
			append(toDecide, "snapshot", "look", "decide", "turn", "order", "confirm", "confirm", "tell revoked"), "SUCCEEDED", ""},
		{"snapshot is superseded", input(enforcement.Enforce), answers("decide", decided("snapshot"), "snapshot", safe("superseded")), append(toDecide, "snapshot"), "SUCCEEDED", ""},
		{"outcome of snapshot unknown", input(enforcement.Enforce), answers("decide", decided("snapshot"), "snapshot", safe("fine")), append(toDecide, "snapshot", "hold", "tell held"), "SUCCEEDED", ""},
		{"lock fails", input(enforcement.Enforce), map[string][]any{"decide": {decided("lock")}, "lock": {safe("failed")}, "unlock": {safe("waiting"), safe("unlocked")}},
			append(toDecide, "turn", "lock", "unlock", "unlock", "hold", "tell held"), "SUCCEEDED", ""},
		{"outcome of lock unknown", input(enforcement.Enforce), answers("decide", decided("lock"), "lock", safe("closed"), "unlock", safe("unlocked")), append(toDecide, "turn", "lock", "unlock", "hold", "tell held"), "SUCCEEDED", ""},
		{"lock fails and the policy revokes", input(enforcement.Enforce), map[string][]any{"decide": {decided("lock"), decided("revoke")}, "lock": {safe("goOn")}}, append(toDecide, "turn", "lock", "decide", "order", "confirm", "confirm", "tell revoked"), "SUCCEEDED", ""},
		{"lock is superseded", input(enforcement.Enforce), map[string][]any{
			"decide": {decided("lock")}, "lock": {safe("superseded")}, "order": {enforcement.Ordered{Outcome: "superseded", At: start}},
			"confirm": {confirmed("notRevoked")}, "unlock": {safe("unlocked")}, "hold": held,
		}, append(toDecide, "turn", "lock", "order", "confirm", "confirm", "unlock", "hold"), "SUCCEEDED", ""},
		{"locked and not revoked", input(enforcement.Enforce), map[string][]any{"decide": {decided("lock"), decided("revoke")}, "lock": {safe("locked")}, "confirm": {confirmed("notRevoked")}, "unlock": {safe("failed")}},
			append(toDecide, "turn", "lock", "decide", "order", "confirm", "confirm", "unlock", "hold", "tell held"), "SUCCEEDED", ""},
		{"locked, and held when everything is asked again", input(enforcement.Enforce), map[string][]any{"decide": {decided("lock"), decided("hold")}, "lock": {safe("locked")}, "unlock": {safe("unlocked")}},
			append(toDecide, "turn", "lock", "decide", "unlock", "hold", "tell held"), "SUCCEEDED", ""},
		{"locked, and nothing is waited for", input(enforcement.Enforce), map[string][]any{"decide": {decided("lock"), later}, "lock": {safe("locked")}, "unlock": {safe("unlocked")}},
			append(toDecide, "turn", "lock", "decide", "unlock", "hold", "tell held"), "SUCCEEDED", ""},
		{"put right while it was locked", input(enforcement.Enforce), map[string][]any{
			"decide": {decided("lock"), decided("standDown")}, "lock": {safe("locked")}, "order": {enforcement.Ordered{Outcome: "superseded", At: start}},
			"confirm": {confirmed("notRevoked")}, "unlock": {safe("unlocked")},
		}, append(toDecide, "turn", "lock", "decide", "order", "confirm", "confirm", "unlock", "tell stoodDown"), "SUCCEEDED", ""},
		{"put right while it was locked, and not brought back", input(enforcement.Enforce), map[string][]any{
			"decide": {decided("lock"), decided("standDown")}, "lock": {safe("locked")}, "order": {enforcement.Ordered{Outcome: "superseded", At: start}},
			"confirm": {confirmed("notRevoked")}, "unlock": {safe("failed")},
		}, append(toDecide, "turn", "lock", "decide", "order", "confirm", "confirm", "unlock", "hold", "tell held"), "SUCCEEDED", ""},
		{"superseded while it was locked", input(enforcement.Enforce), map[string][]any{
			"decide": {decided("lock"), decided("superseded")}, "lock": {safe("locked")}, "order": {enforcement.Ordered{Outcome: "superseded", At: start}},
			"confirm": {confirmed("notRevoked")}, "unlock": {safe("unlocked")}, "hold": held,
		}, append(toDecide, "turn", "lock", "decide", "order", "confirm", "confirm", "unlock", "hold"), "SUCCEEDED", ""},
		{"gone while it was locked", input(enforcement.Enforce), map[string][]any{
			"decide": {decided("lock"), decided("withdraw")}, "lock": {safe("locked")}, "withdraw": {enforcement.Ordered{Outcome: "nothing", At: start}},
		}, append(toDecide, "turn", "lock", "decide", "withdraw", "tell withdrawn"), "SUCCEEDED", ""},
		{"locked and unconfirmed stays locked", input(enforcement.Enforce), map[string][]any{"decide": {decided("lock"), decided("revoke")}, "lock": {safe("locked")}, "confirm": {confirmed("unconfirmed")}},
			append(toDecide, "turn", "lock", "decide", "order", "confirm", "confirm", "hold", "tell unconfirmed"), "FAILED", "Unconfirmed"},
		{"stopped after the revocation", input(enforcement.Enforce), map[string][]any{"decide": {stopping("revoke")}, "stop": {safe("waiting"), safe("stopped")}},
			append(toDecide, "turn", "order", "confirm", "confirm", "stop", "stop", "tell revoked"), "SUCCEEDED", ""},
		{"not stopped", input(enforcement.Enforce), answers("decide", stopping("revoke"), "stop", safe("failed")), append(toDecide, "turn", "order", "confirm", "confirm", "stop", "tell revoked"), "SUCCEEDED", ""},
		{"not revoked, not stopped", input(enforcement.Enforce), map[string][]any{"decide": {stopping("revoke")}, "confirm": {confirmed("seen"), confirmed("notRevoked")}},
			append(toDecide, "turn", "order", "confirm", "confirm", "hold", "tell held"), "SUCCEEDED", ""},
		{"waits for its turn", input(enforcement.Look), map[string][]any{"turn": {paced(time.Second), paced(3 * time.Second), enforcement.Turn{Outcome: "now"}}},
			[]string{"look", "decide", "turn", "turn", "turn", "order", "confirm", "confirm", "tell revoked"}, "SUCCEEDED", ""},
		{"its turn does not come", input(enforcement.Look), map[string][]any{"turn": {paced(time.Second), enforcement.Turn{Outcome: "held", Reason: "no-turn"}}},
			[]string{"look", "decide", "turn", "turn", "hold", "tell held"}, "SUCCEEDED", ""},
		{"outcome of turn unknown", input(enforcement.Look), map[string][]any{"turn": {enforcement.Turn{Outcome: "soon"}}, "confirm": {confirmed("notRevoked")}},
			[]string{"look", "decide", "turn", "confirm", "confirm", "hold", "tell held"}, "SUCCEEDED", ""},
		{"no turn could be asked for", input(enforcement.Look), map[string][]any{"turn": {"Denied"}, "confirm": {confirmed("notRevoked")}},
			[]string{"look", "decide", "turn", "confirm", "confirm", "hold", "tell held"}, "SUCCEEDED", ""},
		{"restore waits for its turn", input(enforcement.Restore), map[string][]any{"restore": {enforcement.Outcome{Outcome: "paced", At: start.Add(time.Second)}, enforcement.Outcome{Outcome: "restored"}}},
			[]string{"restore", "restore", "tell restored"}, "SUCCEEDED", ""},
		{"restored", input(enforcement.Restore), nil, []string{"restore", "tell restored"}, "SUCCEEDED", ""},
		{"restore is held", input(enforcement.Restore), answers("restore", enforcement.Outcome{Outcome: "held", Reason: "key-changed"}), []string{"restore", "tell held"}, "SUCCEEDED", ""},
		{"restore is superseded", input(enforcement.Restore), answers("restore", enforcement.Outcome{Outcome: "superseded"}), []string{"restore"}, "SUCCEEDED", ""},
		{"outcome of restore unknown", input(enforcement.Restore), answers("restore", enforcement.Outcome{Outcome: "ok"}), []string{"restore", "tell held"}, "SUCCEEDED", ""},
		{"tell", notice(input(enforcement.Tell), "cannotCheck"), nil, []string{"tell cannotCheck"}, "SUCCEEDED", ""},
		{"tell nothing", input(enforcement.Tell), nil, nil, "FAILED", "Invalid"},
		{"unknown kind", input("erase"), nil, nil, "FAILED", "Invalid"},
		{"another version", map[string]any{"version": 2, "kind": "enforce"}, nil, nil, "FAILED", "Invalid"},
		{"version as text", map[string]any{"version": "1", "kind": "enforce"}, nil, nil, "FAILED", "Invalid"},
		{"no version", map[string]any{"kind": "enforce"}, nil, nil, "FAILED", "Invalid"},
		{"no kind", map[string]any{"version": 1}, nil, nil, "FAILED", "Invalid"},
		{"nothing", map[string]any{}, nil, nil, "FAILED", "Invalid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c.answers)
			out := w.play(t, c.in)
			if out.Status != c.status || out.Error != c.error {
				t.Errorf("execution = %s %q, want %s %q; it went %v", out.Status, out.Error, c.status, c.error, out.States)
			}
			if diff := cmp.Diff(c.words, w.words()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// answers makes a script of one answer a word.
func answers(pairs ...any) map[string][]any {
	script := map[string][]any{}
	for i := 0; i < len(pairs); i += 2 {
		script[pairs[i].(string)] = []any{pairs[i+1]}
	}
	return script
}

func due(in enforcement.Input) enforcement.Input {
	in.DueAt = start.Add(time.Hour)
	return in
}

func notice(in enforcement.Input, name string) enforcement.Input {
	in.Notice = name
	return in
}

// TestFailures has every task fail for good: whatever it is, nothing is revoked that was not decided,
// and after Revoke the way leads to Confirm.
func TestFailures(t *testing.T) {
	t.Parallel()
	toDecide := []string{"warn", "look", "decide"}
	for _, c := range []struct {
		name    string
		in      any
		answers map[string][]any
		words   []string
		status  string
	}{
		{"warn", input(enforcement.Enforce), answers("warn", "Denied"), []string{"warn", "hold", "tell held"}, "SUCCEEDED"},
		{"look", input(enforcement.Enforce), answers("look", "Internal"), []string{"warn", "look", "hold", "tell held"}, "SUCCEEDED"},
		{"decide", input(enforcement.Enforce), answers("decide", "Internal"), append(toDecide, "hold", "tell held"), "SUCCEEDED"},
		{"hold", input(enforcement.Enforce), answers("decide", decided("hold"), "hold", "Internal"), append(toDecide, "hold", "tell held"), "SUCCEEDED"},
		{"withdraw", input(enforcement.Enforce), answers("decide", decided("withdraw"), "withdraw", "Denied"), append(toDecide, "withdraw", "hold", "tell held"), "SUCCEEDED"},
		{"order", input(enforcement.Enforce), answers("order", "Denied"), append(toDecide, "turn", "order", "confirm", "confirm", "tell revoked"), "SUCCEEDED"},
		{"snapshot", input(enforcement.Enforce), answers("decide", decided("snapshot"), "snapshot", "Conflict"), append(toDecide, "snapshot", "hold", "tell held"), "SUCCEEDED"},
		{"lock", input(enforcement.Enforce), answers("decide", decided("lock"), "lock", "Internal", "unlock", safe("unlocked")), append(toDecide, "turn", "lock", "unlock", "hold", "tell held"), "SUCCEEDED"},
		{"decide, locked", input(enforcement.Enforce), map[string][]any{"decide": {decided("lock"), "Internal"}, "lock": {safe("locked")}, "unlock": {safe("unlocked")}},
			append(toDecide, "turn", "lock", "decide", "unlock", "hold", "tell held"), "SUCCEEDED"},
		{"lock and unlock", input(enforcement.Enforce), answers("decide", decided("lock"), "lock", "Internal", "unlock", "Internal"), append(toDecide, "turn", "lock", "unlock", "hold", "tell held"), "SUCCEEDED"},
		{"stop", input(enforcement.Enforce), answers("decide", stopping("revoke"), "stop", "Denied"), append(toDecide, "turn", "order", "confirm", "confirm", "stop", "tell revoked"), "SUCCEEDED"},
		{"order and confirm", input(enforcement.Enforce), answers("order", "Internal", "confirm", "Internal"), append(toDecide, "turn", "order", "confirm", "confirm", "hold", "tell unconfirmed"), "FAILED"},
		{"first confirm", input(enforcement.Enforce), map[string][]any{"confirm": {"Internal", confirmed("revoked")}}, append(toDecide, "turn", "order", "confirm", "confirm", "tell revoked"), "SUCCEEDED"},
		{"say revoked", input(enforcement.Enforce), answers("tell revoked", "Denied"), append(toDecide, "turn", "order", "confirm", "confirm", "tell revoked"), "FAILED"},
		{"alarm", input(enforcement.Enforce), answers("confirm", confirmed("unconfirmed"), "tell unconfirmed", "Denied"), append(toDecide, "turn", "order", "confirm", "confirm", "hold", "tell unconfirmed"), "FAILED"},
		{"stand down", input(enforcement.Enforce), answers("decide", decided("standDown"), "tell stoodDown", "Denied"), append(toDecide, "tell stoodDown"), "FAILED"},
		{"restore", input(enforcement.Restore), answers("restore", "Denied"), []string{"restore", "hold", "tell held"}, "SUCCEEDED"},
		{"tell", notice(input(enforcement.Tell), "held"), answers("tell held", "NotFound"), []string{"tell held"}, "FAILED"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c.answers)
			out := w.play(t, c.in)
			if out.Status != c.status {
				t.Errorf("execution = %s %q, want %s; it went %v", out.Status, out.Error, c.status, out.States)
			}
			if diff := cmp.Diff(c.words, w.words()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTransient has every task fail twice in a way that passes: the execution comes to the same end.
func TestTransient(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Transient", "Lambda.TooManyRequestsException", "Runtime.ExitError", "Sandbox.Timedout"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			for word, list := range w.answers {
				w.answers[word] = append([]any{name, name}, list...)
			}
			out := w.play(t, input(enforcement.Enforce))
			if out.Status != "SUCCEEDED" {
				t.Errorf("execution = %s %q; it went %v", out.Status, out.Error, out.States)
			}
			want := []string{"warn", "warn", "warn", "look", "look", "look", "decide", "decide", "decide", "turn", "turn", "turn", "order", "order", "order",
				"confirm", "confirm", "confirm", "confirm", "tell revoked"}
			if diff := cmp.Diff(want, w.words()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// TestConfirmIsPatient has KMS unreadable for minutes after the order.
func TestConfirmIsPatient(t *testing.T) {
	t.Parallel()
	list := []any{}
	for range 8 {
		list = append(list, "Transient")
	}
	w := newWorld(t, map[string][]any{"confirm": append(list, confirmed("seen"), confirmed("revoked"))})
	if out := w.play(t, input(enforcement.Enforce)); out.Status != "SUCCEEDED" || !w.called("tell revoked") {
		t.Errorf("execution = %s %q; it went %v", out.Status, out.Error, out.States)
	}
}
