package scheduler_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/keyward/keyward/local/scheduler"
)

var begin = date("2026-03-01T00:00")

func create(name string) *sdk.CreateScheduleInput {
	return &sdk.CreateScheduleInput{Name: aws.String(name), GroupName: aws.String("keyward"), ScheduleExpression: aws.String("cron(30 4 * * ? *)"),
		ScheduleExpressionTimezone: aws.String("Europe/Berlin"), FlexibleTimeWindow: &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeOff},
		Target: &types.Target{Arn: aws.String(function), RoleArn: aws.String(role), Input: aws.String(`{"policy":"web-tier"}`)}}
}

func TestLifeOfASchedule(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, begin), context.Background()
	in := create("web-tier")
	in.Description, in.StartDate = aws.String("checks"), aws.Time(begin.Add(time.Hour))
	in.Target.RetryPolicy = &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(0)}
	made, err := w.CreateSchedule(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	const arn = "arn:aws:scheduler:us-east-1:123456789012:schedule/keyward/web-tier"
	if aws.ToString(made.ScheduleArn) != arn {
		t.Errorf("ARN = %s", aws.ToString(made.ScheduleArn))
	}
	get := func() *sdk.GetScheduleOutput {
		out, err := w.GetSchedule(ctx, &sdk.GetScheduleInput{Name: aws.String("web-tier"), GroupName: aws.String("keyward")})
		if err != nil {
			t.Fatal(err)
		}
		out.ResultMetadata.Set("", nil)
		return out
	}
	want := &sdk.GetScheduleOutput{Arn: aws.String(arn), Name: in.Name, GroupName: in.GroupName, Description: in.Description, ScheduleExpression: in.ScheduleExpression,
		ScheduleExpressionTimezone: in.ScheduleExpressionTimezone, StartDate: in.StartDate, State: types.ScheduleStateEnabled, FlexibleTimeWindow: in.FlexibleTimeWindow,
		ActionAfterCompletion: types.ActionAfterCompletionNone, Target: in.Target, CreationDate: aws.Time(begin), LastModificationDate: aws.Time(begin)}
	ignore := cmpopts.IgnoreUnexported(sdk.GetScheduleOutput{}, types.Target{}, types.FlexibleTimeWindow{}, types.RetryPolicy{})
	ignoreMetadata := cmpopts.IgnoreFields(sdk.GetScheduleOutput{}, "ResultMetadata")
	if diff := cmp.Diff(want, get(), ignore, ignoreMetadata); diff != "" {
		t.Errorf("schedule (-want +got):\n%s", diff)
	}
	if at, ok := w.scheduler.Next("keyward", "web-tier"); !ok || !at.Equal(date("2026-03-01T03:30")) {
		t.Errorf("Next = %s, %v", at, ok)
	}

	w.forward(t, 4*time.Hour)
	if _, err := w.UpdateSchedule(ctx, &sdk.UpdateScheduleInput{Name: in.Name, GroupName: in.GroupName, ScheduleExpression: aws.String("rate(1 hour)"),
		FlexibleTimeWindow: in.FlexibleTimeWindow, Target: in.Target}); err != nil {
		t.Fatal(err)
	}
	want.Description, want.StartDate, want.ScheduleExpression, want.ScheduleExpressionTimezone = nil, nil, aws.String("rate(1 hour)"), aws.String("UTC")
	want.LastModificationDate = aws.Time(begin.Add(4 * time.Hour))
	if diff := cmp.Diff(want, get(), ignore, ignoreMetadata); diff != "" {
		t.Errorf("schedule after the update (-want +got):\n%s", diff)
	}
	w.forward(t, 90*time.Minute)
	if got := w.times(t, "UTC"); got != "03-01T03:30:00Z 03-01T04:00:00Z 03-01T05:00:00Z" {
		t.Errorf("fired %s", got)
	}
	if w.inputs[0] != function+` {"policy":"web-tier"}` {
		t.Errorf("invoked %s", w.inputs[0])
	}

	if _, err := w.DeleteSchedule(ctx, &sdk.DeleteScheduleInput{Name: in.Name, GroupName: in.GroupName}); err != nil {
		t.Fatal(err)
	}
	w.forward(t, 24*time.Hour)
	if len(w.fired) != 3 || len(w.clock.Pending()) != 0 {
		t.Errorf("a deleted schedule fired: %s, timers %v", w.times(t, "UTC"), w.clock.Pending())
	}
	_, err = w.GetSchedule(ctx, &sdk.GetScheduleInput{Name: in.Name, GroupName: in.GroupName})
	wantError(t, err, "ResourceNotFoundException", "Schedule web-tier does not exist.")
}

