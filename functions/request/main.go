// Command request is the machines' API, an HTTP API or a private REST API: a machine asks for its key, and it is approved, denied or
// held at once by its policy and its evidence. An approved machine gets a KMS grant for its own
// session; this program never sees a key.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/functions/request/handler"
	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/aws/ec2info"
	"github.com/keyward/keyward/shared/aws/iamrole"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/aws/kmskey/release"
	"github.com/keyward/keyward/shared/aws/lambdacall"
	"github.com/keyward/keyward/shared/aws/ssmrun"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/env"
)

type config struct {
	Table   string `env:"TABLE_NAME"`
	Account string `env:"ACCOUNT_ID"`
	Region  string `env:"AWS_REGION"`
	Inspect string `env:"INSPECT_FUNCTION"`

	Certificate string `env:"IDENTITY_CERTIFICATE,optional"`
	Required    string `env:"REQUIRE_IDENTITY_DOCUMENT"`
}

func main() {
	boot.Start(func(ctx context.Context, log *slog.Logger) (boot.Handler[boot.GatewayRequest, boot.GatewayResponse], error) {
		var cfg config
		if err := env.Parse(&cfg, os.LookupEnv); err != nil {
			return nil, err
		}
		aws, err := awsconf.Load(ctx)
		if err != nil {
			return nil, err
		}
		documents, err := handler.ReadDocuments(cfg.Certificate, cfg.Account, cfg.Region, cfg.Required)
		if err != nil {
			return nil, err
		}
		h := &handler.Handler{
			Documents: documents, Account: cfg.Account, Region: cfg.Region, Store: store.New(aws, cfg.Table, cfg.Account, cfg.Region), Keys: kmskey.New(aws), Giver: release.New(aws),
			Instances: ec2info.New(aws), Roles: iamrole.New(aws), Nodes: ssmrun.New(aws), Inspect: lambdacall.New(aws, cfg.Inspect), Log: log,
		}
		return boot.Gateway(h.Routes(), log), nil
	})
}
