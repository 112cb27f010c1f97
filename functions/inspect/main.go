// Command inspect asks machines for evidence: on the schedule, when a person, a key request or the
// sweep asks, and when an instance starts. It reads no answers and judges nothing.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/keyward/keyward/documents"
	"github.com/keyward/keyward/functions/inspect/handler"
	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/aws/ssmrun"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/env"
)

type config struct {
	Table    string `env:"TABLE_NAME"`
	Account  string `env:"ACCOUNT_ID"`
	Region   string `env:"AWS_REGION"`
	Document string `env:"DOCUMENT_NAME"`
}

func main() {
	boot.Start(func(ctx context.Context, log *slog.Logger) (boot.Handler[handler.Event, handler.Summary], error) {
		var cfg config
		if err := env.Parse(&cfg, os.LookupEnv); err != nil {
			return nil, err
		}
		aws, err := awsconf.Load(ctx)
		if err != nil {
			return nil, err
		}
		s := store.New(aws, cfg.Table, cfg.Account, cfg.Region)
		sender := &handler.Sender{Commander: ssmrun.New(aws), Recorder: s, Document: cfg.Document, Digest: documents.InspectDigest()}
		return (&handler.Handler{Machines: s, Send: sender.Send, Log: log}).Handle, nil
	})
}
