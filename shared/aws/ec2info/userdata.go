package ec2info

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/fault"
)

// UserData reads what each machine is started with, one call a machine, and keeps of it how long it is and its digest. An
// instance that EC2 does not know any more, and a hybrid node, are not there.
func (c *Client) UserData(ctx context.Context, machines []string) (map[string]evidence.UserData, error) {
	found := map[string]evidence.UserData{}
	for _, id := range machines {
		if strings.HasPrefix(id, "mi-") {
			continue
		}
		out, err := c.api.DescribeInstanceAttribute(ctx, &ec2.DescribeInstanceAttributeInput{
			InstanceId: aws.String(id), Attribute: types.InstanceAttributeNameUserData,
		})
		err = awsconf.Wrap(err, "asking EC2 for user data")
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found[id] = userData(out.UserData)
	}
	return found, nil
}

func userData(v *types.AttributeValue) evidence.UserData {
	u := evidence.UnknownUserData(evidence.WhyNotCollected)
	if v == nil || aws.ToString(v.Value) == "" {
		u.SHA256, u.Bytes = evidence.Known(evidence.NoUserData), evidence.Known(0)
		return u
	}
	text, err := base64.StdEncoding.DecodeString(*v.Value)
	if err != nil {
		return evidence.UnknownUserData(evidence.WhyParse)
	}
	sum := sha256.Sum256(text)
	u.SHA256, u.Bytes = evidence.Known(hex.EncodeToString(sum[:])), evidence.Known(len(text))
	return u
}
