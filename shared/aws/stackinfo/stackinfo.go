// Package stackinfo reads what CloudFormation says of a stack: its state, parameters, outputs and resources. It changes
// nothing.
package stackinfo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/doctor"
	"github.com/keyward/keyward/shared/fault"
)

// Client talks to CloudFormation.
type Client struct{ api *cloudformation.Client }

// New returns a client.
func New(cfg aws.Config) *Client { return &Client{api: cloudformation.NewFromConfig(cfg)} }

// Stack reads a stack by its name or ARN, with all its resources.
func (c *Client) Stack(ctx context.Context, name string) (doctor.Stack, error) {
	out, err := c.api.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if err != nil {
		return doctor.Stack{}, awsconf.Wrap(err, "reading the stack "+name)
	}
	if len(out.Stacks) != 1 {
		return doctor.Stack{}, fault.New(fault.NotFound, "reading the stack %s: %d of that name", name, len(out.Stacks))
	}
	in := out.Stacks[0]
	s := doctor.Stack{
		Name: aws.ToString(in.StackName), Status: string(in.StackStatus), Reason: aws.ToString(in.StackStatusReason), Protected: aws.ToBool(in.EnableTerminationProtection),
		Parameters: map[string]string{}, Outputs: map[string]string{}, Resources: map[string]string{},
	}
	for _, p := range in.Parameters {
		s.Parameters[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
	}
	for _, o := range in.Outputs {
		s.Outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	pages := cloudformation.NewListStackResourcesPaginator(c.api, &cloudformation.ListStackResourcesInput{StackName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return doctor.Stack{}, awsconf.Wrap(err, "listing the resources of the stack "+name)
		}
		for _, r := range page.StackResourceSummaries {
			s.Resources[aws.ToString(r.LogicalResourceId)] = aws.ToString(r.PhysicalResourceId)
		}
	}
	return s, nil
}
