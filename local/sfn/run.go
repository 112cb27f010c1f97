package sfn

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/local/sfn/asl"
	"github.com/keyward/keyward/local/sfn/expression"
)

// resume carries an execution on in a goroutine of its own. The clock is held from here on.
func (s *SFN) resume(e *execution) {
	done := s.options.Clock.Work("execution " + e.Name)
	go func() {
		defer done()
		s.run(e)
	}()
}

// run carries an execution on until it waits or ends.
func (s *SFN) run(e *execution) {
	for s.step(e) {
	}
}

// step does what can be done at once in the current state, and says whether to go on.
func (s *SFN) step(e *execution) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.alive(e) || s.expired(e) {
		return false
	}
	if e.State == "" {
		s.enter(e, e.parsed.StartAt, e.Data)
		return true
	}
	if e.Wake.After(s.options.Clock.Now()) {
		s.sleep(e)
		return false
	}
	state := e.parsed.States[e.State]
	in := asl.Scope{Input: e.Data, Context: s.context(e)}
	if state.Type == asl.Task {
		s.task(e, state, in)
		return true
	}
	effective, err := state.Effective(in)
	if err == nil {
		err = s.visit(e, state, in, effective)
	}
	if err != nil {
		s.end(e, failed, "", runtimeError(e, err))
	}
	return true
}

func (s *SFN) alive(e *execution) bool { return !s.closed && e.Status == running }

// expired ends an execution that has run for too long.
func (s *SFN) expired(e *execution) bool {
	if s.options.Clock.Now().Before(e.deadline()) {
		return false
	}
	s.end(e, timedOut, "", &asl.Error{})
	return true
}

func (e *execution) deadline() time.Time {
	return e.Started.Add(cmp.Or(e.parsed.Timeout, longest))
}

// sleep sets the timer that carries the execution on.
func (s *SFN) sleep(e *execution) {
	until := e.Wake
	if d := e.deadline(); d.Before(until) {
		until = d
	}
	e.timer = s.options.Clock.At(until, "execution "+e.Name+" in "+e.State, func() { s.run(e) })
}

// visit does what a state does that is no Task.
func (s *SFN) visit(e *execution, state *asl.State, in asl.Scope, effective any) *asl.Error {
	result, next := effective, state.Next
	switch state.Type {
	case asl.Fail:
		s.end(e, failed, "", state.Failure(in))
		return nil
	case asl.Wait:
		if e.Wake.IsZero() {
			due, err := state.Due(asl.Scope{Input: effective, Context: in.Context}, s.options.Clock.Now())
			if e.Wake = due; due.Before(e.Entered) {
				e.Wake = e.Entered // never zero, which would be no wait
			}
			return err // the next step sleeps, or goes on when it is past
		}
	case asl.Pass:
		result = state.Passed(effective)
	case asl.Pick:
		var err *asl.Error
		if next, err = state.Choose(asl.Scope{Input: effective, Context: in.Context}); err != nil {
			return err
		}
	}
	output, err := state.Output(in, result)
	if err != nil {
		return err
	}
	s.leave(e, state.Type, next, output)
	return nil
}

// enter begins a state.
func (s *SFN) enter(e *execution, name string, data any) {
	e.State, e.Data, e.Entered, e.Wake, e.Made = name, data, s.options.Clock.Now(), time.Time{}, nil
	s.note(e, e.parsed.States[name].Type+"StateEntered", details{Name: name, Input: expression.Encode(data)})
}

// leave ends the current state, and the execution when nothing follows.
func (s *SFN) leave(e *execution, kind, next string, output any) {
	text := expression.Encode(output)
	s.note(e, kind+"StateExited", details{Name: e.State, Output: text})
	switch {
	case e.Status != running: // by its history, which is full
	case next == "":
		s.end(e, succeeded, text, nil)
	default:
		s.enter(e, next, output)
	}
}

// context is the context object, which paths refer to as $$.
func (s *SFN) context(e *execution) any {
	const form = "2006-01-02T15:04:05.000Z"
	input, _ := expression.Decode([]byte(e.Input)) // it was read when the execution started
	made := 0
	for _, n := range e.Made {
		made += n
	}
	return map[string]any{
		"Execution": map[string]any{
			"Id": e.ARN, "Name": e.Name, "Input": input, "RoleArn": e.Role, "StartTime": e.Started.Format(form),
		},
		"State": map[string]any{
			"Name": e.State, "EnteredTime": e.Entered.Format(form), "RetryCount": json.Number(strconv.Itoa(made)),
		},
		"StateMachine": map[string]any{"Id": e.Machine, "Name": e.Machine[strings.LastIndex(e.Machine, ":")+1:]},
	}
}

// runtimeError says where, as AWS does, when the interpreter itself could not go on.
func runtimeError(e *execution, err *asl.Error) *asl.Error {
	if err.Name != asl.Runtime {
		return err
	}
	return &asl.Error{Name: err.Name, Cause: "An error occurred while executing the state '" + e.State +
		"' (entered at the event id #" + strconv.Itoa(e.enteredAt()) + "). " + err.Cause}
}