func TestClientToken(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, begin), context.Background()
	in := create("a")
	in.ClientToken = aws.String("token")
	first, err := w.CreateSchedule(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.CreateSchedule(ctx, in)
	if err != nil || *again.ScheduleArn != *first.ScheduleArn {
		t.Errorf("second call = %v, %v, want the same ARN", again, err)
	}
	in.Description = aws.String("other")
	_, err = w.CreateSchedule(ctx, in)
	wantError(t, err, "ConflictException", "ClientToken")
	in.ClientToken = aws.String("another")
	_, err = w.CreateSchedule(ctx, in)
	wantError(t, err, "ConflictException", "Schedule a already exists.")

	update := &sdk.UpdateScheduleInput{Name: in.Name, GroupName: in.GroupName, ScheduleExpression: in.ScheduleExpression, FlexibleTimeWindow: in.FlexibleTimeWindow, Target: in.Target, ClientToken: aws.String("update")}
	for range 2 {
		if _, err := w.UpdateSchedule(ctx, update); err != nil {
			t.Fatal(err)
		}
	}
	update.Description = aws.String("x")
	_, err = w.UpdateSchedule(ctx, update)
	wantError(t, err, "ConflictException", "ClientToken")

	remove := &sdk.DeleteScheduleInput{Name: in.Name, GroupName: in.GroupName, ClientToken: aws.String("delete")}
	for range 2 {
		if _, err := w.DeleteSchedule(ctx, remove); err != nil {
			t.Fatal(err)
		}
	}
	w.forward(t, 61*time.Minute)
	_, err = w.DeleteSchedule(ctx, remove)
	wantError(t, err, "ResourceNotFoundException", "")
}

