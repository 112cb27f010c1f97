// Command sweep is the authority on completeness, every 5 minutes: it has overdue answers read, asks
// for the inspections that are due, starts what the outbox still holds and what has no live execution,
// and lifts holds whose reason is gone. It judges nothing and touches no key.
package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/functions/sweep/handler"
	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/aws/lambdacall"
	"github.com/keyward/keyward/shared/aws/sfnflow"
	"github.com/keyward/keyward/shared/aws/ssmcalendar"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/env"
	"github.com/keyward/keyward/shared/guard"
)

type config struct {
	Table        string `env:"TABLE_NAME"`
	Account      string `env:"ACCOUNT_ID"`
	Region       string `env:"AWS_REGION"`
	StateMachine string `env:"STATE_MACHINE_ARN"`
	Inspect      string `env:"INSPECT_FUNCTION"`
	Evaluate     string `env:"EVALUATE_FUNCTION"`
	Drill        string `env:"DRILL_FUNCTION"`
	Notifier     string `env:"NOTIFIER_FUNCTION"`

	Machines     int `env:"BREAKER_MACHINES"`
	Percent      int `env:"BREAKER_PERCENT"`
	Minutes      int `env:"BREAKER_WINDOW_MINUTES"`
	RulePercent  int `env:"BREAKER_RULE_PERCENT"`
	RuleMachines int `env:"BREAKER_RULE_MACHINES"`
}

func main() {
	boot.Start(func(ctx context.Context, log *slog.Logger) (boot.Handler[handler.Event, handler.Summary], error) {
		var cfg config
		if err := env.Parse(&cfg, os.LookupEnv); err != nil {
			return nil, err
		}
		aws, err := awsconf.Load(ctx)
		if err != nil {
			return nil, err
		}
		table := store.New(aws, cfg.Table, cfg.Account, cfg.Region)
		h := &handler.Handler{
			Store: table, Flow: sfnflow.New(aws, cfg.StateMachine),
			Keys: kmskey.New(aws), Calendars: ssmcalendar.New(aws), Inspect: lambdacall.New(aws, cfg.Inspect), Evaluate: lambdacall.New(aws, cfg.Evaluate), Drill: lambdacall.New(aws, cfg.Drill),
			Notifiers: &handler.Notifiers{Store: table, Flush: lambdacall.New(aws, cfg.Notifier)},
			Account:   cfg.Account, Region: cfg.Region, Log: log,
			Limits: guard.Limits{
				Machines: cfg.Machines, Percent: cfg.Percent, Window: time.Duration(cfg.Minutes) * time.Minute,
				Rules: guard.RuleLimits{Percent: cfg.RulePercent, Machines: cfg.RuleMachines},
			},
		}
		return h.Handle, nil
	})
}
