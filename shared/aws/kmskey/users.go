package kmskey

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/guard"
)

// Users lists who may use a key, by ARN or id: all its grants, its policy and its aliases, each whole, or
// an error. That the last use cannot be read is none: it is a sign and decides nothing.
func (c *Client) Users(ctx context.Context, key string) (guard.Around, error) {
	var a guard.Around
	grants, err := c.Grants(ctx, key, "")
	if err != nil {
		return a, err
	}
	for _, g := range grants {
		a.Grants = append(a.Grants, guard.KeyGrant{ID: g.ID, Name: g.Name, Grantee: g.Grantee, Operations: g.Operations})
	}
	if a.Policy, err = c.KeyPolicy(ctx, key); err != nil {
		return a, err
	}
	if a.Aliases, err = c.aliases(ctx, key); err != nil {
		return a, err
	}
	a.LastUse = c.lastUse(ctx, key)
	return a, nil
}

// KeyPolicy reads a key's policy document, by ARN or id.
func (c *Client) KeyPolicy(ctx context.Context, key string) (string, error) {
	out, err := c.api.GetKeyPolicy(ctx, &kms.GetKeyPolicyInput{KeyId: &key})
	if err != nil {
		return "", awsconf.Wrap(err, "reading key policy")
	}
	return aws.ToString(out.Policy), nil
}

func (c *Client) aliases(ctx context.Context, key string) ([]string, error) {
	pages := kms.NewListAliasesPaginator(c.api, &kms.ListAliasesInput{KeyId: &key, Limit: aws.Int32(100)})
	var all []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, awsconf.Wrap(err, "listing aliases")
		}
		for _, a := range page.Aliases {
			all = append(all, aws.ToString(a.AliasName))
		}
	}
	return all, nil
}

// lastUse is the zero Use when KMS does not say: GetKeyLastUsage is new and has 5 calls a second.
func (c *Client) lastUse(ctx context.Context, key string) guard.Use {
	out, err := c.api.GetKeyLastUsage(ctx, &kms.GetKeyLastUsageInput{KeyId: &key})
	if err != nil {
		return guard.Use{}
	}
	u := guard.Use{Known: true}
	if last := out.KeyLastUsage; last != nil {
		u.Operation, u.At, u.Event = string(last.Operation), aws.ToTime(last.Timestamp), aws.ToString(last.CloudTrailEventId)
	}
	return u
}
