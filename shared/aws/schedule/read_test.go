package schedule_test

import (
	"context"
	"testing"

	"github.com/keyward/keyward/local/scheduler"
	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/aws/schedule"
	"github.com/keyward/keyward/shared/doctor"
)

func TestRead(t *testing.T) {
	t.Parallel()
	p := awstest.New(t)
	s := scheduler.New(scheduler.Config{Clock: p.Clock, Region: awstest.Region, Account: awstest.Account, Invoke: func(context.Context, string, string, []byte) error { return nil }})
	if _, err := s.Create(scheduler.Schedule{
		Name: "off", GroupName: schedule.Default, ScheduleExpression: "cron(30 4 * * ? *)", ScheduleExpressionTimezone: "Europe/Berlin", State: "DISABLED",
		FlexibleTimeWindow: scheduler.Window{Mode: "OFF"}, Target: scheduler.Target{Arn: awstest.Function, RoleArn: awstest.Role},
	}); err != nil {
		t.Fatal(err)
	}
	p.Register(s.Service())
	r := schedule.NewReader(p.Config)
	want := doctor.Schedule{There: true, Expression: "cron(30 4 * * ? *)", TimeZone: "Europe/Berlin"}
	if got, err := r.Schedule(t.Context(), schedule.Default, "off"); err != nil || got != want {
		t.Errorf("Schedule = %+v, %v, want %+v", got, err, want)
	}
	if got, err := r.Schedule(t.Context(), schedule.Default, "none"); err != nil || got.There {
		t.Errorf("Schedule = %+v, %v, want none", got, err)
	}
	p.Refuse("GetSchedule", awstest.Error("AccessDeniedException"))
	if _, err := schedule.NewReader(p.Config).Schedule(t.Context(), schedule.Default, "off"); err == nil {
		t.Error("a refusal is taken for no schedule")
	}
}
