// Command removal answers CloudFormation for the custom resource Removal, which is deleted before everything else of the
// stack: while enforcements are pending it says no, with the reason. It writes nothing and knows no key.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/functions/removal/handler"
	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/aws/stackreply"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/env"
	"github.com/keyward/keyward/shared/removal"
)

type config struct {
	Table   string `env:"TABLE_NAME"`
	Account string `env:"ACCOUNT_ID"`
	Region  string `env:"AWS_REGION"`
}

func main() {
	boot.Start(func(ctx context.Context, log *slog.Logger) (boot.Handler[removal.Request, removal.Response], error) {
		h := &handler.Handler{Reply: stackreply.New(), Log: log}
		var cfg config
		h.Broken = env.Parse(&cfg, os.LookupEnv)
		if h.Broken == nil {
			aws, err := awsconf.Load(ctx)
			h.Broken, h.Store = err, store.New(aws, cfg.Table, cfg.Account, cfg.Region)
		}
		return h.Handle, nil // a function that does not start answers nobody, and CloudFormation waits
	})
}
