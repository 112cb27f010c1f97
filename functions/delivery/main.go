// Command delivery records what became of Keyward's mails, from SES's events: it notes deliveries, bounces
// and complaints on the notices, and that a warning reached nobody for whom it counts. It sends nothing;
// the sweep has others warned.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/events"

	"github.com/keyward/keyward/functions/delivery/handler"
	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/env"
)

type config struct {
	Table   string `env:"TABLE_NAME"`
	Account string `env:"ACCOUNT_ID"`
	Region  string `env:"AWS_REGION"`
}

func main() {
	boot.Start(func(ctx context.Context, log *slog.Logger) (boot.Handler[events.SNSEvent, handler.Summary], error) {
		var cfg config
		if err := env.Parse(&cfg, os.LookupEnv); err != nil {
			return nil, err
		}
		aws, err := awsconf.Load(ctx)
		if err != nil {
			return nil, err
		}
		h := &handler.Handler{Store: store.New(aws, cfg.Table, cfg.Account, cfg.Region), Account: cfg.Account, Region: cfg.Region, Log: log}
		return h.Handle, nil
	})
}
