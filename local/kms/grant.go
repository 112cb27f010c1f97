package kms

import (
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/keyward/keyward/local/kms/keypolicy"
	"github.com/keyward/keyward/local/wire"
)

// Limits of grants, from the API reference of CreateGrant and the resource quotas.
const (
	maxGrants          = 50_000 // a key
	maxConstraintPairs = 8
	maxConstraintValue = 384
	maxGrantName       = 256
)

// grantOperations of a symmetric key. A grant that may make grants is refused by name; retiring and
// re-encrypting may be granted, as everywhere, but nothing here can be called with them.
var grantOperations = []string{"Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "GenerateDataKeyPair",
	"GenerateDataKeyPairWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo", "RetireGrant", "DescribeKey"}

type constraints struct {
	EncryptionContextEquals map[string]string `json:",omitempty"`
	EncryptionContextSubset map[string]string `json:",omitempty"`
}

func (c *constraints) kind() string {
	switch {
	case c == nil:
		return ""
	case c.EncryptionContextEquals != nil:
		return "EncryptionContextEquals"
	case c.EncryptionContextSubset != nil:
		return "EncryptionContextSubset"
	}
	return ""
}

func (c *constraints) same(other *constraints) bool {
	return c.kind() == other.kind() && (c.kind() == "" ||
		maps.Equal(c.EncryptionContextEquals, other.EncryptionContextEquals) && maps.Equal(c.EncryptionContextSubset, other.EncryptionContextSubset))
}

type grant struct {
	ID          string       `json:"id"`
	Sequence    uint64       `json:"sequence"` // grows with each grant of a key
	Name        string       `json:"name,omitempty"`
	Grantee     string       `json:"grantee"`
	Retiring    string       `json:"retiring,omitempty"`
	Operations  []string     `json:"operations"`
	Constraints *constraints `json:"constraints,omitempty"`
	Created     time.Time    `json:"created"`
}

// covers says whether the grant allows the access. Its grantee is a session, a user, a role (then all
// its sessions) or an account. Constraints bind the operations that have an encryption context.
func (g *grant) covers(a access) bool {
	p := a.caller
	switch g.Grantee {
	case "":
		return false
	case p.ARN, p.RoleARN(), "arn:aws:iam::" + p.Account + ":root":
	default:
		return false
	}
	operation := a.action[len("kms:"):]
	if !slices.Contains(g.Operations, operation) {
		return false
	}
	if operation == "DescribeKey" || g.Constraints == nil {
		return true
	}
	if want := g.Constraints.EncryptionContextEquals; want != nil && !maps.Equal(want, a.context) {
		return false
	}
	for name, value := range g.Constraints.EncryptionContextSubset {
		if got, there := a.context[name]; !there || got != value {
			return false
		}
	}
	return true
}

type createGrantInput struct {
	KeyId, Name, GranteePrincipal, RetiringPrincipal string
	Operations, GrantTokens                          []string
	Constraints                                      *constraints
	DryRun                                           bool
}

func (k *KMS) createGrant(caller wire.Principal, in createGrantInput) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	of, err := k.find(in.KeyId, false)
	if err != nil {
		return nil, err
	}
	if err := k.allow(access{caller: caller, action: "kms:CreateGrant", key: of, tokens: in.GrantTokens,
		grantee: in.GranteePrincipal, operations: in.Operations, constraint: in.Constraints.kind()}); err != nil {
		return nil, err
	}
	if err := of.usable(); err != nil {
		return nil, err
	}
	if in.DryRun {
		return nil, dryRun()
	}
	g := of.existing(in)
	if g == nil {
		if len(of.Grants) >= maxGrants {
			return nil, fault("LimitExceededException", "%d grants on %s", len(of.Grants), of.ARN)
		}
		of.Sequence++
		g = &grant{ID: hex.EncodeToString(randomBytes(32)), Sequence: of.Sequence, Name: in.Name, Grantee: in.GranteePrincipal,
			Retiring: in.RetiringPrincipal, Operations: in.Operations, Constraints: in.Constraints, Created: k.config.Now()}
		of.Grants = append(of.Grants, g)
	}
	token := hex.EncodeToString(randomBytes(48))
	k.tokens[token] = g.ID
	return map[string]string{"GrantId": g.ID, "GrantToken": token}, nil
}

