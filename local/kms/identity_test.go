package kms_test

import (
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/keyward/keyward/local/iam/permission"
	"github.com/keyward/keyward/local/kms"
	"github.com/keyward/keyward/local/wire"
)

// policies are what the function's role may; the others may everything.
type policies struct{ function permission.Policy }

func (i policies) Decide(p wire.Principal, r permission.Request) permission.Decision {
	if p.Kind == wire.Function {
		return i.function.Decide(r)
	}
	return kms.ByKind{}.Decide(p, r)
}

func condition(t *testing.T, operator, key, value string) []permission.Condition {
	t.Helper()
	c, err := permission.NewCondition(operator, key, []string{value})
	if err != nil {
		t.Fatal(err)
	}
	return []permission.Condition{c}
}

// What the account's own policies say counts where the key's policy leaves it to them, and their Deny always.
func TestIdentityPolicies(t *testing.T) {
	t.Parallel()
	const describe, alias = "kms:DescribeKey", "alias/data"
	named := allow(strings.Replace(role, "role/web", "role/revoke", 1), describe, "")
	statement := func(effect string, c []permission.Condition) permission.Statement {
		return permission.Statement{Sid: "S", Deny: effect == "Deny", Actions: []string{describe}, Resources: []string{"*"}, Conditions: c}
	}
	tag := condition(t, "StringEquals", "aws:ResourceTag/keyward:guarded", "true")
	for name, tt := range map[string]struct {
		key    string // the statement beside the one of the person
		policy permission.Policy
		want   string // how the refusal ends, "" for none
	}{
		"nothing":                      {allow(account, describe, ""), nil, "because no identity-based policy allows the kms:DescribeKey action"},
		"left to it, and allowed":      {allow(account, describe, ""), permission.Policy{statement("Allow", nil)}, ""},
		"allowed with the key's tag":   {allow(account, describe, ""), permission.Policy{statement("Allow", tag)}, ""},
		"allowed by the key's alias":   {allow(account, describe, ""), permission.Policy{statement("Allow", condition(t, "ForAnyValue:StringEquals", "kms:ResourceAliases", alias))}, ""},
		"allowed with another tag":     {allow(account, describe, ""), permission.Policy{statement("Allow", condition(t, "StringEquals", "aws:ResourceTag/a", "b"))}, "because no identity-based policy allows the kms:DescribeKey action"},
		"allowed, and not left to it":  {allow(role, describe, ""), permission.Policy{statement("Allow", nil)}, "because no resource-based policy allows the kms:DescribeKey action"},
		"named by the key's policy":    {named, nil, ""},
		"named, and denied by its own": {named, permission.Policy{statement("Deny", nil)}, "with an explicit deny in an identity-based policy"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := startWith(t, policies{tt.policy})
			id := p.key(strings.Replace(delegate, `"kms:*"`, `["kms:PutKeyPolicy","kms:CreateAlias"]`, 1), tt.key)
			name := alias
			if _, err := p.as(asPerson).CreateAlias(t.Context(), &sdk.CreateAliasInput{AliasName: &name, TargetKeyId: &id}); err != nil {
				t.Fatal(err)
			}
			_, err := p.as(asRevoke).DescribeKey(t.Context(), &sdk.DescribeKeyInput{KeyId: &id})
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.HasSuffix(err.Error(), tt.want)) {
				t.Errorf("DescribeKey = %v, want %q", err, tt.want)
			}
			if _, err := p.as(asRevoke).ListAliases(t.Context(), nil); err == nil {
				t.Error("ListAliases is allowed to a role that may not")
			}
		})
	}
}
