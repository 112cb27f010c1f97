// Command findings keeps Security Hub and Systems Manager's compliance at what the machines' records say, where the stack's
// parameters ask for that. It is woken by the table's stream, decides nothing and writes nothing of Keyward's.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/events"

	"github.com/keyward/keyward/functions/findings/handler"
	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/aws/securityhub"
	"github.com/keyward/keyward/shared/aws/ssmcompliance"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/env"
)

type config struct {
	Table      string `env:"TABLE_NAME"`
	Account    string `env:"ACCOUNT_ID"`
	Region     string `env:"AWS_REGION"`
	Hub        string `env:"SECURITY_HUB"`
	Compliance string `env:"SSM_COMPLIANCE"`
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
		h := &handler.Handler{Store: store.New(aws, cfg.Table, cfg.Account, cfg.Region), Account: cfg.Account, Region: cfg.Region, Log: log}
		if cfg.Hub == "on" {
			h.Hub = securityhub.New(aws)
		}
		if cfg.Compliance == "on" {
			h.Compliance = ssmcompliance.New(aws)
		}
		return h.Handle, nil
	})
}
