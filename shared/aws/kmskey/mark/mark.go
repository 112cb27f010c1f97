// Package mark makes a key one that Keyward may act on, and looks at it before, as the person who decides so. Only the
// command line may import it, for `keyward key guard`; a test holds that. No function of the stack may tag keys.
package mark

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

// Nature is what never changes of a key, or only with its copies.
type Nature struct {
	Fit      bool     // a customer's symmetric key for encryption: one that data keys are made of
	Imported bool     // its material is not KMS's own
	Copies   []string // other Regions with a key of the same material
}

// Nature reads it, by ARN, id or alias.
func (c *Client) Nature(ctx context.Context, key string) (Nature, error) {
	out, err := c.api.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &key})
	if err != nil {
		return Nature{}, awsconf.Wrap(err, "describing key")
	}
	m := out.KeyMetadata
	n := Nature{
		Fit:      m.KeyManager == types.KeyManagerTypeCustomer && m.KeySpec == types.KeySpecSymmetricDefault && m.KeyUsage == types.KeyUsageTypeEncryptDecrypt,
		Imported: m.Origin != types.OriginTypeAwsKms,
	}
	if multi := m.MultiRegionConfiguration; multi != nil {
		primary := types.MultiRegionKey{}
		if multi.PrimaryKey != nil {
			primary = *multi.PrimaryKey
		}
		for _, k := range append([]types.MultiRegionKey{primary}, multi.ReplicaKeys...) {
			if k.Arn != nil && aws.ToString(k.Arn) != aws.ToString(m.Arn) {
				n.Copies = append(n.Copies, aws.ToString(k.Region))
			}
		}
	}
	return n, nil
}

// Guard tags a key, by ARN, as one that Keyward may act on.
func (c *Client) Guard(ctx context.Context, key string) error {
	_, err := c.api.TagResource(ctx, &kms.TagResourceInput{
		KeyId: &key, Tags: []types.Tag{{TagKey: aws.String(kmskey.GuardedTag), TagValue: aws.String("true")}},
	})
	return awsconf.Wrap(err, "tagging key")
}
