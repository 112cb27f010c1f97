package local

import (
	"context"
	"time"

	"github.com/keyward/keyward/local/scheduler"
	"github.com/keyward/keyward/local/stack"
)

// composeSchedules makes Scheduler with the template's groups and schedules.
func (s *Server) composeSchedules() error {
	s.services.scheduler = scheduler.New(scheduler.Config{
		Clock: s.clock, Region: s.stack.Region, Account: s.stack.Account,
		Invoke: func(_ context.Context, role, target string, input []byte) error {
			if err := s.permissions.session(role, "scheduler", "lambda", "lambda:InvokeFunction", target); err != nil {
				return err
			}
			return s.invokeLater(target, input)
		},
		DeadLetter: func(queue string, l scheduler.Letter) {
			if err := s.permissions.session(l.Role, "scheduler", "sqs", "sqs:SendMessage", queue); err != nil {
				s.options.Logger.Error("losing an event", "schedule", l.Schedule, "error", err)
				return
			}
			s.bury(DeadLetter{Queue: queue, From: "scheduler", About: l.Schedule, Attempts: l.Attempts, Error: l.Error, Body: l.Body})
		},
	})
	for _, g := range s.stack.ScheduleGroups {
		if err := s.services.scheduler.AddGroup(g.Name); err != nil {
			return err
		}
	}
	for _, declared := range s.stack.Schedules {
		if _, err := s.services.scheduler.Create(schedule(declared)); err != nil {
			return err
		}
	}
	if err := s.keep("scheduler", s.services.scheduler); err != nil {
		return err
	}
	return s.register(s.services.scheduler.Service())
}

func schedule(d stack.Schedule) scheduler.Schedule {
	target := scheduler.Target{Arn: d.Function, RoleArn: d.Role, Input: d.Input}
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
		FlexibleTimeWindow: window, Target: target, State: map[bool]string{false: "ENABLED", true: "DISABLED"}[d.Disabled],
	}
}
