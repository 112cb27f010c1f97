// Command revoke is the only program in this stack that may take a key from a machine. It orders and
// confirms one revocation whose intent is in the ledger, and withdraws the grants of machines that are
// gone. It decides nothing: recheck weighed and reserved.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/functions/revoke/handler"
	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/aws/kmskey/revoke"
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
	boot.Start(func(ctx context.Context, log *slog.Logger) (boot.Handler[enforcement.Task, any], error) {
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
			Keys:  kmskey.New(aws), Taker: revoke.New(aws), Log: log,
			Pace: handler.Pace{DisableKey: pace.Half(pace.DisableKey, cfg.KeyCalls), RevokeGrant: pace.Half(pace.RevokeGrant, cfg.GrantCalls)},
		}
		return h.Handle, nil
	})
}
