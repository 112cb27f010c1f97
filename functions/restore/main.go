// Command restore gives back exactly what a revocation took, as the ledger says, and only when nobody
// changed the key since. It can take nothing away.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/functions/restore/handler"
	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/aws/kmskey/release"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/env"
	"github.com/keyward/keyward/shared/pace"
)

type config struct {
	Table   string `env:"TABLE_NAME"`
	Account string `env:"ACCOUNT_ID"`
	Region  string `env:"AWS_REGION"`

	KeyCalls   int `env:"KEY_CALLS_PER_SECOND"`   // what KMS allows the account of EnableKey and DisableKey
	GrantCalls int `env:"GRANT_CALLS_PER_SECOND"` // and of CreateGrant and RevokeGrant
}

func main() {
	boot.Start(func(ctx context.Context, log *slog.Logger) (boot.Handler[enforcement.Task, enforcement.Outcome], error) {
		var cfg config
		if err := env.Parse(&cfg, os.LookupEnv); err != nil {
			return nil, err
		}
		aws, err := awsconf.Load(ctx)
		if err != nil {
			return nil, err
		}
		h := &handler.Handler{
			Store: store.New(aws, cfg.Table, cfg.Account, cfg.Region),
			Keys:  kmskey.New(aws), Giver: release.New(aws), Log: log,
			Pace: handler.Pace{EnableKey: pace.Half(pace.EnableKey, cfg.KeyCalls), CreateGrant: pace.Half(pace.CreateGrant, cfg.GrantCalls)},
		}
		return h.Handle, nil
	})
}
