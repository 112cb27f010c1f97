package sfn_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/sfn"
	"github.com/keyward/keyward/local/wire"
)

func TestTask(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answering("f", `{"x":{"y":[1]}}`)
	d := w.play(t, w.machine(t, `"A":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke",`+
		`"Parameters":{"FunctionName":"f","Payload":{"name.$":"$$.Execution.Name","state.$":"$$.State.Name","retries.$":"$$.State.RetryCount","started.$":"$$.Execution.StartTime","machine.$":"$$.StateMachine.Name","in.$":"$.a","first.$":"$$.Execution.Input.a"}},`+
		`"InputPath":"$.in","ResultSelector":{"got.$":"$.Payload.x.y[0]","code.$":"$.StatusCode"},"ResultPath":"$.r","OutputPath":"$","End":true}`), `{"in":{"a":7},"a":8}`)
	if d.Status != types.ExecutionStatusSucceeded || compact(t, d.Output) != `{"a":8,"in":{"a":7},"r":{"code":200,"got":1}}` {
		t.Errorf("execution = %s %s, %s", d.Status, aws.ToString(d.Output), aws.ToString(d.Cause))
	}
	want := `{"first":8,"in":7,"machine":"m","name":"one","retries":0,"started":"2026-03-01T09:00:00.000Z","state":"A"}`
	if diff := cmp.Diff(want, w.calls[0].payload); diff != "" {
		t.Errorf("payload (-want +got):\n%s", diff)
	}
}

func TestTaskWithoutPayloadAndTextAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.functions["f"] = func(context.Context, string) (sfn.Result, error) {
		return sfn.Result{Payload: []byte("not JSON")}, nil
	}
	d := w.play(t, w.machine(t, `"A":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f"},"ResultSelector":{"p.$":"$.Payload"},"End":true}`), `{}`)
	if compact(t, d.Output) != `{"p":"not JSON"}` || w.calls[0].payload != "{}" {
		t.Errorf("output %s, payload %s", *d.Output, w.calls[0].payload)
	}
}

func TestErrorsOfFunctions(t *testing.T) {
	t.Parallel()
	fails := func(r sfn.Result, err error) func(context.Context, string) (sfn.Result, error) {
		return func(context.Context, string) (sfn.Result, error) { return r, err }
	}
	for _, c := range []struct {
		name         string
		run          func(context.Context, string) (sfn.Result, error)
		error, cause string
	}{
		{"error of the function", fails(sfn.Result{Payload: []byte(`{"errorMessage":"m","errorType":"Denied"}`), FunctionError: "Unhandled", ErrorType: "Denied"}, nil),
			"Denied", `{"errorMessage":"m","errorType":"Denied"}`},
		{"exit", fails(sfn.Result{Payload: []byte(`{"errorType":"Runtime.ExitError"}`), FunctionError: "Unhandled", ErrorType: "Runtime.ExitError"}, nil),
			"Runtime.ExitError", `{"errorType":"Runtime.ExitError"}`},
		{"no type", fails(sfn.Result{Payload: []byte(`{"errorMessage":"m"}`), FunctionError: "Unhandled"}, nil),
			"Lambda.Unknown", `The cause could not be determined because Lambda did not return an error type. Returned payload: {"errorMessage":"m"}`},
		{"throttled", fails(sfn.Result{}, &sfn.InvokeError{Name: "Lambda.TooManyRequestsException", Message: "slow"}), "Lambda.TooManyRequestsException", "slow"},
		{"broken", fails(sfn.Result{}, errors.New("no function")), "Lambda.SdkClientException", "no function"},
		{"large", fails(sfn.Result{Payload: []byte(`"` + strings.Repeat("x", 256<<10) + `"`)}, nil), "States.DataLimitExceeded",
			"The state/task 'A' returned a result with a size exceeding the maximum number of bytes service limit."},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.functions["f"] = c.run
			d := w.play(t, w.machine(t, `"A":`+task("f", `,"End":true`)), `{}`)
			if d.Status != types.ExecutionStatusFailed || *d.Error != c.error || *d.Cause != c.cause {
				t.Errorf("execution = %s %s %s, want FAILED %s %s", d.Status, aws.ToString(d.Error), aws.ToString(d.Cause), c.error, c.cause)
			}
		})
	}
}

func TestRetryAndCatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answering("f", "!Transient", "!Transient", "!Odd", "!Transient", "!Transient")
	d := w.play(t, w.machine(t, `"A":`+task("f", `,"Next":"Z","Retry":[{"ErrorEquals":["Transient"],"MaxAttempts":3,"IntervalSeconds":2},`+
		`{"ErrorEquals":["States.ALL"],"JitterStrategy":"FULL","IntervalSeconds":60}],"Catch":[{"ErrorEquals":["States.ALL"],"Next":"Z","ResultPath":"$.error"}]`)+
		`,"Z":{"Type":"Succeed"}`), `{"a":1}`)
	if d.Status != types.ExecutionStatusSucceeded || compact(t, d.Output) != `{"a":1,"error":{"Cause":"{\"errorMessage\":\"m\",\"errorType\":\"Transient\"}","Error":"Transient"}}` {
		t.Errorf("execution = %s %s", d.Status, aws.ToString(d.Output))
	}
	var at []time.Duration
	for _, made := range w.calls {
		at = append(at, made.at)
	}
	want := []time.Duration{0, 2 * time.Second, 6 * time.Second, 36 * time.Second, 44 * time.Second}
	if diff := cmp.Diff(want, at); diff != "" {
		t.Errorf("attempts (-want +got):\n%s", diff)
	}
}

func TestRetriesCountPerVisit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answering("f", "!T", `{"n":1}`, "!T", `{"n":2}`, "!T", "!T")
	d := w.play(t, w.machine(t, `"A":`+task("f", `,"Next":"A","Retry":[{"ErrorEquals":["T"],"MaxAttempts":1}]`)), `{}`)
	if d.Status != types.ExecutionStatusFailed || *d.Error != "T" || len(w.calls) != 6 {
		t.Errorf("execution = %s %s after %d calls, want FAILED T after 6", d.Status, aws.ToString(d.Error), len(w.calls))
	}
}

func TestWaits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, fields, input string
		want                time.Duration
		error               string
	}{
		{"seconds", `"Seconds":90`, `{}`, 90 * time.Second, ""},
		{"path", `"TimestampPath":"$.t"`, `{"t":"2026-03-01T13:00:00Z"}`, 4 * time.Hour, ""},
		{"past", `"TimestampPath":"$.t"`, `{"t":"2020-03-01T13:00:00Z"}`, 0, ""},
		{"the zero time", `"TimestampPath":"$.t"`, `{"t":"0001-01-01T00:00:00Z"}`, 0, ""},
		{"nowhere", `"TimestampPath":"$.x"`, `{}`, 0, "States.Runtime"},
		{"too long", `"SecondsPath":"$.s"`, `{"s":99999999}`, 0, "States.Runtime"},
		{"output", `"Seconds":1,"InputPath":"$.none"`, `{}`, 0, "States.Runtime"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			d := w.play(t, w.machine(t, `"A":{"Type":"Wait",`+c.fields+`,"End":true}`), c.input)
			if got := d.StopDate.Sub(start); got != c.want || aws.ToString(d.Error) != c.error {
				t.Errorf("ended after %s with %q, want %s with %q", got, aws.ToString(d.Error), c.want, c.error)
			}
		})
	}
}

func TestRuntimeErrorSaysWhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.play(t, w.machine(t, `"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Pass","InputPath":"$.x","End":true}`), `{}`)
	if want := "An error occurred while executing the state 'B' (entered at the event id #4). Invalid path '$.x'"; !strings.HasPrefix(aws.ToString(d.Cause), want) {
		t.Errorf("cause = %s, want %s…", aws.ToString(d.Cause), want)
	}
	if d = newWorldPlay(t, `"A":{"Type":"Choice","Choices":[{"Variable":"$.a","IsPresent":true,"Next":"B"}]},"B":{"Type":"Succeed"}`); *d.Error != "States.NoChoiceMatched" {
		t.Errorf("error = %s, want States.NoChoiceMatched", *d.Error)
	}
	if d = newWorldPlay(t, `"A":{"Type":"Fail","Error":"E","Cause":"C"}`); *d.Error != "E" || *d.Cause != "C" {
		t.Errorf("failed = %s %s, want E C", *d.Error, *d.Cause)
	}
	if d = newWorldPlay(t, `"A":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName.$":"$"},"End":true}`); *d.Error != "States.Runtime" {
		t.Errorf("error = %s, want States.Runtime", *d.Error)
	}
}

