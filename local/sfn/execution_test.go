package sfn_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/sfn"
	"github.com/keyward/keyward/local/wire"
)

const waits = `"A":{"Type":"Wait","Seconds":3600,"End":true}`

func TestStartIsIdempotentWhileRunning(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.machine(t, waits)
	arn := w.start(t, m, "one", `{"a":1}`)
	if want := "arn:aws:states:us-east-1:123456789012:execution:m:one"; arn != want {
		t.Errorf("arn = %s, want %s", arn, want)
	}
	w.forward(t, time.Minute)
	again, err := w.api.StartExecution(t.Context(), &sdk.StartExecutionInput{StateMachineArn: &m, Name: aws.String("one"), Input: aws.String(`{"a":1}`)})
	if err != nil || *again.ExecutionArn != arn || !again.StartDate.Equal(start) {
		t.Errorf("StartExecution again = %+v, %v; want the first one's", again, err)
	}
	restart := func(input string) error {
		_, err := w.api.StartExecution(t.Context(), &sdk.StartExecutionInput{StateMachineArn: &m, Name: aws.String("one"), Input: &input})
		return err
	}
	var exists *types.ExecutionAlreadyExists
	if err := restart(`{"a":2}`); !errors.As(err, &exists) {
		t.Errorf("StartExecution with other input = %v, want ExecutionAlreadyExists", err)
	}
	w.forward(t, time.Hour)
	if err := restart(`{"a":1}`); !errors.As(err, &exists) {
		t.Errorf("StartExecution of a closed one = %v, want ExecutionAlreadyExists", err)
	}
	w.forward(t, 91*24*time.Hour)
	if err := restart(`{"a":2}`); err != nil {
		t.Errorf("StartExecution after 90 days = %v, want the name to be free", err)
	}
}

func TestTwoOfOneNameAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.machine(t, `"A":`+task("f", `,"End":true`))
	release := make(chan struct{})
	w.functions["f"] = func(context.Context, string) (sfn.Result, error) {
		<-release
		return sfn.Result{Payload: []byte(`{}`)}, nil
	}
	arns := make([]string, 8)
	var all sync.WaitGroup
	for i := range arns {
		all.Go(func() {
			out, err := w.api.StartExecution(t.Context(), &sdk.StartExecutionInput{StateMachineArn: &m, Name: aws.String("one"), Input: aws.String(`{}`)})
			if err == nil {
				arns[i] = *out.ExecutionArn
			}
		})
	}
	all.Wait()
	close(release)
	w.forward(t, time.Second)
	for _, arn := range arns {
		if arn == "" || arn != arns[0] {
			t.Errorf("arns = %q, want one for all", arns)
			break
		}
	}
	if len(w.calls) != 1 {
		t.Errorf("%d invocations, want 1", len(w.calls))
	}
}

func TestStartRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.machine(t, waits)
	for _, c := range []struct{ name, machine, execution, input, code string }{
		{"long name", m, strings.Repeat("n", 81), `{}`, "ValidationException"},
		{"space", m, "a b", `{}`, "InvalidName"},
		{"colon", m, "a:b", `{}`, "InvalidName"},
		{"control", m, "a\x01b", `{}`, "InvalidName"},
		{"no JSON", m, "n", `{`, "InvalidExecutionInput"},
		{"two values", m, "n", `{} {}`, "InvalidExecutionInput"},
		{"large", m, "n", `"` + strings.Repeat("x", 256<<10) + `"`, "InvalidExecutionInput"},
		{"unknown machine", m + "x", "n", `{}`, "StateMachineDoesNotExist"},
		{"no ARN", "m", "n", `{}`, "InvalidArn"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := w.api.StartExecution(t.Context(), &sdk.StartExecutionInput{StateMachineArn: &c.machine, Name: &c.execution, Input: &c.input})
			if got := code(err); got != c.code {
				t.Errorf("StartExecution = %v, want %s", err, c.code)
			}
		})
	}
	_, err := w.api.StartExecution(t.Context(), &sdk.StartExecutionInput{StateMachineArn: &m, TraceHeader: aws.String("x")})
	if code(err) != "NotImplemented" {
		t.Errorf("StartExecution with TraceHeader = %v, want NotImplemented", err)
	}
	longest := strings.Repeat("ä", 80)
	out, err := w.api.StartExecution(t.Context(), &sdk.StartExecutionInput{StateMachineArn: &m, Name: &longest})
	if err != nil {
		t.Fatalf("StartExecution of 80 characters = %v", err)
	}
	if d := w.describe(t, *out.ExecutionArn); *d.Input != "{}" {
		t.Errorf("input of none = %s, want {}", *d.Input)
	}
	unnamed, err := w.api.StartExecution(t.Context(), &sdk.StartExecutionInput{StateMachineArn: &m})
	if err != nil || len(*unnamed.ExecutionArn) != len("arn:aws:states:us-east-1:123456789012:execution:m:")+36 {
		t.Errorf("StartExecution without a name = %v, %v; want a UUID", unnamed, err)
	}
}

