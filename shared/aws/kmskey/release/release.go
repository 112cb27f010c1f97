// Package release holds the two calls that give a machine access to its key. functions/request and
// functions/restore import it, nobody else; a test holds that.
package release

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/aws/kmskey"
)

// Client talks to KMS.
type Client struct{ api *kms.Client }

// New returns a client.
func New(cfg aws.Config) *Client { return &Client{api: kms.NewFromConfig(cfg)} }

// Grant gives a machine's session Decrypt and GenerateDataKey under its own encryption context.
func (c *Client) Grant(ctx context.Context, key, machine, session string, generation int64) (kmskey.Granted, error) {
	name := kmskey.GrantName(machine, generation)
	out, err := c.api.CreateGrant(ctx, &kms.CreateGrantInput{
		KeyId: &key, GranteePrincipal: &session, Name: &name,
		Operations:  []types.GrantOperation{types.GrantOperationDecrypt, types.GrantOperationGenerateDataKey},
		Constraints: &types.GrantConstraints{EncryptionContextSubset: map[string]string{kmskey.ContextKey: machine}},
	})
	if err != nil {
		return kmskey.Granted{}, awsconf.Wrap(err, "creating grant")
	}
	return kmskey.Granted{ID: aws.ToString(out.GrantId), Token: aws.ToString(out.GrantToken)}, nil
}

// EnableKey enables a key. KMS accepts it for a key that is enabled already.
func (c *Client) EnableKey(ctx context.Context, key string) error {
	_, err := c.api.EnableKey(ctx, &kms.EnableKeyInput{KeyId: &key})
	return awsconf.Wrap(err, "enabling key")
}