func newWorldPlay(t *testing.T, states string) *sdk.DescribeExecutionOutput {
	t.Helper()
	w := newWorld(t)
	return w.play(t, w.machine(t, states), `{}`)
}

// TestTaskTimeout runs in a bubble, where the real time that a task may take costs none.
func TestTaskTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		s := sfn.New(sfn.Options{Clock: clock.New(nil), Region: "us-east-1", Account: "123456789012",
			Invoke: func(ctx context.Context, _, _ string, _ []byte) (sfn.Result, error) {
				calls++
				<-ctx.Done()
				return sfn.Result{}, ctx.Err()
			}})
		arn, err := s.CreateStateMachine("m", "r", []byte(`{"StartAt":"A","States":{"A":`+
			task("f", `,"End":true,"TimeoutSeconds":60,"Retry":[{"ErrorEquals":["States.TaskFailed"]}]`)+`}}`))
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		ask(t, s, "StartExecution", map[string]any{"stateMachineArn": arn, "name": "one"}, nil)
		synctest.Wait()
		time.Sleep(time.Hour) // of the bubble
		var d struct{ Status, Error string }
		var h struct {
			Events []struct {
				Type      string
				Timestamp float64
			}
		}
		execution := map[string]any{"executionArn": "arn:aws:states:us-east-1:123456789012:execution:m:one"}
		ask(t, s, "DescribeExecution", execution, &d)
		ask(t, s, "GetExecutionHistory", execution, &h)
		if d.Status != "FAILED" || d.Error != "States.Timeout" || calls != 1 {
			t.Errorf("execution = %+v after %d calls, want FAILED by States.Timeout after 1: States.TaskFailed is not for it", d, calls)
		}
		if e := h.Events[4]; e.Type != "TaskTimedOut" || e.Timestamp != float64(began.Add(time.Minute).Unix()) {
			t.Errorf("event = %+v, want TaskTimedOut after a minute", e)
		}
	})
}

// ask calls an operation without HTTP, which does not work in a bubble.
func ask(t *testing.T, s *sfn.SFN, operation string, in, out any) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := s.Service().Operations[operation](t.Context(), &wire.Request{Service: "states", Operation: operation, Body: body})
	if err != nil {
		t.Fatalf("%s: %v", operation, err)
	}
	if out == nil {
		return
	}
	text, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, out); err != nil {
		t.Fatal(err)
	}
}

func TestExecutionTimeout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	short, err := w.CreateStateMachine("short", "r", []byte(`{"StartAt":"A","TimeoutSeconds":60,"States":{`+waits+`}}`))
	if err != nil {
		t.Fatal(err)
	}
	one := w.start(t, short, "one", `{}`)
	endless := w.start(t, w.machine(t, `"A":{"Type":"Wait","Seconds":2600000,"Next":"A"}`), "two", `{}`)
	w.forward(t, 2*time.Minute)
	if d := w.describe(t, one); d.Status != types.ExecutionStatusTimedOut || !d.StopDate.Equal(start.Add(time.Minute)) {
		t.Errorf("execution = %s at %s, want TIMED_OUT after a minute", d.Status, d.StopDate)
	}
	w.forward(t, 366*24*time.Hour)
	if d := w.describe(t, endless); d.Status != types.ExecutionStatusTimedOut || !d.StopDate.Equal(start.Add(365*24*time.Hour)) {
		t.Errorf("execution = %s at %s, want TIMED_OUT after a year", d.Status, d.StopDate)
	}
}
