package world

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/keyward/keyward/local/sfn/asl"
	"github.com/keyward/keyward/local/sfn/expression"
	"github.com/keyward/keyward/shared/fault"
)

// Flow is Step Functions with one state machine, the real definition read by local/sfn/asl, the interpreter
// of keyward local. It has the calls of sfnflow.
type Flow struct {
	w          *World
	machine    *asl.Machine
	executions map[string]*execution
}

// Statuses of an execution.
const (
	Running   = "RUNNING"
	Succeeded = "SUCCEEDED"
	Failed    = "FAILED"
	Aborted   = "ABORTED"
)

const (
	keptFor = 90 * 24 * time.Hour // a closed execution, and so its name
)

type execution struct {
	name, input, status string
	started, stopped    time.Time
	state               string
	data                any
	given               any // its input, decoded
	entered             time.Time
	made                []int
}

// Define reads the definition, in which ${NameFunctionArn} stands for the function "name".
func (w *World) Define(definition []byte) error {
	machine, err := parsed(string(definition))
	if err != nil {
		return fmt.Errorf("defining the state machine: %w", err)
	}
	w.Flow = &Flow{w: w, machine: machine, executions: map[string]*execution{}}
	return nil
}

// definitions are those that were read already: a machine is never changed, and reading one takes longer than a run.
var definitions sync.Map

func parsed(definition string) (*asl.Machine, error) {
	if m, ok := definitions.Load(definition); ok {
		return m.(*asl.Machine), nil
	}
	text := definition
	for _, f := range []string{"Recheck", "Revoke", "Restore", "Notify", "Safeguard"} {
		text = strings.ReplaceAll(text, "${"+f+"FunctionArn}", strings.ToLower(f))
	}
	m, err := asl.Parse([]byte(text))
	if err == nil {
		definitions.Store(definition, m)
	}
	return m, err
}

// Start is sfnflow's.
func (f *Flow) Start(_ context.Context, name string, input json.RawMessage) error {
	return f.w.call("states", "StartExecution", func() error {
		if e := f.kept(name); e != nil {
			if e.status != Running || e.input != string(input) {
				return fault.New(fault.Conflict, "starting execution %s: ExecutionAlreadyExists", name)
			}
			return nil
		}
		data, err := expression.Decode(input)
		if err != nil {
			return fault.New(fault.Invalid, "starting execution %s: InvalidExecutionInput", name)
		}
		e := &execution{name: name, input: string(input), status: Running, started: f.w.now, given: data}
		f.executions[name] = e
		f.w.After(f.w.between(10*time.Millisecond, 100*time.Millisecond), func() { f.enter(e, f.machine.StartAt, data) })
		return nil
	})
}

func (f *Flow) kept(name string) *execution {
	e := f.executions[name]
	if e != nil && e.status != Running && f.w.now.Sub(e.stopped) >= keptFor {
		delete(f.executions, name)
		return nil
	}
	return e
}

// Status is sfnflow's.
func (f *Flow) Status(_ context.Context, name string) (status string, err error) {
	err = f.w.call("states", "DescribeExecution", func() error {
		e := f.kept(name)
		if e == nil {
			return fault.New(fault.NotFound, "asking for execution %s: ExecutionDoesNotExist", name)
		}
		status = e.status
		return nil
	})
	return status, err
}

// Runs says whether an execution runs, for those who watch; status and state are for a replay.
func (f *Flow) Runs(name string) (state string, runs bool) {
	e := f.executions[name]
	if e == nil {
		return "", false
	}
	return e.state, e.status == Running
}

// Abort ends an execution, as somebody with the console would.
func (f *Flow) Abort(name string) {
	if e := f.executions[name]; e != nil {
		f.end(e, Aborted)
	}
}

func (f *Flow) end(e *execution, status string) {
	if e.status != Running {
		return
	}
	e.status, e.stopped, e.input, e.data, e.given, e.made = status, f.w.now, "", nil, nil, nil
	if f.w.Watch != nil {
		f.w.Watch.Ended(e.name, status)
	}
}

// enter begins a state and goes on from state to state until one takes time.
func (f *Flow) enter(e *execution, name string, data any) {
	for e.status == Running {
		e.state, e.data, e.entered, e.made = name, data, f.w.now, nil
		state := f.machine.States[name]
		if state.Type == asl.Task {
			f.task(e, state)
			return
		}
		next, output, until, err := f.visit(e, state)
		switch {
		case err != nil || state.Type == asl.Fail:
			f.end(e, Failed)
			return
		case !until.IsZero():
			f.w.At(until, func() { f.leave(e, state, next, output) })
			return
		case next == "":
			f.end(e, Succeeded)
			return
		}
		name, data = next, output
	}
}

