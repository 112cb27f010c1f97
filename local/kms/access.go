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

// allow is nil when the access is allowed. In this order: an explicit deny of the key policy refuses;
// a statement that names the caller allows; one that names the account leaves it to the caller's own
// policies; a grant allows. Everything else is refused.
func (k *KMS) allow(a access) error {
	for _, t := range a.tokens {
		if k.tokens[t] == "" {
			return fault("InvalidGrantTokenException", "The grant token is not valid.")
		}
	}
	said := a.key.policy.Decide(keypolicy.Request{Caller: a.caller, Action: a.action, KeyARN: a.key.ARN, Tags: a.key.Tags, NewTags: a.tags,
		Context: a.context, Grantee: a.grantee, Operations: a.operations, Constraint: a.constraint})
	switch {
	case said.Denied:
		return denied(a.caller, a.action, a.key.ARN, "with an explicit deny in a resource-based policy")
	case said.Direct:
		return nil
	case said.Delegated && k.config.Identity.Allows(a.caller, a.action, a.key.ARN, a.key.Tags):
		return nil
	case slices.ContainsFunc(a.key.Grants, func(g *grant) bool { return g.covers(a) }):
		return nil
	case said.Delegated:
		return denied(a.caller, a.action, a.key.ARN, "because no identity-based policy allows the "+a.action+" action")
	}
	return denied(a.caller, a.action, a.key.ARN, "because no resource-based policy allows the "+a.action+" action")
}

func denied(caller wire.Principal, action, resource, why string) *wire.Error {
	return fault("AccessDeniedException", "User: %s is not authorized to perform: %s on resource: %s %s", caller.ARN, action, resource, why)
}
