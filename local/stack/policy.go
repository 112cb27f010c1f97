package stack

import (
	"slices"

	"github.com/keyward/keyward/local/iam/permission"
)

// Role is an IAM role with what its policies say, those that are attached too.
type Role struct {
	Named
	Policy permission.Policy
}

// CallPolicy is a managed policy that allows calls of HTTP APIs.
type CallPolicy struct {
	Named
	Policy permission.Policy
}

// Allows is whether the policy allows a call of an API's route, by the ARN
// arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/PATH.
func (p CallPolicy) Allows(arn string) bool {
	return p.Policy.Decide(permission.Request{Action: invokeAPI, Resource: arn}).Allowed
}

const invokeAPI = "execute-api:Invoke"

// attachment is a managed policy of the template that a role names.
type attachment struct {
	role, policy string // logical ids
	line         int
	path         string
}

// own makes the role that SAM makes for a function, a state machine or a schedule.
func (r *reader) own(id string, policy permission.Policy) Role {
	role := Role{Named: Named{LogicalID: id, Name: id, ARN: "arn:aws:iam::" + r.options.Account + ":role/" + id}, Policy: policy}
	r.stack.Roles = append(r.stack.Roles, role)
	return role
}

// policies reads SAM's Policies of a function or a state machine for a role: inline ones, and those of the template.
func (r *reader) policies(role string, p *properties) permission.Policy {
	n := p.take("Policies")
	if n == nil {
		return nil
	}
	items := []*node{n}
	if n.kind == sequence {
		items = n.items
	}
	var all permission.Policy
	for _, item := range items {
		if item.kind == mapping {
			all = append(all, r.statements(r.properties(p.path+".Policies", item))...)
		} else {
			r.attach(role, p.path+".Policies", item)
		}
	}
	return all
}

// attach notes that a role has a managed policy, which may stand further down.
func (r *reader) attach(role, path string, n *node) {
	if n.kind != intrinsic || n.tag != "Ref" || n.items[0].kind != scalar {
		r.problem(n.line, path, "keyward local carries the Ref of a managed policy of the template, and statements")
		return
	}
	r.attachments = append(r.attachments, attachment{role: role, policy: n.items[0].text, line: n.line, path: path})
}

// attachPolicies gives the noted policies to their roles.
func (r *reader) attachPolicies() {
	for _, a := range r.attachments {
		policy, there := r.managed[a.policy]
		if !there {
			r.problem(a.line, a.path, "there is no managed policy %s", a.policy)
		}
		for i := range r.stack.Roles {
			if r.stack.Roles[i].LogicalID == a.role {
				r.stack.Roles[i].Policy = append(r.stack.Roles[i].Policy, policy...)
			}
		}
	}
}

// role reads a role. Who may assume it is not judged: nothing here assumes a role that the template does not give it.
func (r *reader) role(id string, p *properties) {
	role := Role{Named: r.named(id)}
	for _, inline := range p.list("Policies") {
		inline.ignore("PolicyName")
		role.Policy = append(role.Policy, r.statements(inline.sub("PolicyDocument"))...)
		inline.end()
	}
	if n := p.take("ManagedPolicyArns"); n != nil {
		for _, item := range n.items {
			r.attach(id, p.path+".ManagedPolicyArns", item)
		}
	}
	r.stack.Roles = append(r.stack.Roles, role)
}

// managedPolicy keeps what a policy says for the roles that it is attached to, and for people when it is about HTTP APIs.
func (r *reader) managedPolicy(id string, p *properties) {
	policy := CallPolicy{Named: r.named(id)}
	policy.ARN = "arn:aws:iam::" + r.options.Account + ":policy/" + policy.Name
	policy.Policy = r.statements(p.sub("PolicyDocument"))
	if r.managed == nil {
		r.managed = map[string]permission.Policy{}
	}
	r.managed[id] = policy.Policy
	if slices.ContainsFunc(policy.Policy, func(s permission.Statement) bool { return slices.Contains(s.Actions, invokeAPI) }) {
		r.stack.CallPolicies = append(r.stack.CallPolicies, policy)
	}
}

// statements reads a policy document.
func (r *reader) statements(document *properties) permission.Policy {
	document.ignore("Version")
	var all permission.Policy
	list := document.node.member("Statement")
	if list != nil && list.kind == mapping {
		all = append(all, r.statement(document.sub("Statement")))
	} else {
		for _, s := range document.list("Statement") {
			all = append(all, r.statement(s))
		}
	}
	document.end()
	return all
}

// statement reads one. What it says and nobody here would judge is an error that names it.
func (r *reader) statement(s *properties) permission.Statement {
	is := permission.Statement{Sid: s.text("Sid")}
	s.path += "." + is.Sid
	switch effect := s.required("Effect"); effect {
	case "Allow", "":
	case "Deny":
		is.Deny = true
	default:
		r.problem(s.node.line, s.path, "expected Effect Allow or Deny, found %q", effect)
	}
	is.Actions, is.Resources = s.some("Action"), s.some("Resource")
	conditions := s.sub("Condition")
	for _, operator := range conditions.node.members {
		keys := conditions.sub(operator.name)
		for _, key := range keys.node.members {
			c, err := permission.NewCondition(operator.name, key.name, keys.some(key.name))
			if err != nil {
				r.problem(key.line, keys.path, "%v", err)
				continue
			}
			is.Conditions = append(is.Conditions, c)
		}
		keys.end()
	}
	conditions.end()
	if err := is.Check(); err != nil {
		r.problem(s.node.line, s.path, "%v", err)
	}
	s.end()
	return is
}
