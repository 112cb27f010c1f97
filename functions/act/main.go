// Command act serves the links that Keyward's mails may have, to whoever has one: looking at one shows what it would do,
// and the button on that page does it, once. It can have a machine looked at, hold its revocation for an hour, and write
// down that somebody is at work on it or asks for a waiver. It judges nothing, approves nothing and touches no key.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/events"

	"github.com/keyward/keyward/functions/act/handler"
	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/functions/internal/tell"
	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/aws/lambdacall"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/env"
)

type config struct {
	Table   string `env:"TABLE_NAME"`
	Account string `env:"ACCOUNT_ID"`
	Region  string `env:"AWS_REGION"`
	Inspect string `env:"INSPECT_FUNCTION"`
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
			Store: store.New(aws, cfg.Table, cfg.Account, cfg.Region), Inspect: lambdacall.New(aws, cfg.Inspect), Log: log,
			Place: tell.Place{Account: cfg.Account, Region: cfg.Region},
		}
		return h.Handle, nil
	})
}
