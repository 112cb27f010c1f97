// Package kmskey reads KMS keys: state, tags and grants. It can change nothing; the calls that do are
// in kmskey/revoke and kmskey/release, so that a program shows by its imports what it may do.
package kmskey

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/drill"
)

// GuardedTag on a key, with the value "true", lets Keyward act on it.
const GuardedTag = "keyward:guarded"

// ContextKey is the encryption context that every data key of a machine carries, with its id.
const ContextKey = "keyward:machine"

// Client talks to KMS.
type Client struct{ api *kms.Client }

// New returns a client.
func New(cfg aws.Config) *Client { return &Client{api: kms.NewFromConfig(cfg)} }

// Key is what KMS says about one key.
type Key struct {
	ARN     string
	State   string // Enabled, Disabled, PendingDeletion, …
	Enabled bool
	Guarded bool
	Drill   bool // it is the fire drill's, and no machine's
}

// Key reads one key, by ARN, id or alias.
func (c *Client) Key(ctx context.Context, id string) (Key, error) {
	out, err := c.api.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &id})
	if err != nil {
		return Key{}, awsconf.Wrap(err, "describing key")
	}
	k := Key{
		ARN: aws.ToString(out.KeyMetadata.Arn), State: string(out.KeyMetadata.KeyState), Enabled: out.KeyMetadata.Enabled,
	}
	tags, err := c.api.ListResourceTags(ctx, &kms.ListResourceTagsInput{KeyId: &k.ARN})
	if err != nil {
		return Key{}, awsconf.Wrap(err, "reading tags of key")
	}
	for _, t := range tags.Tags {
		switch aws.ToString(t.TagKey) {
		case GuardedTag:
			k.Guarded = aws.ToString(t.TagValue) == "true"
		case drill.Tag:
			k.Drill = aws.ToString(t.TagValue) == "true"
		}
	}
	return k, nil
}

// GrantName is the name of a machine's grant; KMS returns the same grant for the same name and terms,
// so that a repeated call makes no second one.
func GrantName(machine string, generation int64) string {
	return fmt.Sprintf("%s%d", grantPrefix(machine), generation)
}

func grantPrefix(machine string) string { return "keyward-" + machine + "-" }

// Ours says whether Keyward made the grant for this machine.
func (g Grant) Ours(machine string) bool { return strings.HasPrefix(g.Name, grantPrefix(machine)) }

// Grant is one grant on a key.
type Grant struct {
	ID         string
	Name       string
	Grantee    string
	Operations []string
}

// Grants lists all grants on a key, or those of one grantee.
func (c *Client) Grants(ctx context.Context, key, grantee string) ([]Grant, error) {
	in := &kms.ListGrantsInput{KeyId: &key, Limit: aws.Int32(100)}
	if grantee != "" {
		in.GranteePrincipal = &grantee
	}
	pages := kms.NewListGrantsPaginator(c.api, in)
	var all []Grant
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, awsconf.Wrap(err, "listing grants")
		}
		for _, g := range page.Grants {
			all = append(all, grant(g))
		}
	}
	return all, nil
}

func grant(g types.GrantListEntry) Grant {
	v := Grant{ID: aws.ToString(g.GrantId), Name: aws.ToString(g.Name), Grantee: aws.ToString(g.GranteePrincipal)}
	for _, o := range g.Operations {
		v.Operations = append(v.Operations, string(o))
	}
	return v
}

// Granted is a grant that was made. The token lets the grantee use it at once, before it has reached
// every part of KMS.
type Granted struct {
	ID    string
	Token string
}
