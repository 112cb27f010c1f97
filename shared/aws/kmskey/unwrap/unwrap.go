// Package unwrap decrypts a machine's data key, as the machine itself. Only the command line may import it,
// for `keyward unlock`; a test holds that. No function of the stack can see plaintext.
package unwrap

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/keyward/keyward/shared/aws/awsconf"
)

// Client talks to KMS.
type Client struct{ api *kms.Client }

// New returns a client.
func New(cfg aws.Config) *Client { return &Client{api: kms.NewFromConfig(cfg)} }

// Unwrap is the plaintext of a data key that key encrypted under the encryption context. The grant token makes
// a grant usable that has not reached every part of KMS; it may be empty. Whoever calls clears the plaintext.
func (c *Client) Unwrap(ctx context.Context, key string, blob []byte, under map[string]string, token string) ([]byte, error) {
	in := &kms.DecryptInput{KeyId: &key, CiphertextBlob: blob, EncryptionContext: under}
	if token != "" {
		in.GrantTokens = []string{token}
	}
	out, err := c.api.Decrypt(ctx, in)
	if err != nil {
		return nil, awsconf.Wrap(err, "unwrapping the volume's key")
	}
	return out.Plaintext, nil
}
