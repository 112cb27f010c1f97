// Command report makes a report that somebody ordered for each day, week or month: it reads what is kept, archives the
// report in S3, where nobody writes over it, and mails it. It changes nothing that Keyward decides by and touches no key.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/functions/report/handler"
	"github.com/keyward/keyward/report"
	"github.com/keyward/keyward/shared/aws/archive"
	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/aws/sesmail"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/env"
)

type config struct {
	Table            string `env:"TABLE_NAME"`
	Account          string `env:"ACCOUNT_ID"`
	Region           string `env:"AWS_REGION"`
	Bucket           string `env:"REPORT_BUCKET"`
	Sender           string `env:"SENDER_ADDRESS"`
	ConfigurationSet string `env:"CONFIGURATION_SET"`
}

func main() {
	boot.Start(func(ctx context.Context, log *slog.Logger) (boot.Handler[report.Order, handler.Made], error) {
		var cfg config
		if err := env.Parse(&cfg, os.LookupEnv); err != nil {
			return nil, err
		}
		aws, err := awsconf.Load(ctx)
		if err != nil {
			return nil, err
		}
		h := &handler.Handler{
			Store: store.New(aws, cfg.Table, cfg.Account, cfg.Region), Archive: archive.New(aws, cfg.Bucket),
			Mail: sesmail.New(aws, cfg.Sender, cfg.ConfigurationSet), Account: cfg.Account, Region: cfg.Region, Log: log,
		}
		return h.Handle, nil
	})
}
