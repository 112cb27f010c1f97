package world

import (
	"context"
	"strings"

	"github.com/keyward/keyward/shared/fault"
)

// Roles is what IAM says of the guests' roles: EC2 alone may assume them.
type Roles struct{ w *World }

// Trust is iamrole's.
func (r *Roles) Trust(context.Context, string) (string, error) {
	const document = `{"Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	return document, r.w.call("iam", "GetRole", func() error { return nil })
}

// ProfileRole is iamrole's.
func (r *Roles) ProfileRole(_ context.Context, profile string) (role string, err error) {
	err = r.w.call("iam", "GetInstanceProfile", func() error {
		role = profile[strings.LastIndexByte(profile, '/')+1:]
		return nil
	})
	return role, err
}

// NodeRole is ssmrun's. There are no hybrid nodes in the simulation.
func (r *Roles) NodeRole(_ context.Context, node string) (string, error) {
	return "", r.w.call("ssm", "DescribeInstanceInformation", func() error {
		return fault.New(fault.NotFound, "asking for a node's role: SSM does not know %s", node)
	})
}

// profileOf is the ARN of the instance profile with the role of a session.
func profileOf(session string) string {
	_, rest, _ := strings.Cut(session, ":assumed-role/")
	role, _, _ := strings.Cut(rest, "/")
	return "arn:aws:iam::" + Account + ":instance-profile/" + role
}
