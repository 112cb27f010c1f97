// Package ssmcompliance tells Systems Manager's compliance which rules a machine keeps.
package ssmcompliance

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/finding"
)

// Type is the compliance type of what is told.
const Type = "Custom:Keyward"

// Client talks to SSM.
type Client struct{ api *ssm.Client }

// New returns a client.
func New(cfg aws.Config) *Client { return &Client{api: ssm.NewFromConfig(cfg)} }

// Put replaces what Systems Manager has of a machine. The same again is ignored there, by its hash.
func (c *Client) Put(ctx context.Context, all finding.Compliance) error {
	in := &ssm.PutComplianceItemsInput{
		ComplianceType: aws.String(Type), ResourceId: aws.String(all.Machine), ResourceType: aws.String("ManagedInstance"), ItemContentHash: aws.String(all.Hash),
		ExecutionSummary: &types.ComplianceExecutionSummary{ExecutionTime: aws.Time(all.At), ExecutionId: aws.String(all.Command), ExecutionType: aws.String("Command")},
		Items:            []types.ComplianceItemEntry{},
	}
	for _, i := range all.Items {
		item := types.ComplianceItemEntry{Id: aws.String(i.ID), Title: aws.String(i.Title), Details: i.Details, Status: types.ComplianceStatusCompliant, Severity: types.ComplianceSeverityUnspecified}
		if !i.Compliant {
			item.Status, item.Severity = types.ComplianceStatusNonCompliant, types.ComplianceSeverityHigh
		}
		in.Items = append(in.Items, item)
	}
	_, err := c.api.PutComplianceItems(ctx, in)
	return awsconf.Wrap(err, "putting compliance items of "+all.Machine)
}
