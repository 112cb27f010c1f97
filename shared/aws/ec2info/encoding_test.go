package ec2info

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/keyward/keyward/shared/evidence"
)

// What is not base64 is none that EC2 ever sent.
func TestUserDataThatIsNotBase64(t *testing.T) {
	t.Parallel()
	if u := userData(&types.AttributeValue{Value: aws.String("###")}); u.SHA256.Why != evidence.WhyParse || u.Bytes.Known {
		t.Errorf("userData = %+v, want unknown", u)
	}
	if u := userData(nil); u.SHA256 != evidence.Known(evidence.NoUserData) {
		t.Errorf("userData of nothing = %+v, want none", u)
	}
}
