// Command drill is the fire drill: once a day it takes a machine that does not exist, with a key of its own
// that nobody needs, through warning, deadline, revocation and restore, and tries the key before, between
// and after. It judges nothing and changes no key: evaluate, the state machine, revoke and restore do that, as
// for every machine.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/keyward/keyward/functions/drill/handler"
	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/aws/kmskey/use"
	"github.com/keyward/keyward/shared/aws/lambdacall"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/env"
	"github.com/keyward/keyward/shared/record"
)

type config struct {
	Table    string `env:"TABLE_NAME"`
	Account  string `env:"ACCOUNT_ID"`
	Region   string `env:"AWS_REGION"`
	Function string `env:"AWS_LAMBDA_FUNCTION_NAME"`
	Role     string `env:"SESSION_ROLE"` // arn:aws:sts::ACCOUNT:assumed-role/ROLE; Lambda names the session after the function
	Key      string `env:"DRILL_KEY,optional"`
	Owner    string `env:"DRILL_ADDRESS"`
	Evaluate string `env:"EVALUATE_FUNCTION"`
}

func main() {
	boot.Start(func(ctx context.Context, log *slog.Logger) (boot.Handler[drill.Event, record.Drill], error) {
		var cfg config
		if err := env.Parse(&cfg, os.LookupEnv); err != nil {
			return nil, err
		}
		aws, err := awsconf.Load(ctx)
		if err != nil {
			return nil, err
		}
		h := &handler.Handler{
			Store: store.New(aws, cfg.Table, cfg.Account, cfg.Region), Keys: kmskey.New(aws), Trier: use.New(aws),
			Evaluate: lambdacall.New(aws, cfg.Evaluate), Key: cfg.Key, Session: cfg.Role + "/" + cfg.Function, Owner: cfg.Owner,
			Account: cfg.Account, Region: cfg.Region, Log: log,
		}
		return h.Handle, nil
	})
}
