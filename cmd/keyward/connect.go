package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/keyward/keyward/cmd/keyward/internal/people"
)

// people is the API of the stack that the command line names, signed with the user's credentials.
func (c *cli) people(ctx context.Context) (*people.Client, error) {
	if c.API == "" {
		return nil, &invalid{errors.New("which stack? Set KEYWARD_API_URL or --api to its output PeopleApiUrl; keyward local prints it")}
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(c.Region))
	if err != nil {
		return nil, fmt.Errorf("loading AWS configuration: %w", err)
	}
	return people.New(c.API, c.Region, cfg.Credentials), nil
}
