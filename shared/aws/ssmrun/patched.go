package ssmrun

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/keyward/keyward/shared/aws/awsconf"
)

// patching are AWS's documents that change what is installed when their Operation is Install. Source: Systems Manager
// User Guide, "SSM Command documents for patching managed nodes".
var patching = []string{"AWS-RunPatchBaseline", "AWS-RunPatchBaselineWithHooks", "AWS-RunPatchBaselineAssociation"}

// Patchings are the ids of commands sent since a time that install patches, whoever was sent them. It is what Run Command
// was asked for: a machine has no say in it. What State Manager runs by itself is no command and is not there.
func (c *Client) Patchings(ctx context.Context, since time.Time) ([]string, error) {
	var all []string
	for _, document := range patching {
		pages := ssm.NewListCommandsPaginator(c.api, &ssm.ListCommandsInput{Filters: []types.CommandFilter{
			{Key: types.CommandFilterKeyInvokedAfter, Value: aws.String(since.UTC().Format(time.RFC3339))},
			{Key: types.CommandFilterKeyDocumentName, Value: aws.String(document)},
		}})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, awsconf.Wrap(err, "asking what was patched")
			}
			for _, sent := range page.Commands {
				if operation := sent.Parameters["Operation"]; len(operation) == 1 && strings.EqualFold(operation[0], "Install") {
					all = append(all, aws.ToString(sent.CommandId))
				}
			}
		}
	}
	return all, nil
}

// Asked is when SSM asked a machine to carry out a command; zero when it did not.
func (c *Client) Asked(ctx context.Context, command, machine string) (time.Time, error) {
	out, err := c.api.ListCommandInvocations(ctx, &ssm.ListCommandInvocationsInput{CommandId: &command, InstanceId: &machine})
	if err != nil {
		return time.Time{}, awsconf.Wrap(err, "asking whether "+machine+" was patched")
	}
	for _, i := range out.CommandInvocations {
		if aws.ToString(i.InstanceId) == machine {
			return aws.ToTime(i.RequestedDateTime).UTC(), nil
		}
	}
	return time.Time{}, nil
}
