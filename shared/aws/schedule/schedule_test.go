package schedule_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/scheduler"
	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/aws/schedule"
	"github.com/keyward/keyward/shared/fault"
)

const queue = "arn:aws:sqs:us-east-1:123456789012:keyward-DeadLetters"

type place struct {
	*awstest.Place
	client *schedule.Client
	fired  chan string
}

func begin(t *testing.T) *place {
	t.Helper()
	p := &place{Place: awstest.New(t), fired: make(chan string, 100)}
	s := scheduler.New(scheduler.Config{Clock: p.Clock, Region: awstest.Region, Account: awstest.Account,
		Invoke: func(_ context.Context, _, target string, input []byte) error {
			p.fired <- p.Clock.Now().Format("15:04 ") + target + " " + string(input)
			return nil
		}})
	if err := s.AddGroup("keyward"); err != nil {
		t.Fatal(err)
	}
	p.Register(s.Service())
	p.client = schedule.New(p.Config, "keyward", awstest.Role, awstest.Function, queue)
	return p
}

func daily(hour string, spread int) schedule.Schedule {
	return schedule.Schedule{Name: "web", Description: "Looks at web", Expression: "cron(30 " + hour + " * * ? *)", TimeZone: "Europe/Berlin", Spread: spread,
		Input: map[string]string{"policy": "web"}}
}

// input is what was sent but for the token that makes a repeated call harmless.
func input(c awstest.Call) map[string]any {
	delete(c.Input, "ClientToken")
	return c.Input
}

func TestInputs(t *testing.T) {
	t.Parallel()
	p := begin(t)
	second := daily("15", 0)
	second.Name, second.Input = "other", map[string]string{"policy": "other"}
	for _, s := range []schedule.Schedule{daily("14", 0), second} {
		if err := p.client.Put(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	all, err := p.client.Inputs(t.Context())
	if err != nil || len(all) != 2 || string(all["web"]) != `{"policy":"web"}` || string(all["other"]) != `{"policy":"other"}` {
		t.Errorf("Inputs = %s, %v", all, err)
	}
	p.Mapped(t, "ListSchedules", nil, func(ctx context.Context, cfg aws.Config) error {
		_, err := schedule.New(cfg, "keyward", awstest.Role, awstest.Function, queue).Inputs(ctx)
		return err
	})
}

// A change comes first: the schedule of a policy is made once and changed often.
func TestPut(t *testing.T) {
	t.Parallel()
	p := begin(t)
	if err := p.client.Put(t.Context(), daily("14", 0)); err != nil {
		t.Fatal(err)
	}
	calls := p.Calls()
	want := map[string]any{
		"Name": "web", "GroupName": "keyward", "Description": "Looks at web", "ScheduleExpression": "cron(30 14 * * ? *)", "ScheduleExpressionTimezone": "Europe/Berlin",
		"FlexibleTimeWindow": map[string]any{"Mode": "OFF"},
		"Target": map[string]any{"Arn": awstest.Function, "RoleArn": awstest.Role, "Input": `{"policy":"web"}`,
			"DeadLetterConfig": map[string]any{"Arn": queue}, "RetryPolicy": map[string]any{"MaximumEventAgeInSeconds": 3600.0, "MaximumRetryAttempts": 5.0}},
	}
	if len(calls) != 2 || calls[0].Operation != "UpdateSchedule" || calls[1].Operation != "CreateSchedule" {
		t.Fatalf("calls = %+v, want UpdateSchedule, then CreateSchedule", calls)
	}
	for _, c := range calls {
		if diff := cmp.Diff(want, input(c)); diff != "" {
			t.Errorf("%s on the wire (-want +got):\n%s", c.Operation, diff)
		}
	}
	if err := p.client.Put(t.Context(), daily("15", 20)); err != nil {
		t.Fatal(err)
	}
	call := p.Only()
	want["ScheduleExpression"] = "cron(30 15 * * ? *)"
	want["FlexibleTimeWindow"] = map[string]any{"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 20.0}
	if diff := cmp.Diff(want, input(call)); call.Operation != "UpdateSchedule" || diff != "" {
		t.Errorf("%s of a schedule that is there (-want +got):\n%s", call.Operation, diff)
	}
}

func TestPutReplacesAndDeleteEnds(t *testing.T) {
	t.Parallel()
	p := begin(t)
	for _, hour := range []string{"14", "15"} {
		if err := p.client.Put(t.Context(), daily(hour, 0)); err != nil {
			t.Fatal(err)
		}
	}
	p.Forward(24 * time.Hour)
	if got := <-p.fired; len(p.fired) != 0 || got != "14:30 "+awstest.Function+` {"policy":"web"}` {
		t.Errorf("fired %q and %d more, want once at 15:30 in Berlin", got, len(p.fired))
	}
	for range 2 { // what is gone already is success
		if err := p.client.Delete(t.Context(), "web"); err != nil {
			t.Fatalf("Delete = %v", err)
		}
	}
	p.Forward(24 * time.Hour)
	if len(p.fired) != 0 {
		t.Errorf("a deleted schedule fired: %q", <-p.fired)
	}
	if diff := cmp.Diff(map[string]any{"Name": "web", "GroupName": "keyward"}, input(last(p.Calls()))); diff != "" {
		t.Errorf("DeleteSchedule on the wire (-want +got):\n%s", diff)
	}
}

func last(calls []awstest.Call) awstest.Call { return calls[len(calls)-1] }

func TestPutRefuses(t *testing.T) {
	t.Parallel()
	p := begin(t)
	bad := daily("14", 0)
	bad.Expression = "cron(never)"
	awstest.Wrapped(t, p.client.Put(t.Context(), bad), fault.Invalid, "creating schedule web: ValidationException")
	if err := p.client.Put(t.Context(), daily("14", 0)); err != nil {
		t.Fatal(err)
	}
	awstest.Wrapped(t, p.client.Put(t.Context(), bad), fault.Invalid, "changing schedule web: ValidationException")
	bad.Input = func() {}
	err := p.client.Put(t.Context(), bad)
	if unsupported := (*json.UnsupportedTypeError)(nil); !errors.As(err, &unsupported) || !strings.HasPrefix(err.Error(), "encoding input of schedule web: ") {
		t.Errorf("Put of an input that is no JSON = %v, want what cannot be encoded", err)
	}
	elsewhere := schedule.New(p.Config, "no-such-group", awstest.Role, awstest.Function, queue)
	awstest.Wrapped(t, elsewhere.Put(t.Context(), daily("14", 0)), fault.NotFound, "creating schedule web: ResourceNotFoundException")
}

func TestErrors(t *testing.T) {
	t.Parallel()
	p := begin(t)
	put := func(ctx context.Context, cfg aws.Config) error {
		return schedule.New(cfg, "keyward", awstest.Role, awstest.Function, queue).Put(ctx, daily("14", 0))
	}
	own := map[string]fault.Kind{"ConflictException": fault.Conflict, "InternalServerException": fault.Transient}
	p.Mapped(t, "UpdateSchedule", own, put)
	p.Mapped(t, "CreateSchedule", own, put)
	p.Mapped(t, "DeleteSchedule", own, func(ctx context.Context, cfg aws.Config) error {
		return schedule.New(cfg, "keyward", awstest.Role, awstest.Function, queue).Delete(ctx, "web")
	})
}
