// Command safeguard keeps data safe when a key is revoked: before it, snapshots of the machine's volumes
// and the lock, which stops, unmounts and closes what the policy names, each read back; the undoing of
// the lock when no revocation came of it; and after it, stopping the instance where the policy says so.
// It takes no key, judges nothing and runs nothing on a machine but the lock document.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/keyward/keyward/documents"
	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/functions/safeguard/handler"
	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/aws/ec2safe"
	"github.com/keyward/keyward/shared/aws/ssmrun"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/env"
)

type config struct {
	Table    string `env:"TABLE_NAME"`
	Account  string `env:"ACCOUNT_ID"`
	Region   string `env:"AWS_REGION"`
	Document string `env:"LOCK_DOCUMENT_NAME"`
}

func main() {
	boot.Start(func(ctx context.Context, log *slog.Logger) (boot.Handler[enforcement.Task, enforcement.Safeguarded], error) {
		var cfg config
		if err := env.Parse(&cfg, os.LookupEnv); err != nil {
			return nil, err
		}
		aws, err := awsconf.Load(ctx)
		if err != nil {
			return nil, err
		}
		h := &handler.Handler{
			Store: store.New(aws, cfg.Table, cfg.Account, cfg.Region), Machines: ssmrun.New(aws), EC2: ec2safe.New(aws),
			Document: cfg.Document, Digest: documents.LockDigest(), Log: log,
		}
		return h.Handle, nil
	})
}
