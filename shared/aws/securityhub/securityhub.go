// Package securityhub gives findings to AWS Security Hub in its format (ASFF), as the default product of the account.
package securityhub

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"

	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/event"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/finding"
)

// maxFindings are in one call.
const maxFindings = 100

// Client talks to Security Hub.
type Client struct{ api *securityhub.Client }

// New returns a client.
func New(cfg aws.Config) *Client { return &Client{api: securityhub.NewFromConfig(cfg)} }

// Import gives findings to Security Hub, and sets the workflow of those that say one. Doing it again changes nothing.
func (c *Client) Import(ctx context.Context, p event.Place, all []finding.Finding) error {
	for part := range slices.Chunk(all, maxFindings) {
		if err := c.put(ctx, p, part); err != nil {
			return err
		}
	}
	for _, w := range []finding.Workflow{finding.New, finding.Resolved, finding.Suppressed} {
		ids := []types.AwsSecurityFindingIdentifier{}
		for _, f := range all {
			if f.Workflow == w {
				ids = append(ids, types.AwsSecurityFindingIdentifier{Id: aws.String(f.ID), ProductArn: aws.String(product(p))})
			}
		}
		for part := range slices.Chunk(ids, maxFindings) {
			if err := c.work(ctx, w, part); err != nil {
				return err
			}
		}
	}
	return nil
}

// product is the ARN of the product that every account has for findings of its own.
func product(p event.Place) string {
	return "arn:" + p.Partition + ":securityhub:" + p.Region + ":" + p.Account + ":product/" + p.Account + "/default"
}

func (c *Client) put(ctx context.Context, p event.Place, all []finding.Finding) error {
	in := &securityhub.BatchImportFindingsInput{}
	for _, f := range all {
		in.Findings = append(in.Findings, written(p, f))
	}
	out, err := c.api.BatchImportFindings(ctx, in)
	if err != nil {
		return awsconf.Wrap(err, "importing findings")
	}
	if n := len(out.FailedFindings); n > 0 || aws.ToInt32(out.FailedCount) > 0 {
		code := "no reason"
		if n > 0 {
			code = aws.ToString(out.FailedFindings[0].ErrorCode)
		}
		return fault.New(awsconf.Kind(code), "importing findings: %s for %d of %d", code, aws.ToInt32(out.FailedCount), len(all))
	}
	return nil
}

func (c *Client) work(ctx context.Context, w finding.Workflow, ids []types.AwsSecurityFindingIdentifier) error {
	out, err := c.api.BatchUpdateFindings(ctx, &securityhub.BatchUpdateFindingsInput{
		FindingIdentifiers: ids, Workflow: &types.WorkflowUpdate{Status: types.WorkflowStatus(w)},
	})
	if err != nil {
		return awsconf.Wrap(err, "setting the workflow of findings")
	}
	if n := len(out.UnprocessedFindings); n > 0 { // Security Hub shows a new finding a moment later
		code := aws.ToString(out.UnprocessedFindings[0].ErrorCode)
		return fault.New(fault.Transient, "setting the workflow of findings: %s for %d of %d", code, n, len(ids))
	}
	return nil
}

// written is a finding in Security Hub's format
// (docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format.html).
func written(p event.Place, f finding.Finding) types.AwsSecurityFinding {
	state, severity := types.RecordStateActive, types.SeverityLabelHigh
	if f.Archived {
		state = types.RecordStateArchived
	}
	switch f.Status {
	case finding.Passed:
		severity = types.SeverityLabelInformational
	case finding.Unknown:
		severity = types.SeverityLabelLow
	}
	kind := "AwsEc2Instance"
	if f.Machine[:min(len(f.Machine), 2)] != "i-" {
		kind = "Other"
	}
	w := types.AwsSecurityFinding{
		SchemaVersion: aws.String("2018-10-08"), Id: aws.String(f.ID), ProductArn: aws.String(product(p)), GeneratorId: aws.String("keyward/" + f.Policy + "/" + f.Rule),
		AwsAccountId: aws.String(p.Account), CompanyName: aws.String("Keyward"), ProductName: aws.String("Keyward"),
		Types:     []string{"Software and Configuration Checks/Host Integrity"},
		CreatedAt: stamp(f.Created), UpdatedAt: stamp(f.Updated), Title: aws.String(f.Title), Description: aws.String(f.Description),
		Severity: &types.Severity{Label: severity}, Compliance: &types.Compliance{Status: types.ComplianceStatus(f.Status)}, RecordState: state,
		Resources:     []types.Resource{{Type: aws.String(kind), Id: aws.String(event.ResourceOf(p, f.Machine)), Partition: types.Partition(p.Partition), Region: aws.String(p.Region)}},
		ProductFields: map[string]string{"keyward/machine": f.Machine, "keyward/policy": f.Policy, "keyward/rule": f.Rule},
	}
	if f.Fix != "" {
		w.Remediation = &types.Remediation{Recommendation: &types.Recommendation{Text: aws.String(f.Fix)}}
	}
	return w
}

func stamp(t time.Time) *string { return aws.String(t.UTC().Format("2006-01-02T15:04:05.000Z")) }
