// Package iam is the part of IAM of keyward local that says who may be a machine: roles with their trust policies, and
// instance profiles. They belong to the machines of the inventory; a person can change a trust policy, and nothing else. What
// policies say, the packages below judge: needs and permission. It is called through local/wire.
package iam

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/keyward/keyward/local/wire"
)

// Config is what an IAM needs.
type Config struct {
	Account string
	Now     func() time.Time // virtual time
}

// Role is one role. The profile of a role that EC2 may assume has its name.
type Role struct {
	Name    string    `json:"name"`
	Service string    `json:"service"` // that its machines get it from: ec2.amazonaws.com or ssm.amazonaws.com
	Trust   string    `json:"trust"`   // its trust policy
	Made    time.Time `json:"made"`
}

// IAM holds the roles. Safe for use from several goroutines.
type IAM struct {
	config Config

	mu    sync.Mutex
	roles map[string]*Role // by name in lower case: IAM's names differ by more than case
}

// New returns an IAM without roles.
func New(c Config) *IAM { return &IAM{config: c, roles: map[string]*Role{}} }

const ec2 = "ec2.amazonaws.com"

// Provide makes a role that one service may assume, unless there is one of its name.
func (i *IAM) Provide(name, service string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.roles[strings.ToLower(name)] != nil {
		return
	}
	i.roles[strings.ToLower(name)] = &Role{Name: name, Service: service, Made: i.config.Now(), Trust: fmt.Sprintf(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":%q},"Action":"sts:AssumeRole"}]}`, service)}
}

// Service is IAM on the wire.
func (i *IAM) Service() wire.Service {
	return wire.Service{Name: "iam", Protocol: wire.Query, Version: "2010-05-08", Operations: map[string]wire.Operation{
		"GetRole":                operation(i, i.getRole),
		"GetInstanceProfile":     operation(i, i.getInstanceProfile),
		"UpdateAssumeRolePolicy": operation(i, i.updateAssumeRolePolicy),
	}}
}

// operation decodes the input and holds the lock. A machine's role has no rights in IAM here.
func operation[In any](i *IAM, run func(In) (any, error)) wire.Operation {
	return func(_ context.Context, r *wire.Request) (any, error) {
		if r.Caller.Kind == wire.Machine || r.Caller.Kind == "" {
			return nil, &wire.Error{Code: "AccessDenied", Status: http.StatusForbidden, Message: fmt.Sprintf(
				"User: %s is not authorized to perform: iam:%s because no identity-based policy allows the iam:%s action", r.Caller.ARN, r.Operation, r.Operation)}
		}
		in, err := wire.Decode[In](r)
		if err != nil {
			return nil, err
		}
		i.mu.Lock()
		defer i.mu.Unlock()
		return run(in)
	}
}

// role is the answer's.
type role struct {
	Path, RoleName, RoleId, Arn, CreateDate string
	AssumeRolePolicyDocument                string // percent-encoded, as IAM does
	MaxSessionDuration                      int
}

func (i *IAM) describe(r *Role) role {
	return role{
		Path: "/", RoleName: r.Name, RoleId: id("AROA", r.Name), Arn: "arn:aws:iam::" + i.config.Account + ":role/" + r.Name,
		CreateDate: stamp(r.Made), AssumeRolePolicyDocument: strings.ReplaceAll(url.QueryEscape(r.Trust), "+", "%20"), MaxSessionDuration: 3600,
	}
}

func (i *IAM) getRole(in struct{ RoleName string }) (any, error) {
	r, err := i.named("role", in.RoleName)
	if err != nil {
		return nil, err
	}
	return struct{ Role role }{i.describe(r)}, nil
}

type profile struct {
	Path, InstanceProfileName, InstanceProfileId, Arn, CreateDate string
	Roles                                                         []role `xml:"Roles>member"`
}

func (i *IAM) getInstanceProfile(in struct{ InstanceProfileName string }) (any, error) {
	r, err := i.named("instance profile", in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	return struct{ InstanceProfile profile }{profile{
		Path: "/", InstanceProfileName: r.Name, InstanceProfileId: id("AIPA", r.Name),
		Arn: "arn:aws:iam::" + i.config.Account + ":instance-profile/" + r.Name, CreateDate: stamp(r.Made), Roles: []role{i.describe(r)},
	}}, nil
}

func (i *IAM) updateAssumeRolePolicy(in struct{ RoleName, PolicyDocument string }) (any, error) {
	r, err := i.named("role", in.RoleName)
	if err != nil {
		return nil, err
	}
	var policy struct{ Statement json.RawMessage }
	if json.Unmarshal([]byte(in.PolicyDocument), &policy) != nil || policy.Statement == nil {
		return nil, &wire.Error{Code: "MalformedPolicyDocument", Message: "Syntax errors in policy."}
	}
	r.Trust = in.PolicyDocument
	return nil, nil
}

// named is the role of that name, whose profile may be asked for too.
func (i *IAM) named(kind, name string) (*Role, error) {
	r := i.roles[strings.ToLower(name)]
	switch {
	case name == "":
		return nil, &wire.Error{Code: "ValidationError", Message: "1 validation error detected: Value at 'name' failed to satisfy constraint: Member must not be null"}
	case r != nil && (kind == "role" || r.Service == ec2):
		return r, nil
	case kind == "role":
		return nil, &wire.Error{Code: "NoSuchEntity", Status: http.StatusNotFound, Message: fmt.Sprintf("The role with name %s cannot be found.", name)}
	}
	return nil, &wire.Error{Code: "NoSuchEntity", Status: http.StatusNotFound, Message: fmt.Sprintf("Instance Profile %s cannot be found.", name)}
}

// id is an identifier in IAM's form that belongs to a name.
func id(prefix, name string) string {
	sum := sha256.Sum256([]byte(prefix + strings.ToLower(name)))
	return prefix + base32.StdEncoding.EncodeToString(sum[:])[:17]
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// Save is the roles.
func (i *IAM) Save() (json.RawMessage, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return json.Marshal(i.roles)
}

// Load puts back what Save gave; a state that does not read whole changes nothing.
func (i *IAM) Load(state json.RawMessage) error {
	roles := map[string]*Role{}
	if err := json.Unmarshal(state, &roles); err != nil {
		return fmt.Errorf("reading the saved roles: %w", err)
	}
	for name, r := range roles {
		if r == nil || strings.ToLower(r.Name) != name {
			return fmt.Errorf("reading the saved role %q: it has another name", name)
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.roles = roles
	return nil
}
