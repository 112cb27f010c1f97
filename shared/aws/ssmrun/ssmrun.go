// Package ssmrun sends the inspection document through SSM Run Command and reads what the machines
// answered. It interprets statuses, never output.
package ssmrun

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/inspection"
)

// DeliveryTimeout is how long SSM tries to hand a command to an agent: the least that SendCommand
// takes, since an inspection that starts late is worth less than a new one.
const DeliveryTimeout = 30 * time.Second

// Client talks to SSM.
type Client struct{ api *ssm.Client }

// New returns a client.
func New(cfg aws.Config) *Client { return &Client{api: ssm.NewFromConfig(cfg)} }

// Document reads the default version of a document with its content.
func (c *Client) Document(ctx context.Context, name string) (inspection.Document, error) {
	described, err := c.api.DescribeDocument(ctx, &ssm.DescribeDocumentInput{Name: &name})
	if err != nil {
		return inspection.Document{}, awsconf.Wrap(err, "describing the inspection document")
	}
	version := described.Document.DefaultVersion
	got, err := c.api.GetDocument(ctx, &ssm.GetDocumentInput{Name: &name, DocumentVersion: version, DocumentFormat: types.DocumentFormatJson})
	if err != nil {
		return inspection.Document{}, awsconf.Wrap(err, "reading the inspection document")
	}
	return inspection.Document{
		Name: name, Version: aws.ToString(version), Hash: aws.ToString(described.Document.Hash),
		Content: aws.ToString(got.Content),
	}, nil
}

// Online says which of up to 50 machines have an agent that answers.
func (c *Client) Online(ctx context.Context, machines []string) (map[string]bool, error) {
	online := map[string]bool{}
	if len(machines) == 0 {
		return online, nil // a filter without values is an error
	}
	pages := ssm.NewDescribeInstanceInformationPaginator(c.api, &ssm.DescribeInstanceInformationInput{
		Filters:    []types.InstanceInformationStringFilter{{Key: aws.String("InstanceIds"), Values: machines}},
		MaxResults: aws.Int32(inspection.BatchSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, awsconf.Wrap(err, "asking which agents are online")
		}
		for _, i := range page.InstanceInformationList {
			online[aws.ToString(i.InstanceId)] = i.PingStatus == types.PingStatusOnline
		}
	}
	return online, nil
}

// Send runs a document on up to 50 machines and returns the command's id.
func (c *Client) Send(ctx context.Context, d inspection.Document, machines []string, parameters map[string]string, comment string) (string, error) {
	values := make(map[string][]string, len(parameters))
	for name, v := range parameters {
		values[name] = []string{v}
	}
	out, err := c.api.SendCommand(ctx, &ssm.SendCommandInput{
		DocumentName: &d.Name, DocumentVersion: &d.Version,
		DocumentHash: &d.Hash, DocumentHashType: types.DocumentHashTypeSha256,
		InstanceIds: machines, Parameters: values, Comment: &comment,
		TimeoutSeconds: aws.Int32(int32(DeliveryTimeout / time.Second)),
		// One machine's error must not keep the others from being inspected: the default of MaxErrors is 0.
		MaxConcurrency: aws.String("100%"), MaxErrors: aws.String("100%"),
	})
	if err != nil {
		return "", awsconf.Wrap(err, "sending the inspection")
	}
	return aws.ToString(out.Command.CommandId), nil
}

var running = map[types.CommandInvocationStatus]bool{
	types.CommandInvocationStatusPending:    true,
	types.CommandInvocationStatusInProgress: true,
	types.CommandInvocationStatusDelayed:    true,
	types.CommandInvocationStatusCancelling: true,
}

// Invocations reads what became of a command on each of its machines so far.
func (c *Client) Invocations(ctx context.Context, command string) ([]inspection.Invocation, error) {
	pages := ssm.NewListCommandInvocationsPaginator(c.api, &ssm.ListCommandInvocationsInput{
		CommandId: &command, Details: true, MaxResults: aws.Int32(inspection.BatchSize),
	})
	var all []inspection.Invocation
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, awsconf.Wrap(err, "reading answers")
		}
		for _, i := range page.CommandInvocations {
			all = append(all, invocation(i))
		}
	}
	return all, nil
}

func invocation(i types.CommandInvocation) inspection.Invocation {
	v := inspection.Invocation{
		Machine: aws.ToString(i.InstanceId), Status: aws.ToString(i.StatusDetails),
		Ended: !running[i.Status], Success: i.Status == types.CommandInvocationStatusSuccess,
	}
	for _, p := range i.CommandPlugins {
		if v.Output == "" && !strings.HasPrefix(aws.ToString(p.Output), skipped) {
			v.Step, v.Output = aws.ToString(p.Name), aws.ToString(p.Output)
		}
	}
	return v
}

// skipped begins what the agent says of a step that is for another platform; the API has no status for it and
// calls it a success. Source: amazon-ssm-agent, agent/framework/runpluginutil/runpluginutil.go.
const skipped = "Step execution skipped due to "

// Output reads the standard output of a step on one machine, at most 24,000 characters: the list shows only
// 2,500. Of a document with several steps AWS wants the step named.
func (c *Client) Output(ctx context.Context, command, machine, step string) (string, error) {
	out, err := c.api.GetCommandInvocation(ctx, &ssm.GetCommandInvocationInput{CommandId: &command, InstanceId: &machine, PluginName: &step})
	if err != nil {
		return "", awsconf.Wrap(err, "reading the answer of "+machine)
	}
	return aws.ToString(out.StandardOutputContent), nil
}
