package awstest

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyward/keyward/local/kms"
)

// OtherSession is the session of the machine Other.
const OtherSession = "arn:aws:sts::123456789012:assumed-role/web/" + Other

// KMS registers KMS and returns a client of it.
func (p *Place) KMS() *sdk.Client {
	p.t.Helper()
	p.Register(kms.New(kms.Config{Account: Account, Region: Region, Now: p.Clock.Now}).Service())
	return sdk.NewFromConfig(p.Config)
}

// Key makes a key with these tags, name and value in turn, and returns its ARN.
func (p *Place) Key(tags ...string) string {
	p.t.Helper()
	in := &sdk.CreateKeyInput{}
	for i := 0; i+1 < len(tags); i += 2 {
		in.Tags = append(in.Tags, types.Tag{TagKey: &tags[i], TagValue: &tags[i+1]})
	}
	out, err := sdk.NewFromConfig(p.Config).CreateKey(p.t.Context(), in)
	if err != nil {
		p.t.Fatal(err)
	}
	p.Calls()
	return aws.ToString(out.KeyMetadata.Arn)
}
