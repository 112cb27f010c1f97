// Command api is the people's HTTP API: machines, policies, holds and requests, for the command line
// and for whatever else people write. It judges nothing and touches no key; calls by machines are
// refused.
package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/keyward/keyward/functions/api/handler"
	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/aws/ec2info"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/aws/lambdacall"
	"github.com/keyward/keyward/shared/aws/schedule"
	"github.com/keyward/keyward/shared/aws/sfnflow"
	"github.com/keyward/keyward/shared/aws/ssmcalendar"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/env"
	"github.com/keyward/keyward/shared/guard"
)

type config struct {
	Table         string `env:"TABLE_NAME"`
	Account       string `env:"ACCOUNT_ID"`
	Region        string `env:"AWS_REGION"`
	StateMachine  string `env:"STATE_MACHINE_ARN"`
	Inspect       string `env:"INSPECT_FUNCTION"`
	Drill         string `env:"DRILL_FUNCTION"`
	Drills        string `env:"DRILLS"` // on, off
	InspectARN    string `env:"INSPECT_FUNCTION_ARN"`
	DeadLetters   string `env:"DEAD_LETTERS_ARN"`
	ScheduleGroup string `env:"SCHEDULE_GROUP"`
	ScheduleRole  string `env:"SCHEDULE_ROLE_ARN"`
	Report        string `env:"REPORT_FUNCTION_ARN"`
	ReportGroup   string `env:"REPORT_SCHEDULE_GROUP"`

	Machines     int `env:"BREAKER_MACHINES"`
	Percent      int `env:"BREAKER_PERCENT"`
	Minutes      int `env:"BREAKER_WINDOW_MINUTES"`
	RulePercent  int `env:"BREAKER_RULE_PERCENT"`
	RuleMachines int `env:"BREAKER_RULE_MACHINES"`

	KeyCalls   int `env:"KEY_CALLS_PER_SECOND"`
	GrantCalls int `env:"GRANT_CALLS_PER_SECOND"`
}

func main() {
	boot.Start(func(ctx context.Context, log *slog.Logger) (boot.Handler[events.APIGatewayV2HTTPRequest, events.APIGatewayV2HTTPResponse], error) {
		var cfg config
		if err := env.Parse(&cfg, os.LookupEnv); err != nil {
			return nil, err
		}
		aws, err := awsconf.Load(ctx)
		if err != nil {
			return nil, err
		}
		h := &handler.Handler{
			Store: store.New(aws, cfg.Table, cfg.Account, cfg.Region), Keys: kmskey.New(aws), Calendars: ssmcalendar.New(aws), Instances: ec2info.New(aws),
			Inspect: lambdacall.New(aws, cfg.Inspect), Drill: lambdacall.New(aws, cfg.Drill), DrillsOff: cfg.Drills != "on", Flow: sfnflow.New(aws, cfg.StateMachine),
			Schedules: schedule.New(aws, cfg.ScheduleGroup, cfg.ScheduleRole, cfg.InspectARN, cfg.DeadLetters),
			Reports:   schedule.New(aws, cfg.ReportGroup, cfg.ScheduleRole, cfg.Report, cfg.DeadLetters),
			Random:    rand.Reader,
			Account:   cfg.Account, Region: cfg.Region, Log: log,
			Limits: guard.Limits{
				Machines: cfg.Machines, Percent: cfg.Percent, Window: time.Duration(cfg.Minutes) * time.Minute,
				Rules: guard.RuleLimits{Percent: cfg.RulePercent, Machines: cfg.RuleMachines},
			},
			KeyCalls: cfg.KeyCalls, GrantCalls: cfg.GrantCalls,
		}
		return boot.HTTP(h.Routes(), log), nil
	})
}
