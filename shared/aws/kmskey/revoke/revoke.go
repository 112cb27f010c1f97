// Package revoke holds the two calls that take a key away from a machine. Only functions/revoke may
// import it; a test holds that. Both are harmless to repeat: what is done already is success.
package revoke

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/fault"
)

// Client talks to KMS.
type Client struct{ api *kms.Client }

// New returns a client.
func New(cfg aws.Config) *Client { return &Client{api: kms.NewFromConfig(cfg)} }

// DisableKey disables a key. KMS accepts it for a key that is disabled already.
func (c *Client) DisableKey(ctx context.Context, key string) error {
	_, err := c.api.DisableKey(ctx, &kms.DisableKeyInput{KeyId: &key})
	return awsconf.Wrap(err, "disabling key")
}

// RevokeGrant removes one grant. A grant that is gone already is success.
func (c *Client) RevokeGrant(ctx context.Context, key, grant string) error {
	_, err := c.api.RevokeGrant(ctx, &kms.RevokeGrantInput{KeyId: &key, GrantId: &grant})
	if err = awsconf.Wrap(err, "revoking grant"); fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}
