// Command interpret plays scripted executions on local/sfn, in virtual time, for .ci/conformance/states.
// It reads {"definition": TEXT, "paths": [{"name", "input", "answers", "usual"}]} from standard input and
// writes a list of {"status", "output", "error", "cause", "history", "calls"} to standard output. An
// answer is {"payload": JSON} or {"error": NAME, "message": TEXT}; answers are queued by the op of the
// payload, and the usual one follows when a queue is used up.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/sfn"
	"github.com/keyward/keyward/local/wire"
)

type answer struct {
	Payload json.RawMessage `json:"payload"`
	Error   string          `json:"error"`
	Message string          `json:"message"`
}

type path struct {
	Name    string              `json:"name"`
	Input   json.RawMessage     `json:"input"`
	Answers map[string][]answer `json:"answers"`
	Usual   map[string]answer   `json:"usual"`
}

type result struct {
	Status  string            `json:"status"`
	Output  string            `json:"output,omitempty"`
	Error   string            `json:"error,omitempty"`
	Cause   string            `json:"cause,omitempty"`
	History []json.RawMessage `json:"history"`
	Calls   []call            `json:"calls"`
}

type call struct {
	Function string          `json:"function"`
	Payload  json.RawMessage `json:"payload"`
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	var script struct {
		Definition string `json:"definition"`
		Paths      []path `json:"paths"`
	}
	if err := json.NewDecoder(in).Decode(&script); err != nil {
		return fmt.Errorf("reading the script: %w", err)
	}
	results := []result{}
	for _, p := range script.Paths {
		r, err := p.play(script.Definition)
		if err != nil {
			return fmt.Errorf("playing %s: %w", p.Name, err)
		}
		results = append(results, r)
	}
	return json.NewEncoder(out).Encode(results)
}

// play runs one execution until a virtual day has passed.
func (p path) play(definition string) (result, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r := result{History: []json.RawMessage{}, Calls: []call{}}
	began := time.Now()
	virtual := clock.New(func() time.Time { return began })
	service := sfn.New(sfn.Options{Clock: virtual, Region: "us-east-1", Account: "123456789012", Invoke: r.invoke(p)})
	defer service.Close()
	machine, err := service.CreateStateMachine("enforcement", "arn:aws:iam::123456789012:role/enforcement", []byte(definition))
	if err != nil {
		return r, err
	}
	var started struct {
		ExecutionArn string `json:"executionArn"`
	}
	in := map[string]any{"stateMachineArn": machine, "name": p.Name, "input": string(p.Input)}
	if err := ask(ctx, service, "StartExecution", in, &started); err != nil {
		return r, err
	}
	if err := virtual.Forward(ctx, 24*time.Hour); err != nil {
		return r, err
	}
	in = map[string]any{"executionArn": started.ExecutionArn, "maxResults": 1000}
	var history struct{ Events []json.RawMessage }
	if err := ask(ctx, service, "GetExecutionHistory", in, &history); err != nil {
		return r, err
	}
	r.History = history.Events
	return r, ask(ctx, service, "DescribeExecution", map[string]any{"executionArn": started.ExecutionArn}, &r)
}

// invoke answers with what is next in the queue of the op.
func (r *result) invoke(p path) func(context.Context, string, string, []byte) (sfn.Result, error) {
	return func(_ context.Context, _, function string, payload []byte) (sfn.Result, error) {
		r.Calls = append(r.Calls, call{function, payload})
		var task struct{ Op string }
		if err := json.Unmarshal(payload, &task); err != nil {
			return sfn.Result{}, err
		}
		next, ok := p.Usual[task.Op]
		if queue := p.Answers[task.Op]; len(queue) > 0 {
			next, ok = queue[0], true
			p.Answers[task.Op] = queue[1:]
		}
		if !ok {
			return sfn.Result{}, fmt.Errorf("the script has no answer to %q", task.Op)
		}
		if next.Error == "" {
			return sfn.Result{Payload: next.Payload}, nil
		}
		document, err := json.Marshal(map[string]string{"errorMessage": next.Message, "errorType": next.Error})
		return sfn.Result{Payload: document, FunctionError: "Unhandled", ErrorType: next.Error, ErrorMessage: next.Message}, err
	}
}

// ask calls an operation and reads its answer as a client would.
func ask(ctx context.Context, service *sfn.SFN, operation string, in map[string]any, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	answer, err := service.Service().Operations[operation](ctx, &wire.Request{
		Service: "states", Operation: operation, Region: "us-east-1", Body: body, Caller: wire.Principal{Kind: wire.Operator},
	})
	if err != nil {
		return err
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, out)
}
