package local

import (
	"cmp"
	"context"
	"time"

	"github.com/keyward/keyward/local/scheduler"
	"github.com/keyward/keyward/local/stack"
)

// composeSchedules makes Scheduler with the template's groups and schedules.
func (s *Server) composeSchedules() error {
	s.services.scheduler = scheduler.New(scheduler.Config{
		Clock: s.clock, Region: s.stack.Region, Account: s.stack.Account,
		Invoke: func(_ context.Context, target string, input []byte) error { return s.invokeLater(target, input) },
		DeadLetter: func(queue string, l scheduler.Letter) {
			s.bury(DeadLetter{Queue: queue, From: "scheduler", About: l.Schedule, Attempts: l.Attempts, Error: l.Error, Body: l.Body})
		},
	})
	for _, g := range s.stack.ScheduleGroups {
		if err := s.services.scheduler.AddGroup(g.Name); err != nil {
			return err
		}
	}
	for _, declared := range s.stack.Schedules {
		if _, err := s.services.scheduler.Create(schedule(declared, s.stack.Account)); err != nil {
			return err
		}
	}
	if err := s.keep("scheduler", s.services.scheduler); err != nil {
		return err
	}
	return s.register(s.services.scheduler.Service())
}

func schedule(d stack.Schedule, account string) scheduler.Schedule {
	role := cmp.Or(d.Role, "arn:aws:iam::"+account+":role/"+d.LogicalID+"Role")
	target := scheduler.Target{Arn: d.Function, RoleArn: role, Input: d.Input}
	if d.DeadLetter != "" {
		target.DeadLetterConfig = &scheduler.DeadLetterTo{Arn: d.DeadLetter}
	}
	retry := scheduler.RetryPolicy{}
	if d.Retry.Attempts >= 0 {
		retry.MaximumRetryAttempts = &d.Retry.Attempts
	}
	if age := int(d.Retry.Age / time.Second); age > 0 {
		retry.MaximumEventAgeInSeconds = &age
	}
	target.RetryPolicy = &retry
	window := scheduler.Window{Mode: "OFF"}
	if d.Window > 0 {
		window = scheduler.Window{Mode: "FLEXIBLE", MaximumWindowInMinutes: int(d.Window / time.Minute)}
	}
	return scheduler.Schedule{
		Name: d.Name, GroupName: d.Group, ScheduleExpression: d.Expression, ScheduleExpressionTimezone: d.TimeZone,
		FlexibleTimeWindow: window, Target: target,
	}
}
