// Package lambdacall invokes another function of the stack without waiting for it.
package lambdacall

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/keyward/keyward/shared/aws/awsconf"
)

// Client invokes one function.
type Client struct {
	api      *lambda.Client
	function string
}

// New returns a client for the function of this name.
func New(cfg aws.Config, function string) *Client {
	return &Client{api: lambda.NewFromConfig(cfg), function: function}
}

// Invoke queues one event; Lambda retries it and keeps what fails in the function's dead-letter queue.
func (c *Client) Invoke(ctx context.Context, event any) error {
	payload, err := json.Marshal(event)
	if err != nil {
		return fmt.Errorf("encoding event for %s: %w", c.function, err)
	}
	_, err = c.api.Invoke(ctx, &lambda.InvokeInput{
		FunctionName: aws.String(c.function), InvocationType: types.InvocationTypeEvent, Payload: payload,
	})
	return awsconf.Wrap(err, "invoking "+c.function)
}
