package statemachine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/sfn"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/statemachine"
)

var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// task is one call of a function, as it came.
type task struct {
	enforcement.Task
	Function string
	At       time.Time
}

// word is how a test names a call: its op, and the notice of a tell.
func (t task) word() string {
	if t.Notice != "" {
		return t.Op + " " + t.Notice
	}
	return t.Op
}

// world runs the definition on virtual time with scripted functions.
type world struct {
	clock *clock.Clock
	sfn   *sfn.SFN
	arn   string
	// answers are what the calls of a word answer, one after the other; the last one stays. A string is
	// the name of an error.
	answers map[string][]any
	tasks   []task
}

func definition() []byte {
	text := string(statemachine.Enforcement)
	for _, name := range []string{"Recheck", "Revoke", "Restore", "Notify", "Safeguard"} {
		text = strings.ReplaceAll(text, "${"+name+"FunctionArn}", "arn:aws:lambda:us-east-1:123456789012:function:"+name)
	}
	return []byte(text)
}

func newWorld(t *testing.T, answers map[string][]any) *world {
	t.Helper()
	w := &world{clock: clock.New(func() time.Time { return start }), answers: map[string][]any{
		"warn":    {enforcement.Warned{Outcome: "warned", DueAt: start.Add(4 * time.Hour), AcceptedAt: start, Reference: "KW-1"}},
		"look":    {enforcement.Looked{Outcome: "asked", CommandID: "c-1", AskedAt: start}},
		"decide":  {enforcement.Decision{Outcome: "revoke", Reason: "due"}},
		"hold":    {enforcement.Decision{Outcome: "hold", Reason: "task-failed", Text: "a step failed"}},
		"turn":    {enforcement.Turn{Outcome: "now", At: start}},
		"order":   {enforcement.Ordered{Outcome: "ordered", At: start}},
		"confirm": {enforcement.Confirmation{Outcome: "seen", At: start}, enforcement.Confirmation{Outcome: "revoked", At: start}},
		"restore": {enforcement.Outcome{Outcome: "restored", At: start}},
	}}
	for word, answer := range answers {
		w.answers[word] = answer
	}
	w.sfn = sfn.New(sfn.Options{
		Clock: w.clock, Region: "us-east-1", Account: "123456789012", Invoke: w.invoke,
		Random: func() float64 { return 0.5 },
	})
	arn, err := w.sfn.CreateStateMachine("keyward-Enforcement", "arn:aws:iam::123456789012:role/keyward", definition())
	if err != nil {
		t.Fatalf("CreateStateMachine: %v", err)
	}
	w.arn = arn
	return w
}

// invoke is never called twice at once: these tests run one execution each.
func (w *world) invoke(_ context.Context, _, function string, payload []byte) (sfn.Result, error) {
	made := task{Function: function[strings.LastIndex(function, ":")+1:], At: w.clock.Now()}
	if err := json.Unmarshal(payload, &made.Task); err != nil {
		return sfn.Result{}, err
	}
	w.tasks = append(w.tasks, made)
	var answer any = enforcement.Told{Reference: "KW-2", AcceptedAt: w.clock.Now(), MessageID: "m-1"}
	if list := w.answers[made.word()]; len(list) > 0 {
		answer = list[0]
		if len(list) > 1 {
			w.answers[made.word()] = list[1:]
		}
	}
	if name, ok := answer.(string); ok {
		return sfn.Result{
			Payload:       fmt.Appendf(nil, `{"errorType":%q,"errorMessage":"scripted"}`, name),
			FunctionError: "Unhandled", ErrorType: name, ErrorMessage: "scripted",
		}, nil
	}
	text, err := json.Marshal(answer)
	return sfn.Result{Payload: text}, err
}

// outcome is how an execution ended and the states that it went through.
type outcome struct {
	Status string
	Error  string
	States []string
	Output enforcement.State
}

// play runs one execution for at most 30 virtual days.
func (w *world) play(t *testing.T, in any) outcome {
	t.Helper()
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, w.sfn)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	arn := c.start(ctx, t, w.arn, "i-1234567890abcdef0-1-enforce-1", string(text))
	if err := w.clock.Forward(ctx, 30*24*time.Hour); err != nil {
		t.Fatalf("Forward: %v", err)
	}
	return c.outcome(ctx, t, arn)
}

func (w *world) words() []string {
	var words []string
	for _, made := range w.tasks {
		words = append(words, made.word())
	}
	return words
}

func (w *world) called(word string) bool { return slices.Contains(w.words(), word) }

func input(kind enforcement.Kind) enforcement.Input {
	return enforcement.Input{
		Version: 1, Kind: kind, Account: "123456789012", Region: "us-east-1",
		Machine: "i-1234567890abcdef0", Generation: 1, Policy: "web-tier",
	}
}
