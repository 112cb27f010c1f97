// Command evaluate is the only judge: it reads what machines answered, turns it into evidence, judges
// it by the machine's policy, writes evidence, verdict and transition in one transaction, and starts
// the executions that follow from it. It changes no key and sends no mail.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/keyward/keyward/functions/evaluate/handler"
	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/aws/ec2info"
	"github.com/keyward/keyward/shared/aws/sfnflow"
	"github.com/keyward/keyward/shared/aws/ssmrun"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/env"
)

type config struct {
	Table        string `env:"TABLE_NAME"`
	Account      string `env:"ACCOUNT_ID"`
	Region       string `env:"AWS_REGION"`
	StateMachine string `env:"STATE_MACHINE_ARN"`
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
		h := &handler.Handler{
			Store: store.New(aws, cfg.Table, cfg.Account, cfg.Region), Answers: ssmrun.New(aws),
			Instances: ec2info.New(aws), Flow: sfnflow.New(aws, cfg.StateMachine),
			Account: cfg.Account, Region: cfg.Region, Log: log,
		}
		return h.Handle, nil
	})
}