func TestMachinesMayNothing(t *testing.T) {
	t.Parallel()
	w := worldFor(t, wire.Machine)
	m := w.machine(t, waits)
	if _, err := w.api.StartExecution(t.Context(), &sdk.StartExecutionInput{StateMachineArn: &m}); code(err) != "AccessDeniedException" {
		t.Errorf("StartExecution = %v, want AccessDeniedException", err)
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.machine(t, waits)
	arn := w.start(t, m, "one", `{"a":1}`)
	w.forward(t, time.Minute)
	d := w.describe(t, arn)
	if d.Status != types.ExecutionStatusRunning || d.StopDate != nil || *d.Name != "one" || *d.StateMachineArn != m || !d.StartDate.Equal(start) {
		t.Errorf("running = %+v", d)
	}
	w.forward(t, time.Hour)
	d = w.describe(t, arn)
	if d.Status != types.ExecutionStatusSucceeded || *d.Output != `{"a":1}` || !d.StopDate.Equal(start.Add(time.Hour)) {
		t.Errorf("succeeded = %+v", d)
	}
	sm, err := w.api.DescribeStateMachine(t.Context(), &sdk.DescribeStateMachineInput{StateMachineArn: &m})
	if err != nil || *sm.Name != "m" || sm.Status != types.StateMachineStatusActive || !strings.Contains(*sm.Definition, "3600") || !sm.CreationDate.Equal(start) {
		t.Errorf("DescribeStateMachine = %+v, %v", sm, err)
	}
	for arn, want := range map[string]string{arn + "x": "ExecutionDoesNotExist", "one": "InvalidArn"} {
		if _, err := w.api.DescribeExecution(t.Context(), &sdk.DescribeExecutionInput{ExecutionArn: &arn}); code(err) != want {
			t.Errorf("DescribeExecution(%s) = %v, want %s", arn, err, want)
		}
		if _, err := w.api.StopExecution(t.Context(), &sdk.StopExecutionInput{ExecutionArn: &arn}); code(err) != want {
			t.Errorf("StopExecution(%s) = %v, want %s", arn, err, want)
		}
		if _, err := w.api.GetExecutionHistory(t.Context(), &sdk.GetExecutionHistoryInput{ExecutionArn: &arn}); code(err) != want {
			t.Errorf("GetExecutionHistory(%s) = %v, want %s", arn, err, want)
		}
	}
	if _, err := w.api.DescribeStateMachine(t.Context(), &sdk.DescribeStateMachineInput{StateMachineArn: aws.String(m + "x")}); code(err) != "StateMachineDoesNotExist" {
		t.Errorf("DescribeStateMachine of none = %v", err)
	}
	if _, err := w.api.ListStateMachines(t.Context(), &sdk.ListStateMachinesInput{}); code(err) != "NotImplemented" {
		t.Errorf("ListStateMachines = %v, want NotImplemented", err)
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	arn := w.start(t, w.machine(t, waits), "one", `{}`)
	w.forward(t, time.Minute)
	for range 2 { // one that has ended stays as it is
		out, err := w.api.StopExecution(t.Context(), &sdk.StopExecutionInput{ExecutionArn: &arn, Error: aws.String("Why"), Cause: aws.String("because")})
		if err != nil || !out.StopDate.Equal(start.Add(time.Minute)) {
			t.Errorf("StopExecution = %v, %v", out, err)
		}
		w.forward(t, 2*time.Hour)
	}
	d := w.describe(t, arn)
	if d.Status != types.ExecutionStatusAborted || *d.Error != "Why" || *d.Cause != "because" {
		t.Errorf("stopped = %+v", d)
	}
	events := w.history(t, arn)
	if last := events[len(events)-1]; last.Type != types.HistoryEventTypeExecutionAborted || *last.ExecutionAbortedEventDetails.Error != "Why" || len(events) != 3 {
		t.Errorf("last of %d events = %+v", len(events), last)
	}
	if n := len(w.clock.Pending()); n != 0 {
		t.Errorf("%d timers are left", n)
	}
}

func TestStopInATask(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.machine(t, `"A":`+task("f", `,"Next":"B"`)+`,"B":`+task("g", `,"End":true`))
	entered, release := make(chan struct{}), make(chan struct{})
	w.functions["f"] = func(context.Context, string) (sfn.Result, error) {
		close(entered)
		<-release
		return sfn.Result{Payload: []byte(`{}`)}, nil
	}
	arn := w.start(t, m, "one", `{}`)
	<-entered
	if _, err := w.api.StopExecution(t.Context(), &sdk.StopExecutionInput{ExecutionArn: &arn}); err != nil {
		t.Fatal(err)
	}
	close(release)
	w.forward(t, time.Hour)
	if d := w.describe(t, arn); d.Status != types.ExecutionStatusAborted || len(w.calls) != 1 {
		t.Errorf("status %s after %d calls, want ABORTED after 1", d.Status, len(w.calls))
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.machine(t, `"A":{"Type":"Choice","Choices":[{"Variable":"$.wait","IsPresent":true,"Next":"W"}],"Default":"S"},`+
		`"W":{"Type":"Wait","Seconds":3600,"Next":"S"},"S":{"Type":"Succeed"}`)
	for i := range 5 {
		w.start(t, m, fmt.Sprintf("done-%d", i), `{}`)
	}
	w.start(t, m, "open", `{"wait":1}`)
	w.forward(t, time.Minute)
	list := func(in *sdk.ListExecutionsInput) (names []string, pages int) {
		t.Helper()
		in.StateMachineArn = &m
		p := sdk.NewListExecutionsPaginator(w.api, in)
		for p.HasMorePages() {
			page, err := p.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			pages++
			for _, e := range page.Executions {
				names = append(names, *e.Name)
			}
		}
		return names, pages
	}
	names, pages := list(&sdk.ListExecutionsInput{MaxResults: 2})
	if diff := cmp.Diff([]string{"open", "done-4", "done-3", "done-2", "done-1", "done-0"}, names); diff != "" || pages != 3 {
		t.Errorf("list in %d pages (-want +got):\n%s", pages, diff)
	}
	if names, _ = list(&sdk.ListExecutionsInput{StatusFilter: types.ExecutionStatusRunning}); len(names) != 1 || names[0] != "open" {
		t.Errorf("running = %v, want open", names)
	}
	if names, _ = list(&sdk.ListExecutionsInput{StatusFilter: types.ExecutionStatusAborted}); len(names) != 0 {
		t.Errorf("aborted = %v, want none", names)
	}
	w.forward(t, 91*24*time.Hour)
	if names, _ = list(&sdk.ListExecutionsInput{}); len(names) != 0 {
		t.Errorf("after 90 days = %v, want none", names)
	}
	for _, c := range []struct {
		in   sdk.ListExecutionsInput
		code string
	}{
		{sdk.ListExecutionsInput{StatusFilter: "PENDING_REDRIVE"}, "ValidationException"},
		{sdk.ListExecutionsInput{MaxResults: 1001}, "ValidationException"},
		{sdk.ListExecutionsInput{NextToken: aws.String("?")}, "InvalidToken"},
		{sdk.ListExecutionsInput{RedriveFilter: types.ExecutionRedriveFilterRedriven}, "NotImplemented"},
		{sdk.ListExecutionsInput{StateMachineArn: aws.String(m + "x")}, "StateMachineDoesNotExist"},
	} {
		if c.in.StateMachineArn == nil {
			c.in.StateMachineArn = &m
		}
		if _, err := w.api.ListExecutions(t.Context(), &c.in); code(err) != c.code {
			t.Errorf("ListExecutions = %v, want %s", err, c.code)
		}
	}
}

func TestCreateRefusesAndReplaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.CreateStateMachine("bad", "r", []byte(`{"StartAt":"A","States":{"A":{"Type":"Map"}}}`)); err == nil || !strings.Contains(err.Error(), `creating state machine bad: reading state machine: state "A": Type`) {
		t.Errorf("CreateStateMachine = %v, want it to name state and field", err)
	}
	m := w.machine(t, waits)
	arn := w.start(t, m, "old", `{}`)
	w.machine(t, `"A":{"Type":"Fail","Error":"New"}`)
	fresh := w.start(t, m, "new", `{}`)
	w.forward(t, time.Hour)
	if old, now := w.describe(t, arn), w.describe(t, fresh); old.Status != types.ExecutionStatusSucceeded || now.Status != types.ExecutionStatusFailed {
		t.Errorf("old definition %s, new %s; want SUCCEEDED, FAILED", old.Status, now.Status)
	}
}
