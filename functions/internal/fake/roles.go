package fake

import "context"

// OnlyEC2 and OnlySSM are trust policies of roles that nobody else may assume.
const (
	OnlyEC2 = `{"Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	OnlySSM = `{"Statement":[{"Effect":"Allow","Principal":{"Service":"ssm.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
)

// Roles is what IAM says of every role and profile, and SSM of every hybrid node.
type Roles struct {
	*Calls
	Own    string // the role of every profile and node
	Policy string // the trust policy of every role
}

// Trust is iamrole's.
func (r *Roles) Trust(_ context.Context, role string) (string, error) {
	return unless(r.call("iam.Trust", role), r.Policy)
}

// ProfileRole is iamrole's.
func (r *Roles) ProfileRole(_ context.Context, profile string) (string, error) {
	return unless(r.call("iam.ProfileRole", profile), r.Own)
}

// NodeRole is ssmrun's.
func (r *Roles) NodeRole(_ context.Context, node string) (string, error) {
	return unless(r.call("ssm.NodeRole", node), r.Own)
}
