// Package sfnflow starts executions of the enforcement state machine and asks how they are.
package sfnflow

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/keyward/keyward/shared/aws/awsconf"
)

// Client talks to Step Functions about one state machine.
type Client struct {
	api     *sfn.Client
	machine string // ARN of the state machine
}

// New returns a client for the state machine with this ARN.
func New(cfg aws.Config, stateMachineARN string) *Client {
	return &Client{api: sfn.NewFromConfig(cfg), machine: stateMachineARN}
}

// Start starts an execution. The same name and input as a running one is the same execution; a name
// that was used before is a fault.Conflict.
func (c *Client) Start(ctx context.Context, name string, input json.RawMessage) error {
	_, err := c.api.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: &c.machine, Name: &name, Input: aws.String(string(input)),
	})
	return awsconf.Wrap(err, "starting execution "+name)
}

// Status is RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED; fault.NotFound if there is no execution
// of this name.
func (c *Client) Status(ctx context.Context, name string) (string, error) {
	// arn:aws:states:REGION:ACCOUNT:stateMachine:NAME → …:execution:NAME:EXECUTION
	p := strings.Split(c.machine, ":")
	if len(p) != 7 {
		return "", fmt.Errorf("asking for execution %s: %q is not the ARN of a state machine", name, c.machine)
	}
	arn := strings.Join(append(append(p[:5:5], "execution"), p[6], name), ":")
	out, err := c.api.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
	if err != nil {
		return "", awsconf.Wrap(err, "asking for execution "+name)
	}
	return string(out.Status), nil
}
