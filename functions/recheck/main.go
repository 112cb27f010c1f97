// Command recheck looks at one machine again before anything is taken from it, weighs every condition
// of a revocation and reserves it: holds, generation, lease and intent are one transaction. It judges
// nothing itself and changes no key.
package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/keyward/keyward/documents"
	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/functions/recheck/handler"
	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/aws/ec2info"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/aws/ssmcalendar"
	"github.com/keyward/keyward/shared/aws/ssmrun"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/env"
	"github.com/keyward/keyward/shared/guard"
)

type config struct {
	Table    string `env:"TABLE_NAME"`
	Account  string `env:"ACCOUNT_ID"`
	Region   string `env:"AWS_REGION"`
	Document string `env:"DOCUMENT_NAME"`

	Machines     int `env:"BREAKER_MACHINES"`
	Percent      int `env:"BREAKER_PERCENT"`
	Minutes      int `env:"BREAKER_WINDOW_MINUTES"`
	RulePercent  int `env:"BREAKER_RULE_PERCENT"`
	RuleMachines int `env:"BREAKER_RULE_MACHINES"`
}

func main() {
	boot.Start(func(ctx context.Context, log *slog.Logger) (boot.Handler[enforcement.Task, any], error) {
		var cfg config
		if err := env.Parse(&cfg, os.LookupEnv); err != nil {
			return nil, err
		}
		aws, err := awsconf.Load(ctx)
		if err != nil {
			return nil, err
		}
		s := store.New(aws, cfg.Table, cfg.Account, cfg.Region)
		sender := &handler.Sender{Commander: ssmrun.New(aws), Recorder: s, Document: cfg.Document, Digest: documents.InspectDigest()}
		h := &handler.Handler{
			Store: s, Keys: kmskey.New(aws), Calendars: ssmcalendar.New(aws), Instances: ec2info.New(aws), Send: sender.Send, Log: log,
			Limits: guard.Limits{
				Machines: cfg.Machines, Percent: cfg.Percent, Window: time.Duration(cfg.Minutes) * time.Minute,
				Rules: guard.RuleLimits{Percent: cfg.RulePercent, Machines: cfg.RuleMachines},
			},
		}
		return h.Handle, nil
	})
}
