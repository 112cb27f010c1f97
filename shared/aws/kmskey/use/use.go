// Package use tries a key, as its machine would. Only functions/drill may import it; a test holds that, and
// IAM lets it try the drill's key alone. It never sees plaintext.
package use

import (
	"context"
	"errors"

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

// Use has KMS make a data key of a machine, of which nothing is kept. Disabled is true when KMS says that
// the key is disabled, which is no error here; every other refusal proves nothing and is an error.
func (c *Client) Use(ctx context.Context, key, machine string) (disabled bool, err error) {
	_, err = c.api.GenerateDataKeyWithoutPlaintext(ctx, &kms.GenerateDataKeyWithoutPlaintextInput{
		KeyId: &key, KeySpec: types.DataKeySpecAes256, EncryptionContext: map[string]string{kmskey.ContextKey: machine},
	})
	var refused *types.DisabledException
	if errors.As(err, &refused) {
		return true, nil
	}
	return false, awsconf.Wrap(err, "trying key")
}