func TestListSchedules(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, begin), context.Background()
	for _, name := range []string{"b2", "b1", "a", "b3"} {
		in := create(name)
		if name == "b2" {
			in.State = types.ScheduleStateDisabled
		}
		if _, err := w.CreateSchedule(ctx, in); err != nil {
			t.Fatal(err)
		}
	}
	w.create(t, schedule("rate(1 day)", "")) // in the group default
	list := func(in *sdk.ListSchedulesInput) string {
		var names []string
		pages := sdk.NewListSchedulesPaginator(w.Client, in)
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range page.Schedules {
				names = append(names, *s.Name)
				if *s.Target.Arn != function || !strings.HasSuffix(*s.Arn, "/"+*s.Name) {
					t.Errorf("summary %+v", s)
				}
			}
			names = append(names, "|")
		}
		return strings.Join(names, " ")
	}
	for want, in := range map[string]*sdk.ListSchedulesInput{
		"daily a b1 b2 b3 |": {},
		"a b1 b2 b3 |":       {GroupName: aws.String("keyward")},
		"b1 b2 | b3 |":       {GroupName: aws.String("keyward"), NamePrefix: aws.String("b"), MaxResults: aws.Int32(2)},
		"b2 |":               {State: types.ScheduleStateDisabled},
		"|":                  {NamePrefix: aws.String("z")},
	} {
		if got := list(in); got != want {
			t.Errorf("list = %q, want %q", got, want)
		}
	}
	_, err := w.ListSchedules(ctx, &sdk.ListSchedulesInput{GroupName: aws.String("other")})
	wantError(t, err, "ResourceNotFoundException", "Schedule group other does not exist.")
	_, err = w.ListSchedules(ctx, &sdk.ListSchedulesInput{MaxResults: aws.Int32(101)})
	wantError(t, err, "ValidationException", "maxResults")
	_, err = w.ListSchedules(ctx, &sdk.ListSchedulesInput{NextToken: aws.String("?")})
	wantError(t, err, "ValidationException", "NextToken")
	_, err = w.ListSchedules(ctx, &sdk.ListSchedulesInput{State: "ASLEEP"})
	wantError(t, err, "ValidationException", "ASLEEP")
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change        func(*sdk.CreateScheduleInput)
		code, message string
	}{
		"name":          {func(in *sdk.CreateScheduleInput) { in.Name = aws.String("a b") }, "ValidationException", "Value 'a b' at 'name'"},
		"group":         {func(in *sdk.CreateScheduleInput) { in.GroupName = aws.String("other") }, "ResourceNotFoundException", "Schedule group other does not exist."},
		"description":   {func(in *sdk.CreateScheduleInput) { in.Description = aws.String(strings.Repeat("x", 513)) }, "ValidationException", "description"},
		"state":         {func(in *sdk.CreateScheduleInput) { in.State = "ASLEEP" }, "ValidationException", "Value 'ASLEEP' at 'state'"},
		"after":         {func(in *sdk.CreateScheduleInput) { in.ActionAfterCompletion = "REST" }, "ValidationException", "Value 'REST' at 'actionAfterCompletion'"},
		"mode":          {func(in *sdk.CreateScheduleInput) { in.FlexibleTimeWindow.Mode = "SOMETIMES" }, "ValidationException", "flexibleTimeWindow.mode"},
		"window of off": {func(in *sdk.CreateScheduleInput) { in.FlexibleTimeWindow.MaximumWindowInMinutes = aws.Int32(5) }, "ValidationException", "mode OFF"},
		"no window":     {func(in *sdk.CreateScheduleInput) { in.FlexibleTimeWindow.Mode = types.FlexibleTimeWindowModeFlexible }, "ValidationException", "between 1 and 1440"},
		"target ARN":    {func(in *sdk.CreateScheduleInput) { in.Target.Arn = aws.String("InspectFunction") }, "ValidationException", "Provided Arn is not in correct format."},
		"other target": {func(in *sdk.CreateScheduleInput) {
			in.Target.Arn = aws.String("arn:aws:sqs:us-east-1:123456789012:queue")
		}, "NotImplemented", "target arn:aws:sqs:us-east-1:123456789012:queue"},
		"universal": {func(in *sdk.CreateScheduleInput) {
			in.Target.Arn = aws.String("arn:aws:scheduler:::aws-sdk:ssm:sendCommand")
		}, "ValidationException", "Provided Arn"},
		"role":  {func(in *sdk.CreateScheduleInput) { in.Target.RoleArn = aws.String("role") }, "ValidationException", "target.roleArn"},
		"input": {func(in *sdk.CreateScheduleInput) { in.Target.Input = aws.String("{") }, "ValidationException", "Invalid RequestJson provided"},
		"queue": {func(in *sdk.CreateScheduleInput) {
			in.Target.DeadLetterConfig = &types.DeadLetterConfig{Arn: aws.String("arn:aws:sqs:us-east-1:123456789012:x.fifo")}
		}, "ValidationException", "standard SQS queue"},
		"retries": {func(in *sdk.CreateScheduleInput) {
			in.Target.RetryPolicy = &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(186)}
		}, "ValidationException", "maximumRetryAttempts"},
		"age": {func(in *sdk.CreateScheduleInput) {
			in.Target.RetryPolicy = &types.RetryPolicy{MaximumEventAgeInSeconds: aws.Int32(59)}
		}, "ValidationException", "maximumEventAgeInSeconds"},
		"start": {func(in *sdk.CreateScheduleInput) { in.StartDate = aws.Time(begin.Add(-time.Hour)) }, "ValidationException", "The StartDate you specify cannot be earlier than 5 minutes ago."},
		"end":   {func(in *sdk.CreateScheduleInput) { in.EndDate = aws.Time(begin.Add(-time.Hour)) }, "ValidationException", "EndDate"},
		"end and start": {func(in *sdk.CreateScheduleInput) {
			in.StartDate, in.EndDate = aws.Time(begin.Add(2*time.Hour)), aws.Time(begin.Add(time.Hour))
		}, "ValidationException", "EndDate"},
		"key": {func(in *sdk.CreateScheduleInput) {
			in.KmsKeyArn = aws.String("arn:aws:kms:us-east-1:123456789012:key/1")
		}, "NotImplemented", "KmsKeyArn"},
		"parameters": {func(in *sdk.CreateScheduleInput) { in.Target.SqsParameters = &types.SqsParameters{} }, "NotImplemented", "SqsParameters"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, begin)
			in := create("a")
			c.change(in)
			_, err := w.CreateSchedule(context.Background(), in)
			wantError(t, err, c.code, c.message)
			if len(w.clock.Pending()) != 0 {
				t.Errorf("a refused schedule left timers: %v", w.clock.Pending())
			}
		})
	}
}

