package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/keyward/keyward/cmd/keyward/internal/people"
)

// people is the API of the stack that the command line names, signed with the user's credentials.
func (c *cli) people(ctx context.Context) (*people.Client, error) {
	if c.API == "" {
		return nil, &invalid{errors.New("which stack? Set KEYWARD_API_URL or --api to its output PeopleApiUrl; keyward local prints it")}
	}
	if u, err := url.Parse(c.API); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return nil, &invalid{fmt.Errorf("--api %s: expected a URL such as https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com", c.API)}
	}
	cfg, err := c.aws(ctx)
	if err != nil {
		return nil, err
	}
	region := cmp.Or(c.Region, regionOf(c.API), cfg.Region)
	if region == "" {
		return nil, &invalid{errors.New("which region? Set --region or AWS_REGION, or a profile that has one")}
	}
	return people.New(c.API, region, cfg.Credentials), nil
}

// aws is the configuration that AWS's own tools would read, with what the command line says.
func (c *cli) aws(ctx context.Context) (aws.Config, error) {
	var options []func(*config.LoadOptions) error
	if c.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(c.Profile))
	}
	if c.Region != "" {
		options = append(options, config.WithRegion(c.Region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if missing := (config.SharedConfigProfileNotExistError{}); errors.As(err, &missing) {
		return cfg, &invalid{fmt.Errorf("--profile %s: your AWS configuration has no such profile", c.Profile)}
	}
	if err != nil {
		return cfg, fmt.Errorf("loading AWS configuration: %w", err)
	}
	return cfg, nil
}

var gateway = regexp.MustCompile(`^[a-z0-9]+\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$`)

// regionOf is the Region of an API's own URL, "" of any other URL.
func regionOf(api string) string {
	u, err := url.Parse(api)
	if err != nil {
		return ""
	}
	if found := gateway.FindStringSubmatch(u.Hostname()); found != nil {
		return found[1]
	}
	return ""
}
