package local

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/keyward/keyward/local/iam/needs"
	"github.com/keyward/keyward/local/iam/permission"
	"github.com/keyward/keyward/local/stack"
	"github.com/keyward/keyward/local/wire"
)

// Use is a permission of the template that a call needed and had.
type Use struct {
	Role   string `json:"role"` // logical id
	Sid    string `json:"sid"`
	Action string `json:"action"`
}

// permissions are what the template's roles may do, and what they did. They are KMS's Identity too.
type permissions struct {
	roles map[string]stack.Role // by ARN
	facts needs.Facts

	mu   sync.Mutex
	used map[Use]int
}

func (s *Server) newPermissions() *permissions {
	a := &permissions{roles: map[string]stack.Role{}, used: map[Use]int{}, facts: needs.Facts{
		Account: s.stack.Account, Region: s.stack.Region,
		Instance: func(id string) (map[string]string, map[string]map[string]string) {
			m, _ := s.services.ec2.Machine(id)
			volumes := map[string]map[string]string{}
			for _, v := range m.Volumes {
				volumes[v.ID] = v.Tags
			}
			return m.Tags, volumes
		},
		Node: func(id string) map[string]string {
			n, _ := s.services.ssm.Node(id)
			return n.Tags
		},
	}}
	for _, r := range s.stack.Roles {
		a.roles[r.ARN] = r
	}
	return a
}

// Decide is what the policies of a caller say. The operator and services may do everything; a machine has what keys give
// it, and which policies its role has is not modelled.
func (a *permissions) Decide(p wire.Principal, r permission.Request) permission.Decision {
	switch p.Kind {
	case wire.Operator, wire.Internal:
		return permission.Decision{Allowed: true}
	case wire.Function:
		return a.role(p.RoleARN(), r)
	}
	return permission.Decision{}
}

// role is what the policies of a role of the template say.
func (a *permissions) role(arn string, r permission.Request) permission.Decision {
	role := a.roles[arn]
	d := role.Policy.Decide(r)
	if d.Allowed {
		a.mu.Lock()
		a.used[Use{Role: role.LogicalID, Sid: d.Sid, Action: r.Action}]++
		a.mu.Unlock()
	}
	return d
}

// authorize is the wire's: it refuses a call of a function that its role does not allow.
func (a *permissions) authorize(r *wire.Request) error {
	if r.Caller.Kind != wire.Function {
		return nil
	}
	all, err := a.facts.Of(r)
	if err != nil {
		return err
	}
	for _, one := range all {
		if d := a.Decide(r.Caller, one); !d.Allowed {
			return needs.Refusal(r, one, d)
		}
	}
	return nil
}

// session is what a service does as a role: it refuses what the role does not allow.
func (a *permissions) session(role, session, service, action, resource string) error {
	caller := wire.Principal{Kind: wire.Function, Account: a.facts.Account, ARN: sessionARN(a.facts.Account, role[strings.LastIndex(role, "/")+1:], session)}
	c := permission.Context{}
	c.Set("aws:PrincipalArn", role)
	c.Set("aws:PrincipalAccount", a.facts.Account)
	asked := permission.Request{Action: action, Resource: resource, Context: c}
	if d := a.role(role, asked); !d.Allowed {
		return needs.Refusal(&wire.Request{Service: service, Caller: caller, Region: a.facts.Region}, asked, d)
	}
	return nil
}

// mayRead says whether the role of a mapped function may do what Lambda does with it: AWS asks that when a mapping is made.
func (s *Server) mayRead(m stack.Mapping) error {
	at := slices.IndexFunc(s.stack.Functions, func(f stack.Function) bool { return m.Function == f.Name || m.Function == f.ARN })
	if at < 0 {
		return fmt.Errorf("there is no function %s", m.Function)
	}
	role := s.stack.Functions[at].Role.ARN
	for _, action := range []string{"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"} {
		if err := s.permissions.session(role, "lambda", "dynamodb", action, m.Source); err != nil {
			return fmt.Errorf("cannot access stream %s; please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, and ListStreams actions: %w", m.Source, err)
		}
	}
	if m.Failed == "" {
		return nil
	}
	return s.permissions.session(role, "lambda", "sqs", "sqs:SendMessage", m.Failed)
}

// Used are the permissions of the template that calls needed and had since the start.
func (s *Server) Used() []Use {
	a := s.permissions
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []Use
	for u := range a.used {
		all = append(all, u)
	}
	slices.SortFunc(all, func(a, b Use) int {
		return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Sid, b.Sid), cmp.Compare(a.Action, b.Action))
	})
	return all
}
