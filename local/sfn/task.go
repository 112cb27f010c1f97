package sfn

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/keyward/keyward/local/sfn/asl"
	"github.com/keyward/keyward/local/sfn/expression"
)

const resourceType, resource = "lambda", "invoke"

// task makes one attempt of a Task and decides what follows. The lock is released while the function
// runs; the execution may have been stopped by then, and what the function answers counts no more.
func (s *SFN) task(e *execution, state *asl.State, in asl.Scope) {
	e.Wake = time.Time{}
	effective, err := state.Effective(in)
	if err != nil {
		s.failed(e, state, in, err)
		return
	}
	s.note(e, "TaskScheduled", details{
		ResourceType: resourceType, Resource: resource, Region: s.options.Region, Parameters: expression.Encode(effective),
		TimeoutInSeconds: int64(state.Timeout / time.Second),
	})
	s.note(e, "TaskStarted", details{ResourceType: resourceType, Resource: resource})
	if !s.alive(e) {
		return
	}
	s.mu.Unlock()
	result, err := s.invoke(e.Role, effective, state)
	s.mu.Lock()
	if !s.alive(e) {
		return
	}
	if err != nil {
		s.noteFailure(e, err)
		s.failed(e, state, in, err)
		return
	}
	s.note(e, "TaskSucceeded", details{ResourceType: resourceType, Resource: resource, Output: expression.Encode(result)})
	output, err := state.Output(in, result)
	if err != nil {
		s.failed(e, state, in, err)
		return
	}
	s.leave(e, asl.Task, state.Next, output)
}

func (s *SFN) noteFailure(e *execution, err *asl.Error) {
	kind := "TaskFailed"
	if err.Name == asl.Timeout {
		kind = "TaskTimedOut"
	}
	s.note(e, kind, details{ResourceType: resourceType, Resource: resource, Error: err.Name, Cause: err.Cause})
}

// failed tries the state again, goes where its Catch says, or ends the execution.
func (s *SFN) failed(e *execution, state *asl.State, in asl.Scope, err *asl.Error) {
	if e.Made == nil {
		e.Made = make([]int, len(state.Retry))
	}
	if entry, delay, ok := state.Again(err, e.Made, s.options.Random()); ok {
		e.Made[entry]++
		e.Wake = s.options.Clock.Now().Add(delay)
		return
	}
	next, output, uncaught := state.Caught(in, err)
	if uncaught != nil {
		s.end(e, failed, "", runtimeError(e, uncaught))
		return
	}
	s.leave(e, asl.Task, next, output)
}

// invoke calls the function that the parameters of lambda:invoke name.
func (s *SFN) invoke(role string, parameters any, state *asl.State) (any, *asl.Error) {
	p, _ := parameters.(map[string]any) // its FunctionName was required when the definition was read
	name, ok := p["FunctionName"].(string)
	if !ok {
		return nil, &asl.Error{Name: asl.Runtime, Cause: "FunctionName of '" + state.Name + "' is not a string"}
	}
	payload := []byte("{}")
	if given, ok := p["Payload"]; ok {
		payload = []byte(expression.Encode(given))
	}
	ctx, cancel := context.Background(), context.CancelFunc(func() {})
	if state.Timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, state.Timeout) // virtual time runs as real time while a function does
	}
	defer cancel()
	r, err := s.options.Invoke(ctx, role, name, payload)
	switch {
	case err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, &asl.Error{Name: asl.Timeout}
	case err != nil:
		return nil, invokeError(err)
	case r.FunctionError != "":
		return nil, functionError(r)
	case len(r.Payload) > asl.MaxData:
		return nil, &asl.Error{Name: asl.DataLimitExceeded, Cause: "The state/task '" + state.Name + "' returned a result with a size exceeding the maximum number of bytes service limit."}
	}
	return invokeResult(r.Payload), nil
}

func invokeError(err error) *asl.Error {
	var named *InvokeError
	if errors.As(err, &named) {
		return &asl.Error{Name: named.Name, Cause: named.Message}
	}
	return &asl.Error{Name: "Lambda.SdkClientException", Cause: err.Error()}
}

// functionError is how the error of a function is seen: its errorType as the name, the whole document
// as the cause. See "Handle Lambda service exceptions" in the Developer Guide.
func functionError(r Result) *asl.Error {
	if r.ErrorType == "" {
		return &asl.Error{Name: "Lambda.Unknown", Cause: "The cause could not be determined because Lambda did not return an error type. Returned payload: " + string(r.Payload)}
	}
	return &asl.Error{Name: r.ErrorType, Cause: string(r.Payload)}
}

// invokeResult is the result of lambda:invoke. An answer that is not JSON is a string.
func invokeResult(answer []byte) any {
	payload, err := expression.Decode(answer)
	if err != nil {
		payload = string(answer)
	}
	return map[string]any{
		"ExecutedVersion": "$LATEST", "Payload": payload, "StatusCode": json.Number("200"),
		"SdkHttpMetadata":     map[string]any{"HttpStatusCode": json.Number("200")},
		"SdkResponseMetadata": map[string]any{"RequestId": newID()},
	}
}
