package kms

import (
	"slices"

	"github.com/keyward/keyward/local/kms/keypolicy"
	"github.com/keyward/keyward/local/wire"
)

// access is one question: may this caller do this to this key?
type access struct {
	caller  wire.Principal
	action  string
	key     *key
	context map[string]string // the encryption context of a cryptographic operation
	tokens  []string          // grant tokens that came along
	tags    map[string]string // that TagResource would set

	grantee    string // CreateGrant alone
	operations []string
	constraint string
}

// allow is nil when the access is allowed. In this order: an explicit deny of the key policy or of the
// caller's own policies refuses; a statement of the key policy that names the caller allows; one that names
// the account leaves it to the caller's own policies; a grant allows. Everything else is refused.
func (k *KMS) allow(a access) error {
	for _, t := range a.tokens {
		if k.tokens[t] == "" {
			return fault("InvalidGrantTokenException", "The grant token is not valid.")
		}
	}
	asked := keypolicy.Request{Caller: a.caller, Action: a.action, KeyARN: a.key.ARN, Tags: a.key.Tags, NewTags: a.tags,
		Context: a.context, Grantee: a.grantee, Operations: a.operations, Constraint: a.constraint, Aliases: k.aliasesOf(a.key)}
	said, own := a.key.policy.Decide(asked), k.config.Identity.Decide(a.caller, asked.Permission())
	switch {
	case said.Denied:
		return denied(a.caller, a.action, a.key.ARN, "with an explicit deny in a resource-based policy")
	case own.Denied:
		return denied(a.caller, a.action, a.key.ARN, own.Why(a.action))
	case said.Direct, said.Delegated && own.Allowed:
		return nil
	case slices.ContainsFunc(a.key.Grants, func(g *grant) bool { return g.covers(a) }):
		return nil
	case said.Delegated:
		return denied(a.caller, a.action, a.key.ARN, own.Why(a.action))
	}
	return denied(a.caller, a.action, a.key.ARN, "because no resource-based policy allows the "+a.action+" action")
}

// allowAll is the same of an action that has no key: the permission is one of IAM alone, which no key policy gives.
func (k *KMS) allowAll(caller wire.Principal, action string) error {
	own := k.config.Identity.Decide(caller, keypolicy.Request{Caller: caller, Action: action, KeyARN: "*"}.Permission())
	if !own.Allowed {
		return denied(caller, action, "*", own.Why(action))
	}
	return nil
}

func (k *KMS) aliasesOf(of *key) []string {
	var names []string
	for name, id := range k.aliases {
		if id == of.ID {
			names = append(names, name)
		}
	}
	return names
}

func denied(caller wire.Principal, action, resource, why string) *wire.Error {
	return fault("AccessDeniedException", "User: %s is not authorized to perform: %s on resource: %s %s", caller.ARN, action, resource, why)
}
