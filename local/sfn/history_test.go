package sfn_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/sfn"
)

func TestHistory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answering("f", "!T", `{"y":2}`)
	m := w.machine(t, `"A":`+task("f", `,"TimeoutSeconds":30,"ResultSelector":{"y.$":"$.Payload.y"},"Next":"W","Retry":[{"ErrorEquals":["T"],"IntervalSeconds":5}]`)+
		`,"W":{"Type":"Wait","Seconds":60,"Next":"C"},"C":{"Type":"Choice","Choices":[{"Variable":"$.y","NumericEquals":2,"Next":"P"}]},`+
		`"P":{"Type":"Pass","Next":"S"},"S":{"Type":"Succeed"}`)
	arn := w.start(t, m, "one", `{"x":1}`)
	w.forward(t, time.Hour)
	var got []string
	events := w.history(t, arn)
	for _, e := range events {
		got = append(got, fmt.Sprintf("%d<%d %s +%s", e.Id, e.PreviousEventId, e.Type, e.Timestamp.Sub(start)))
	}
	want := []string{
		"1<0 ExecutionStarted +0s", "2<0 TaskStateEntered +0s", "3<2 TaskScheduled +0s", "4<3 TaskStarted +0s", "5<4 TaskFailed +0s",
		"6<5 TaskScheduled +5s", "7<6 TaskStarted +5s", "8<7 TaskSucceeded +5s", "9<8 TaskStateExited +5s",
		"10<9 WaitStateEntered +5s", "11<10 WaitStateExited +1m5s", "12<11 ChoiceStateEntered +1m5s", "13<12 ChoiceStateExited +1m5s",
		"14<13 PassStateEntered +1m5s", "15<14 PassStateExited +1m5s", "16<15 SucceedStateEntered +1m5s", "17<16 SucceedStateExited +1m5s",
		"18<17 ExecutionSucceeded +1m5s",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("history (-want +got):\n%s", diff)
	}
	details := []any{
		*events[0].ExecutionStartedEventDetails.Input, *events[0].ExecutionStartedEventDetails.RoleArn,
		*events[1].StateEnteredEventDetails.Name, *events[1].StateEnteredEventDetails.Input,
		*events[2].TaskScheduledEventDetails.ResourceType, *events[2].TaskScheduledEventDetails.Resource, *events[2].TaskScheduledEventDetails.Region,
		*events[2].TaskScheduledEventDetails.Parameters, *events[2].TaskScheduledEventDetails.TimeoutInSeconds,
		*events[3].TaskStartedEventDetails.Resource, *events[4].TaskFailedEventDetails.Error,
		*events[8].StateExitedEventDetails.Name, *events[8].StateExitedEventDetails.Output, *events[17].ExecutionSucceededEventDetails.Output,
	}
	wantDetails := []any{
		`{"x":1}`, "arn:aws:iam::123456789012:role/r", "A", `{"x":1}`, "lambda", "invoke", "us-east-1",
		`{"FunctionName":"f","Payload":{"x":1}}`, int64(30), "invoke", "T", "A", `{"y":2}`, `{"y":2}`,
	}
	if diff := cmp.Diff(wantDetails, details); diff != "" {
		t.Errorf("details (-want +got):\n%s", diff)
	}
	reverse, err := w.api.GetExecutionHistory(t.Context(), &sdk.GetExecutionHistoryInput{ExecutionArn: &arn, ReverseOrder: true, MaxResults: 3})
	if err != nil || len(reverse.Events) != 3 || reverse.Events[0].Id != 18 || reverse.NextToken == nil {
		t.Fatalf("reverse = %+v, %v", reverse, err)
	}
	next, err := w.api.GetExecutionHistory(t.Context(), &sdk.GetExecutionHistoryInput{ExecutionArn: &arn, ReverseOrder: true, NextToken: reverse.NextToken})
	if err != nil || len(next.Events) != 15 || next.Events[0].Id != 15 || next.NextToken != nil {
		t.Errorf("rest of reverse = %d events, %v", len(next.Events), err)
	}
	if _, err := w.api.GetExecutionHistory(t.Context(), &sdk.GetExecutionHistoryInput{ExecutionArn: &arn, IncludeExecutionData: aws.Bool(false)}); code(err) != "NotImplemented" {
		t.Errorf("without data = %v, want NotImplemented", err)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	arn := w.start(t, w.machine(t, `"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Wait","Seconds":1,"Next":"A"}`), "loop", `{}`)
	w.forward(t, 6300*time.Second)
	d := w.describe(t, arn)
	if d.Status != types.ExecutionStatusFailed || *d.Cause != "The execution reached the maximum number of history events (25000)." {
		t.Fatalf("execution = %s %s", d.Status, aws.ToString(d.Cause))
	}
	events := w.history(t, arn)
	if last := events[len(events)-1]; len(events) != 25_000 || last.Type != types.HistoryEventTypeExecutionFailed {
		t.Errorf("%d events, the last one %s; want 25000, ExecutionFailed", len(events), last.Type)
	}
}

// TestHistoryFullInATask fills the history so that the function of the last task is not run.
func TestHistoryFullInATask(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.functions["f"] = func(context.Context, string) (sfn.Result, error) { return sfn.Result{Payload: []byte(`{}`)}, nil }
	arn := w.start(t, w.machine(t, `"A":`+task("f", `,"Next":"A"`)), "loop", `{}`)
	w.forward(t, time.Second)
	if d := w.describe(t, arn); d.Status != types.ExecutionStatusFailed {
		t.Fatalf("execution = %s", d.Status)
	}
	if events := w.history(t, arn); len(events) != 25_000 || len(w.calls) != 5000 {
		t.Errorf("%d events after %d calls, want 25000 after 5000", len(events), len(w.calls))
	}
}
