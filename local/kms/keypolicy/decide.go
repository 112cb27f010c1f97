package keypolicy

import (
	"github.com/keyward/keyward/local/iam/permission"
	"github.com/keyward/keyward/local/wire"
)

// Request is one question to a key policy.
type Request struct {
	Caller  wire.Principal
	Action  string // kms:Decrypt
	KeyARN  string
	Tags    map[string]string // of the key
	NewTags map[string]string // that TagResource would set
	Context map[string]string // the encryption context of a cryptographic operation

	Grantee    string   // CreateGrant alone: the grantee,
	Operations []string // what it may do,
	Constraint string   // and the kind of constraint, "" without one
	Aliases    []string // of the key
}

// Permission is the question as the policies of the caller are asked it.
func (r Request) Permission() permission.Request {
	c := permission.Context{}
	for name, value := range r.Context {
		c.Set("kms:EncryptionContext:"+name, value)
	}
	c.SetTags("aws:ResourceTag/", r.Tags)
	c.SetTags("aws:RequestTag/", r.NewTags)
	c.Set("kms:GrantOperations", r.Operations...)
	c.Set("kms:ResourceAliases", r.Aliases...)
	c.Set("kms:CallerAccount", r.Caller.Account)
	if r.Grantee != "" {
		c.Set("kms:GranteePrincipal", r.Grantee)
	}
	if r.Constraint != "" {
		c.Set("kms:GrantConstraintType", r.Constraint)
	}
	switch r.Action {
	case "kms:CreateGrant", "kms:RevokeGrant", "kms:ListGrants":
		c.Set("kms:GrantIsForAWSResource", "false")
	}
	c.Set("aws:PrincipalArn", r.Caller.PrincipalARN())
	c.Set("aws:PrincipalAccount", r.Caller.Account)
	return permission.Request{Action: r.Action, Resource: r.KeyARN, Context: c}
}

// Decision is what the policy's statements say together. The zero value says nothing: refused, unless
// a grant allows.
type Decision struct {
	Denied    bool // explicitly, which nothing outweighs
	Direct    bool // allowed to the caller by name
	Delegated bool // left to the policies of the caller's account
}

// Decide asks every statement.
func (p Policy) Decide(r Request) Decision {
	var d Decision
	asked := r.Permission()
	for _, s := range p.statements {
		byName, byAccount := s.names(r.Caller)
		switch {
		case !byName && !byAccount || !s.Covers(asked):
		case s.Deny:
			d.Denied = true
		default:
			d.Direct = d.Direct || byName
			d.Delegated = d.Delegated || byAccount
		}
	}
	return d
}

// names says whether the statement is about the caller, by its own name or by that of its account.
func (s statement) names(p wire.Principal) (byName, byAccount bool) {
	for _, name := range s.principals {
		switch name {
		case "*", p.ARN:
			byName = true
		case p.Account, "arn:aws:iam::" + p.Account + ":root":
			byAccount = true
		default:
			byName = byName || name == p.RoleARN()
		}
	}
	return byName, byAccount
}
