// Package wrap has KMS make a data key of a machine, as the person or the machine that prepares a volume. Only the
// command line may import it, for `keyward volume enrol`; a test holds that. No function of the stack can see plaintext.
package wrap

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

// DataKey is 32 bytes and what KMS made of them under a key, by ARN, id or alias, and the machine's encryption
// context. Whoever calls clears the plaintext.
func (c *Client) DataKey(ctx context.Context, key, machine string) (plaintext, blob []byte, err error) {
	out, err := c.api.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{
		KeyId: &key, KeySpec: types.DataKeySpecAes256, EncryptionContext: map[string]string{kmskey.ContextKey: machine},
	})
	if err != nil {
		return nil, nil, awsconf.Wrap(err, "making the volume's key")
	}
	return out.Plaintext, out.CiphertextBlob, nil
}