func TestOthersRefuse(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, begin), context.Background()
	in := create("none")
	_, err := w.UpdateSchedule(ctx, &sdk.UpdateScheduleInput{Name: in.Name, ScheduleExpression: in.ScheduleExpression, FlexibleTimeWindow: in.FlexibleTimeWindow, Target: in.Target})
	wantError(t, err, "ResourceNotFoundException", "Schedule none does not exist.")
	w.create(t, schedule("rate(1 day)", ""))
	_, err = w.UpdateSchedule(ctx, &sdk.UpdateScheduleInput{Name: aws.String("daily"), ScheduleExpression: aws.String("rate(x)"), FlexibleTimeWindow: in.FlexibleTimeWindow, Target: in.Target})
	wantError(t, err, "ValidationException", "Invalid Schedule Expression rate(x)")
	_, err = w.CreateScheduleGroup(ctx, &sdk.CreateScheduleGroupInput{Name: aws.String("x")})
	if err == nil {
		t.Error("CreateScheduleGroup = nil, want a refusal")
	}
	if err := w.scheduler.AddGroup("a b"); err == nil {
		t.Error("AddGroup(a b) = nil, want an error")
	}
	if _, ok := w.scheduler.Next("", "none"); ok {
		t.Error("Next of no schedule is ok")
	}
}

func TestDisabledAndCompleted(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, begin), context.Background()
	w.create(t, schedule("rate(1 minute)", "", func(s *scheduler.Schedule) { s.State = "DISABLED" }))
	for i, after := range []string{"", "DELETE"} {
		w.create(t, schedule("at(2026-03-01T01:00:00)", "", func(s *scheduler.Schedule) { s.Name, s.ActionAfterCompletion = fmt.Sprint("once", i), after }))
	}
	w.create(t, schedule("rate(1 hour)", "", func(s *scheduler.Schedule) {
		s.Name, s.ActionAfterCompletion = "ends", "DELETE"
		s.EndDate.Time = begin.Add(90 * time.Minute)
	}))
	w.forward(t, 24*time.Hour)
	if len(w.fired) != 4 {
		t.Errorf("fired %s, want two once and two hours", w.times(t, "UTC"))
	}
	out, err := w.ListSchedules(ctx, &sdk.ListSchedulesInput{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range out.Schedules {
		names = append(names, *s.Name)
	}
	if diff := cmp.Diff([]string{"daily", "once0"}, names); diff != "" {
		t.Errorf("schedules left (-want +got):\n%s", diff)
	}
}
