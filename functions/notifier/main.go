// Command notifier tells what notifiers gathered: one message to each channel of a notifier, tried again until it was taken,
// refused or given up after a day. It decides nothing about machines and touches no key.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/functions/notifier/handler"
	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/aws/sesmail"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/aws/topic"
	"github.com/keyward/keyward/shared/aws/webhook"
	"github.com/keyward/keyward/shared/env"
	"github.com/keyward/keyward/shared/record"
)

type config struct {
	Table            string `env:"TABLE_NAME"`
	Account          string `env:"ACCOUNT_ID"`
	Region           string `env:"AWS_REGION"`
	Sender           string `env:"SENDER_ADDRESS"`
	ConfigurationSet string `env:"CONFIGURATION_SET"`
	Network          string `env:"WEBHOOK_NETWORK"`
}

func main() {
	boot.Start(func(ctx context.Context, log *slog.Logger) (boot.Handler[record.Flush, handler.Summary], error) {
		var cfg config
		if err := env.Parse(&cfg, os.LookupEnv); err != nil {
			return nil, err
		}
		aws, err := awsconf.Load(ctx)
		if err != nil {
			return nil, err
		}
		h := &handler.Handler{
			Store: store.New(aws, cfg.Table, cfg.Account, cfg.Region), Mail: sesmail.New(aws, cfg.Sender, cfg.ConfigurationSet),
			Topics: topic.New(aws), Webhooks: webhook.New(cfg.Network == "any"), Log: log,
		}
		return h.Handle, nil
	})
}
