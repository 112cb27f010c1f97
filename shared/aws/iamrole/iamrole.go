// Package iamrole asks IAM who may be a machine: the role of an instance profile, and a role's trust policy. It keeps
// nothing: each answer is what IAM says now.
package iamrole

import (
	"context"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/fault"
)

// Client talks to IAM.
type Client struct{ api *iam.Client }

// New returns a client.
func New(cfg aws.Config) *Client { return &Client{api: iam.NewFromConfig(cfg)} }

// Trust is the trust policy of a role, as JSON.
func (c *Client) Trust(ctx context.Context, role string) (string, error) {
	out, err := c.api.GetRole(ctx, &iam.GetRoleInput{RoleName: &role})
	if err != nil {
		return "", awsconf.Wrap(err, "asking IAM for a role")
	}
	if out.Role == nil {
		return "", fault.New(fault.Transient, "asking IAM for a role: the answer has none")
	}
	// IAM encodes it after RFC 3986 (API reference, GetRole), where + stands for itself.
	document, err := url.PathUnescape(aws.ToString(out.Role.AssumeRolePolicyDocument))
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "reading a trust policy: it is not percent-encoded")
	}
	return document, nil
}

// ProfileRole is the name of the role in an instance profile, which EC2 names by its ARN. A profile has at most one role
// ("IAM and AWS STS quotas"); one that has none, or is gone, is fault.NotFound.
func (c *Client) ProfileRole(ctx context.Context, profile string) (string, error) {
	name := profile[strings.LastIndexByte(profile, '/')+1:]
	out, err := c.api.GetInstanceProfile(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: &name})
	if err != nil {
		return "", awsconf.Wrap(err, "asking IAM for an instance profile")
	}
	if p := out.InstanceProfile; p != nil && aws.ToString(p.Arn) == profile && len(p.Roles) == 1 {
		return aws.ToString(p.Roles[0].RoleName), nil
	}
	return "", fault.New(fault.NotFound, "asking IAM for an instance profile: it is another one, or has no role")
}
