// Command publish tells others what happened: it is woken by the table's stream and puts an event on a bus of EventBridge
// for each new ledger entry. It decides nothing and writes nothing.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/events"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/functions/publish/handler"
	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/aws/eventbus"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/env"
)

type config struct {
	Table   string `env:"TABLE_NAME"`
	Account string `env:"ACCOUNT_ID"`
	Region  string `env:"AWS_REGION"`
	Bus     string `env:"EVENT_BUS_NAME"`
}

func main() {
	boot.Start(func(ctx context.Context, log *slog.Logger) (boot.Handler[events.DynamoDBEvent, events.DynamoDBEventResponse], error) {
		var cfg config
		if err := env.Parse(&cfg, os.LookupEnv); err != nil {
			return nil, err
		}
		aws, err := awsconf.Load(ctx)
		if err != nil {
			return nil, err
		}
		h := &handler.Handler{
			Store: store.New(aws, cfg.Table, cfg.Account, cfg.Region), Bus: eventbus.New(aws, cfg.Bus),
			Account: cfg.Account, Region: cfg.Region, Log: log,
		}
		return h.Handle, nil
	})
}
