// Command notify renders one notice, records it, sends it through SES and records what SES answered.
// The acceptance of a warning starts the grace. It decides nothing and touches no key.
package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"os"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/functions/notify/handler"
	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/aws/lambdacall"
	"github.com/keyward/keyward/shared/aws/sesmail"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/env"
)

type config struct {
	Table            string `env:"TABLE_NAME"`
	Account          string `env:"ACCOUNT_ID"`
	Region           string `env:"AWS_REGION"`
	Sender           string `env:"SENDER_ADDRESS"`
	Contact          string `env:"ACCOUNT_CONTACT"`
	ConfigurationSet string `env:"CONFIGURATION_SET"`
	LinksURL         string `env:"LINKS_URL,optional"`
	Notifier         string `env:"NOTIFIER_FUNCTION"`
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
		table := store.New(aws, cfg.Table, cfg.Account, cfg.Region)
		h := &handler.Handler{
			Store: table,
			Mail:  sesmail.New(aws, cfg.Sender, cfg.ConfigurationSet), Contact: cfg.Contact, Log: log,
			Notifiers: &handler.Notifiers{Store: table, Flush: lambdacall.New(aws, cfg.Notifier)},
		}
		if cfg.LinksURL != "" {
			h.Links = &handler.Links{Store: table, URL: cfg.LinksURL, Random: rand.Reader}
		}
		return h.Handle, nil
	})
}