func (in createGrantInput) check() error {
	if !keypolicy.ValidPrincipal(in.GranteePrincipal) || in.GranteePrincipal == "*" {
		return fault("InvalidArnException", "ARN does not refer to a valid principal: %s", in.GranteePrincipal)
	}
	if in.RetiringPrincipal != "" && !keypolicy.ValidPrincipal(in.RetiringPrincipal) {
		return fault("InvalidArnException", "ARN does not refer to a valid principal: %s", in.RetiringPrincipal)
	}
	if len(in.Operations) == 0 || len(in.Name) > maxGrantName {
		return wire.Validation("Operations and Name: expected at least one operation and a name of at most %d characters", maxGrantName)
	}
	for _, o := range in.Operations {
		if o == "CreateGrant" {
			return wire.Unimplemented("grant operation CreateGrant of kms.CreateGrant")
		}
		if !slices.Contains(grantOperations, o) {
			return wire.Validation("Grant operation %s is not supported for the key spec %s", o, symmetric)
		}
	}
	if in.Constraints == nil {
		return nil
	}
	for _, pairs := range []map[string]string{in.Constraints.EncryptionContextEquals, in.Constraints.EncryptionContextSubset} {
		if len(pairs) > maxConstraintPairs {
			return wire.Validation("%d encryption context pairs in a constraint, expected at most %d", len(pairs), maxConstraintPairs)
		}
		for name, value := range pairs {
			if len(value) > maxConstraintValue {
				return wire.Validation("encryption context %s in a constraint: %d characters, expected at most %d", name, len(value), maxConstraintValue)
			}
		}
	}
	return nil
}

// existing is the grant that a retry of in made before. Only grants with a name are recognised.
func (of *key) existing(in createGrantInput) *grant {
	if in.Name == "" {
		return nil
	}
	want := slices.Sorted(slices.Values(in.Operations))
	for _, g := range of.Grants {
		if g.Name == in.Name && g.Grantee == in.GranteePrincipal && g.Retiring == in.RetiringPrincipal &&
			g.Constraints.same(in.Constraints) && slices.Equal(slices.Sorted(slices.Values(g.Operations)), want) {
			return g
		}
	}
	return nil
}

type grantEntry struct {
	GrantId, KeyId, Name, GranteePrincipal, IssuingAccount string
	RetiringPrincipal                                      string `json:",omitempty"`
	Operations                                             []string
	Constraints                                            *constraints `json:",omitempty"`
	CreationDate                                           wire.Time
}

func (k *KMS) listGrants(caller wire.Principal, in struct {
	KeyId, GrantId, GranteePrincipal, Marker string
	Limit                                    *int
}) (any, error) {
	of, err := k.find(in.KeyId, false)
	if err != nil {
		return nil, err
	}
	if err := k.allow(access{caller: caller, action: "kms:ListGrants", key: of}); err != nil {
		return nil, err
	}
	limit, err := pageSize(in.Limit, 50, 100)
	if err != nil {
		return nil, err
	}
	after := uint64(0)
	if in.Marker != "" {
		if after, err = strconv.ParseUint(in.Marker, 36, 64); err != nil {
			return nil, fault("InvalidMarkerException", "The marker is not valid.")
		}
	}
	out := struct {
		Grants     []grantEntry
		Truncated  bool
		NextMarker string `json:",omitempty"`
	}{Grants: []grantEntry{}}
	last := uint64(0)
	for _, g := range of.Grants {
		if g.Sequence <= after || in.GrantId != "" && g.ID != in.GrantId || in.GranteePrincipal != "" && g.Grantee != in.GranteePrincipal {
			continue
		}
		if len(out.Grants) == limit {
			out.Truncated, out.NextMarker = true, strconv.FormatUint(last, 36)
			break
		}
		last = g.Sequence
		out.Grants = append(out.Grants, grantEntry{GrantId: g.ID, KeyId: of.ARN, Name: g.Name, GranteePrincipal: g.Grantee, RetiringPrincipal: g.Retiring,
			IssuingAccount: "arn:aws:iam::" + k.config.Account + ":root", Operations: g.Operations, Constraints: g.Constraints, CreationDate: wire.Time{Time: g.Created}})
	}
	return out, nil
}

func (k *KMS) revokeGrant(caller wire.Principal, in struct {
	KeyId, GrantId string
	DryRun         bool
}) (any, error) {
	of, err := k.find(in.KeyId, false)
	if err != nil {
		return nil, err
	}
	if err := k.allow(access{caller: caller, action: "kms:RevokeGrant", key: of}); err != nil {
		return nil, err
	}
	if b, err := hex.DecodeString(in.GrantId); err != nil || len(b) != 32 {
		return nil, fault("InvalidGrantIdException", "The grant ID %q is not valid.", in.GrantId)
	}
	at := slices.IndexFunc(of.Grants, func(g *grant) bool { return g.ID == in.GrantId })
	if at < 0 {
		return nil, fault("NotFoundException", "Grant ID %s not found", in.GrantId)
	}
	if in.DryRun {
		return nil, dryRun()
	}
	of.Grants = slices.Delete(of.Grants, at, at+1)
	maps.DeleteFunc(k.tokens, func(_, id string) bool { return id == in.GrantId })
	return nil, nil
}
