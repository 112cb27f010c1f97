package ec2

import (
	"encoding/base64"

	"github.com/keyward/keyward/local/wire"
)

// describeInstanceAttribute answers for user data alone. An instance without any has an empty element, as EC2 says it.
func (e *EC2) describeInstanceAttribute(in struct{ InstanceId, Attribute string }) (any, error) {
	picked, err := e.pick([]string{in.InstanceId}, nil)
	if err != nil {
		return nil, err
	}
	if in.Attribute != "userData" {
		return nil, wire.Unimplemented("the attribute %q of ec2.DescribeInstanceAttribute", in.Attribute)
	}
	var out struct {
		InstanceID string `xml:"instanceId"`
		UserData   struct {
			Value string `xml:"value,omitempty"`
		} `xml:"userData"`
	}
	out.InstanceID = in.InstanceId
	out.UserData.Value = base64.StdEncoding.EncodeToString([]byte(picked[0].UserData))
	return out, nil
}
