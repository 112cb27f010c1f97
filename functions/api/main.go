// Command api is the people's HTTP API: machines, policies, holds and requests, for the command line
// and for whatever else people write. It judges nothing and touches no key; calls by machines are
// refused.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/events"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/aws/ec2info"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/aws/lambdacall"
	"github.com/keyward/keyward/shared/aws/schedule"
	"github.com/keyward/keyward/shared/aws/sfnflow"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/env"
)

type config struct {
	Table         string `env:"TABLE_NAME"`
	Account       string `env:"ACCOUNT_ID"`
	Region        string `env:"AWS_REGION"`
	StateMachine  string `env:"STATE_MACHINE_ARN"`
	Inspect       string `env:"INSPECT_FUNCTION"`
	InspectARN    string `env:"INSPECT_FUNCTION_ARN"`
	ScheduleGroup string `env:"SCHEDULE_GROUP"`
	ScheduleRole  string `env:"SCHEDULE_ROLE_ARN"`
}

func main() {
	boot.Start(func(ctx context.Context, log *slog.Logger) (boot.Handler[events.APIGatewayV2HTTPRequest, events.APIGatewayV2HTTPResponse], error) {
		var cfg config
		if err := env.Parse(&cfg, os.LookupEnv); err != nil {
			return nil, err
		}
		aws, err := awsconf.Load(ctx)
		if err != nil {
			return nil, err
		}
		h := &handler{
			store: store.New(aws, cfg.Table, cfg.Account, cfg.Region), keys: kmskey.New(aws), instances: ec2info.New(aws),
			inspect: lambdacall.New(aws, cfg.Inspect), flow: sfnflow.New(aws, cfg.StateMachine),
			schedules: schedule.New(aws, cfg.ScheduleGroup, cfg.ScheduleRole, cfg.InspectARN),
			account:   cfg.Account, region: cfg.Region, log: log,
		}
		return boot.HTTP(h.routes(), log), nil
	})
}
