package keypolicy

import (
	"slices"
	"strings"

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
	for _, s := range p.statements {
		byName, byAccount := s.names(r.Caller)
		switch {
		case !byName && !byAccount || !s.covers(r):
		case !s.allow:
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

func (s statement) covers(r Request) bool {
	return slices.ContainsFunc(s.actions, func(p string) bool { return matches(strings.ToLower(p), strings.ToLower(r.Action)) }) &&
		slices.ContainsFunc(s.resources, func(p string) bool { return matches(p, r.KeyARN) }) &&
		!slices.ContainsFunc(s.conditions, func(c condition) bool { return !c.holds(r) })
}

// matches is IAM's pattern: * is any text, ? one character.
func matches(pattern, text string) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// holds compares the request's values with the condition's. A key that the request does not have
// fails, unless the operator says otherwise; an empty set passes ForAllValues, as in IAM.
func (c condition) holds(r Request) bool {
	values, there := r.value(c.key)
	switch c.operator {
	case "StringEqualsIfExists":
		if !there {
			return true
		}
	case "ForAllValues:StringEquals":
		return !slices.ContainsFunc(values, func(v string) bool { return !slices.Contains(c.values, v) })
	case "Bool":
		return there && slices.ContainsFunc(c.values, func(v string) bool { return strings.EqualFold(v, values[0]) })
	}
	return slices.ContainsFunc(values, func(v string) bool { return slices.Contains(c.values, v) })
}

// value is what the request has under a condition key. kms:ViaService is never there: no service of
// this process uses a key for someone else.
func (r Request) value(key string) ([]string, bool) {
	if name, ok := strings.CutPrefix(key, "kms:EncryptionContext:"); ok {
		v, there := r.Context[name]
		return one(v, there)
	}
	if name, ok := strings.CutPrefix(key, "aws:ResourceTag/"); ok {
		v, there := r.Tags[name]
		return one(v, there)
	}
	if name, ok := strings.CutPrefix(key, "aws:RequestTag/"); ok {
		v, there := r.NewTags[name]
		return one(v, there)
	}
	switch key {
	case "kms:GranteePrincipal":
		return one(r.Grantee, r.Grantee != "")
	case "kms:GrantOperations":
		return r.Operations, len(r.Operations) > 0
	case "kms:GrantConstraintType":
		return one(r.Constraint, r.Constraint != "")
	case "kms:GrantIsForAWSResource":
		return one("false", r.Action == "kms:CreateGrant" || r.Action == "kms:RevokeGrant" || r.Action == "kms:ListGrants")
	case "kms:CallerAccount", "aws:PrincipalAccount":
		return one(r.Caller.Account, true)
	case "aws:PrincipalArn":
		if role := r.Caller.RoleARN(); role != "" {
			return one(role, true)
		}
		return one(r.Caller.ARN, true)
	}
	return nil, false
}

func one(v string, there bool) ([]string, bool) {
	if !there {
		return nil, false
	}
	return []string{v}, true
}