func (f *Flow) leave(e *execution, state *asl.State, next string, output any) {
	switch {
	case e.status != Running || e.state != state.Name:
	case next == "":
		f.end(e, Succeeded)
	default:
		f.enter(e, next, output)
	}
}

// visit does what a state does that is no Task; until is zero unless it waits.
func (f *Flow) visit(e *execution, state *asl.State) (next string, output any, until time.Time, err *asl.Error) {
	in := asl.Scope{Input: e.data, Context: f.context(e)}
	effective, err := state.Effective(in)
	if err != nil {
		return "", nil, until, err
	}
	result, next := effective, state.Next
	inner := asl.Scope{Input: effective, Context: in.Context}
	switch state.Type {
	case asl.Fail:
		return "", nil, until, state.Failure(in)
	case asl.Wait:
		if until, err = state.Due(inner, f.w.now); until.Before(f.w.now) {
			until = f.w.now
		}
	case asl.Pass:
		result = state.Passed(effective)
	case asl.Pick:
		next, err = state.Choose(inner)
	}
	if err != nil {
		return "", nil, until, err
	}
	output, err = state.Output(in, result)
	return next, output, until, err
}

// task makes one attempt of a Task.
func (f *Flow) task(e *execution, state *asl.State) {
	if e.status != Running || e.state != state.Name {
		return
	}
	in := asl.Scope{Input: e.data, Context: f.context(e)}
	effective, err := state.Effective(in)
	if err != nil {
		f.failed(e, state, in, err)
		return
	}
	parameters, _ := effective.(map[string]any)
	function, _ := parameters["FunctionName"].(string)
	payload := []byte(expression.Encode(parameters["Payload"]))
	entered := e.entered
	answered := false
	answer := func(out any, problem error) {
		if answered || e.status != Running || e.state != state.Name || e.entered != entered {
			return
		}
		answered = true
		if problem != nil {
			name := ErrorName(problem)
			if errors.Is(problem, errLost) {
				name = "Lambda.SdkClientException"
			}
			f.failed(e, state, in, &asl.Error{Name: name, Cause: fault.Safe(problem)})
			return
		}
		f.answered(e, state, in, out)
	}
	if f.w.chance(f.w.Faults.Detached) {
		f.w.After(f.w.between(0, 2*time.Second), func() { answer(nil, errLost) })
		f.w.Invoke(function, e.name, payload, func(any, error) {}) // what it says reaches nobody
		return
	}
	f.w.Invoke(function, e.name, payload, answer)
}

// errLost is that Step Functions does not hear of an invocation, which goes on.
var errLost = errors.New("the invocation was lost")

func (f *Flow) answered(e *execution, state *asl.State, in asl.Scope, out any) {
	text, err := json.Marshal(out)
	if err != nil {
		panic(fmt.Sprintf("encoding the result of %s: %v", state.Name, err))
	}
	payload, _ := expression.Decode(text)
	output, problem := state.Output(in, map[string]any{"Payload": payload, "StatusCode": json.Number("200")})
	if problem != nil {
		f.failed(e, state, in, problem)
		return
	}
	f.leave(e, state, state.Next, output)
}

// failed tries again, goes where Catch says, or ends the execution.
func (f *Flow) failed(e *execution, state *asl.State, in asl.Scope, err *asl.Error) {
	if e.made == nil {
		e.made = make([]int, len(state.Retry))
	}
	jitter := 0.5
	if f.w.Schedule == nil {
		jitter = f.w.random.Float64()
	}
	if entry, delay, ok := state.Again(err, e.made, jitter); ok {
		e.made[entry]++
		f.w.After(delay, func() { f.task(e, state) })
		return
	}
	next, output, uncaught := state.Caught(in, err)
	if uncaught != nil {
		f.end(e, Failed)
		return
	}
	f.leave(e, state, next, output)
}

func (f *Flow) context(e *execution) any {
	const form = "2006-01-02T15:04:05.000Z"
	made := 0
	for _, n := range e.made {
		made += n
	}
	return map[string]any{
		"Execution":    map[string]any{"Id": "execution:" + e.name, "Name": e.name, "Input": e.given, "StartTime": e.started.Format(form)},
		"State":        map[string]any{"Name": e.state, "EnteredTime": e.entered.Format(form), "RetryCount": json.Number(strconv.Itoa(made))},
		"StateMachine": map[string]any{"Id": "stateMachine:enforcement", "Name": "enforcement"},
	}
}
