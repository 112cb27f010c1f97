package kms_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/wire"
)

func statement(effect, principal, action, condition string) string {
	if condition != "" {
		condition = `,"Condition":` + condition
	}
	return fmt.Sprintf(`{"Effect":%q,"Principal":{"AWS":%q},"Action":%q,"Resource":"*"%s}`, effect, principal, action, condition)
}

func allow(principal, action, condition string) string {
	return statement("Allow", principal, action, condition)
}
func deny(principal, action, condition string) string {
	return statement("Deny", principal, action, condition)
}

func TestWhoMayDecrypt(t *testing.T) {
	t.Parallel()
	const here = `{"StringEquals":{"kms:EncryptionContext:keyward:machine":"i-1234567890abcdef0"}}`
	context := map[string]string{"keyward:machine": "i-1234567890abcdef0"}
	for _, c := range []struct {
		name   string
		policy []string
		who    wire.Principal
		may    bool
	}{
		{"a person of the account", nil, asPerson, true},
		{"a machine without anything", nil, asMachine, false},
		{"a machine by its role", []string{allow(role, "kms:Decrypt", "")}, asMachine, true},
		{"a machine by its session", []string{allow(machine, "kms:Decrypt", "")}, asMachine, true},
		{"another session", []string{allow(machine, "kms:Decrypt", "")}, asOther, false},
		{"another action", []string{allow(role, "kms:Encrypt", "")}, asMachine, false},
		{"everyone", []string{allow("*", "kms:De*", "")}, asMachine, true},
		{"actions know no case", []string{allow(role, "KMS:decrypt", "")}, asMachine, true},
		{"one character open", []string{allow(role, "kms:Decryp?", "")}, asMachine, true},
		{"the account by number delegates", []string{allow(account, "kms:Decrypt", "")}, asMachine, false},
		{"a deny outweighs", []string{allow(role, "kms:*", ""), deny(machine, "kms:Decrypt", "")}, asMachine, false},
		{"a deny of the account outweighs", []string{deny("arn:aws:iam::123456789012:root", "kms:Decrypt", "")}, asPerson, false},
		{"a context that holds", []string{allow(role, "kms:Decrypt", here)}, asMachine, true},
		{"a context that does not hold", []string{allow(role, "kms:Decrypt", strings.ReplaceAll(here, "123", "321"))}, asMachine, false},
		{"a context that is absent", []string{allow(role, "kms:Decrypt", `{"StringEquals":{"kms:EncryptionContext:a":"b"}}`)}, asMachine, false},
		{"a context that may be absent", []string{allow(role, "kms:Decrypt", `{"StringEqualsIfExists":{"kms:EncryptionContext:a":"b"}}`)}, asMachine, true},
		{"present and wrong is not absent", []string{allow(role, "kms:Decrypt", `{"StringEqualsIfExists":{"kms:EncryptionContext:keyward:machine":"b"}}`)}, asMachine, false},
		{"a tag of the key", []string{allow(role, "kms:Decrypt", `{"StringEquals":{"aws:ResourceTag/keyward:guarded":["true"]}}`)}, asMachine, true},
		{"another tag of the key", []string{allow(role, "kms:Decrypt", `{"StringEquals":{"aws:ResourceTag/keyward:guarded":"false"}}`)}, asMachine, false},
		{"a tag deny for everyone", []string{deny("*", "kms:Decrypt", `{"StringEquals":{"aws:ResourceTag/keyward:guarded":"true"}}`)}, asPerson, false},
		{"through a service", []string{allow(role, "kms:Decrypt", `{"StringEquals":{"kms:ViaService":"ec2.us-east-1.amazonaws.com"}}`)}, asMachine, false},
		{"a machine by principal ARN", []string{allow("*", "kms:Decrypt", `{"StringEquals":{"aws:PrincipalArn":"`+role+`","kms:CallerAccount":"123456789012"}}`)}, asMachine, true},
		{"a person by principal ARN", []string{allow("*", "kms:Decrypt", `{"StringEquals":{"aws:PrincipalArn":"`+role+`"}}`), deny(account, "kms:Decrypt", "")}, asPerson, false},
		{"a flag that the request lacks", []string{allow(role, "kms:Decrypt", `{"Bool":{"kms:GrantIsForAWSResource":false}}`)}, asMachine, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := start(t)
			id := p.key(append([]string{strings.Replace(delegate, `"kms:*"`, `["kms:PutKeyPolicy","kms:Encrypt","kms:Decrypt"]`, 1)}, c.policy...)...)
			_, err := p.as(c.who).Decrypt(t.Context(), &sdk.DecryptInput{CiphertextBlob: p.seal(id, context), EncryptionContext: context})
			if !c.may {
				wantsCode(t, err, "AccessDeniedException")
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func (p *place) grant(key, grantee string, constraints *types.GrantConstraints) *sdk.CreateGrantOutput {
	p.t.Helper()
	return must[*sdk.CreateGrantOutput](p.t)(p.as(asRevoke).CreateGrant(p.t.Context(), &sdk.CreateGrantInput{KeyId: &key, GranteePrincipal: &grantee, Constraints: constraints,
		Operations: []types.GrantOperation{types.GrantOperationDecrypt, types.GrantOperationGenerateDataKey, types.GrantOperationDescribeKey}}))
}

func TestGrantCovers(t *testing.T) {
	t.Parallel()
	mine := map[string]string{"keyward:machine": "i-1234567890abcdef0"}
	more := map[string]string{"keyward:machine": "i-1234567890abcdef0", "volume": "data"}
	for _, c := range []struct {
		name        string
		grantee     string
		constraints *types.GrantConstraints
		who         wire.Principal
		context     map[string]string
		may         bool
	}{
		{"its session", machine, nil, asMachine, nil, true},
		{"another session of the role", machine, nil, asOther, nil, false},
		{"any session of a role", role, nil, asOther, nil, true},
		{"another role", "arn:aws:iam::123456789012:role/db", nil, asMachine, nil, false},
		{"a role of the session's name", "arn:aws:iam::123456789012:role/web/i-1234567890abcdef0", nil, asMachine, nil, false},
		{"equal context", machine, &types.GrantConstraints{EncryptionContextEquals: mine}, asMachine, mine, true},
		{"more than equal", machine, &types.GrantConstraints{EncryptionContextEquals: mine}, asMachine, more, false},
		{"no context", machine, &types.GrantConstraints{EncryptionContextEquals: mine}, asMachine, nil, false},
		{"subset", machine, &types.GrantConstraints{EncryptionContextSubset: mine}, asMachine, more, true},
		{"not the subset", machine, &types.GrantConstraints{EncryptionContextSubset: more}, asMachine, mine, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := start(t)
			id := p.key()
			given := p.grant(id, c.grantee, c.constraints)
			blob := p.seal(id, c.context)
			_, err := p.as(c.who).Decrypt(t.Context(), &sdk.DecryptInput{CiphertextBlob: blob, EncryptionContext: c.context, GrantTokens: []string{*given.GrantToken}})
			if !c.may {
				wantsCode(t, err, "AccessDeniedException")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.as(c.who).DescribeKey(t.Context(), &sdk.DescribeKeyInput{KeyId: &id}); err != nil {
				t.Errorf("DescribeKey, which has no context: %v", err)
			}
			_, err = p.as(c.who).Encrypt(t.Context(), &sdk.EncryptInput{KeyId: &id, Plaintext: []byte("a"), EncryptionContext: c.context})
			wantsCode(t, err, "AccessDeniedException")
			must[*sdk.RevokeGrantOutput](t)(p.as(asRevoke).RevokeGrant(t.Context(), &sdk.RevokeGrantInput{KeyId: &id, GrantId: given.GrantId}))
			_, err = p.as(c.who).Decrypt(t.Context(), &sdk.DecryptInput{CiphertextBlob: blob, EncryptionContext: c.context})
			wantsCode(t, err, "AccessDeniedException")
			_, err = p.as(c.who).Decrypt(t.Context(), &sdk.DecryptInput{CiphertextBlob: blob, EncryptionContext: c.context, GrantTokens: []string{*given.GrantToken}})
			wants[*types.InvalidGrantTokenException](t, err)
		})
	}
}

func TestMachineMayNotAdminister(t *testing.T) {
	t.Parallel()
	p := start(t)
	id := p.key()
	given := p.grant(id, machine, nil)
	c, ctx := p.as(asMachine), t.Context()
	_, err := c.RevokeGrant(ctx, &sdk.RevokeGrantInput{KeyId: &id, GrantId: given.GrantId})
	wantsCode(t, err, "AccessDeniedException")
	_, err = c.ListGrants(ctx, &sdk.ListGrantsInput{KeyId: &id})
	wantsCode(t, err, "AccessDeniedException")
	_, err = c.CreateGrant(ctx, &sdk.CreateGrantInput{KeyId: &id, GranteePrincipal: aws.String(machine), Operations: []types.GrantOperation{"Encrypt"}})
	wantsCode(t, err, "AccessDeniedException")
	_, err = c.EnableKey(ctx, &sdk.EnableKeyInput{KeyId: &id})
	wantsCode(t, err, "AccessDeniedException")
	_, err = c.TagResource(ctx, &sdk.TagResourceInput{KeyId: &id, Tags: []types.Tag{{TagKey: aws.String("a"), TagValue: aws.String("")}}})
	wantsCode(t, err, "AccessDeniedException")
	_, err = c.ListResourceTags(ctx, &sdk.ListResourceTagsInput{KeyId: &id})
	wantsCode(t, err, "AccessDeniedException")
	_, err = c.GetKeyPolicy(ctx, &sdk.GetKeyPolicyInput{KeyId: &id})
	wantsCode(t, err, "AccessDeniedException")
	_, err = c.PutKeyPolicy(ctx, &sdk.PutKeyPolicyInput{KeyId: &id, Policy: aws.String("{}")})
	wantsCode(t, err, "AccessDeniedException")
	_, err = c.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: aws.String("alias/a"), TargetKeyId: &id})
	wantsCode(t, err, "AccessDeniedException")
}

// A statement can be about the tags that a call sets, whatever others the key has.
func TestTagsThatWouldBeSet(t *testing.T) {
	t.Parallel()
	p := start(t)
	never := `{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"kms:TagResource","Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/guarded":"true"}}}`
	id := p.key(delegate, never)
	for value, may := range map[string]bool{"true": false, "false": true} {
		_, err := p.as(asPerson).TagResource(t.Context(), &sdk.TagResourceInput{KeyId: &id, Tags: []types.Tag{
			{TagKey: aws.String("a"), TagValue: aws.String("true")}, {TagKey: aws.String("guarded"), TagValue: &value},
		}})
		if may && err != nil {
			t.Errorf("tagging guarded = %s: %v", value, err)
		}
		if !may {
			wantsCode(t, err, "AccessDeniedException")
		}
	}
	if _, err := p.as(asPerson).UntagResource(t.Context(), &sdk.UntagResourceInput{KeyId: &id, TagKeys: []string{"guarded"}}); err != nil {
		t.Errorf("untagging, which sets none: %v", err)
	}
}

func TestCreateGrantConditions(t *testing.T) {
	t.Parallel()
	p := start(t)
	release := `{"ForAllValues:StringEquals":{"kms:GrantOperations":["Decrypt","GenerateDataKey"]},"StringEquals":{"kms:GranteePrincipal":"` + machine + `","kms:GrantConstraintType":"EncryptionContextEquals"},"Bool":{"kms:GrantIsForAWSResource":"false"}}`
	id := p.key(strings.Replace(delegate, "kms:*", "kms:PutKeyPolicy", 1), allow("arn:aws:iam::123456789012:role/release", "kms:CreateGrant", release))
	c := p.as(wire.Principal{Kind: wire.Function, ARN: "arn:aws:sts::123456789012:assumed-role/release/r", Account: account})
	bound := &types.GrantConstraints{EncryptionContextEquals: map[string]string{"a": "b"}}
	for _, g := range []struct {
		name string
		in   sdk.CreateGrantInput
		may  bool
	}{
		{"as allowed", sdk.CreateGrantInput{GranteePrincipal: aws.String(machine), Operations: []types.GrantOperation{"Decrypt"}, Constraints: bound}, true},
		{"one operation more", sdk.CreateGrantInput{GranteePrincipal: aws.String(machine), Operations: []types.GrantOperation{"Decrypt", "Encrypt"}, Constraints: bound}, false},
		{"another grantee", sdk.CreateGrantInput{GranteePrincipal: aws.String(other), Operations: []types.GrantOperation{"Decrypt"}, Constraints: bound}, false},
		{"unbound", sdk.CreateGrantInput{GranteePrincipal: aws.String(machine), Operations: []types.GrantOperation{"Decrypt"}}, false},
		{"looser", sdk.CreateGrantInput{GranteePrincipal: aws.String(machine), Operations: []types.GrantOperation{"Decrypt"},
			Constraints: &types.GrantConstraints{EncryptionContextSubset: map[string]string{"a": "b"}}}, false},
	} {
		g.in.KeyId = &id
		_, err := c.CreateGrant(t.Context(), &g.in)
		if g.may && err != nil {
			t.Errorf("%s: %v", g.name, err)
		}
		if !g.may {
			wantsCode(t, err, "AccessDeniedException")
		}
	}
}

func TestGrantList(t *testing.T) {
	t.Parallel()
	p := start(t)
	id := p.key()
	c, ctx := p.as(asRevoke), t.Context()
	in := sdk.CreateGrantInput{KeyId: &id, Name: aws.String("keyward-i-1234567890abcdef0-1"), GranteePrincipal: aws.String(machine), RetiringPrincipal: aws.String(role),
		Operations: []types.GrantOperation{"Decrypt", "Encrypt"}, Constraints: &types.GrantConstraints{EncryptionContextEquals: map[string]string{"a": "b"}}}
	first := must[*sdk.CreateGrantOutput](t)(c.CreateGrant(ctx, &in))
	in.Operations = []types.GrantOperation{"Encrypt", "Decrypt"}
	retried := must[*sdk.CreateGrantOutput](t)(c.CreateGrant(ctx, &in))
	if *first.GrantId != *retried.GrantId || *first.GrantToken == *retried.GrantToken {
		t.Error("a retry with the same name made another grant, or gave the same token")
	}
	in.Constraints = nil
	if again := must[*sdk.CreateGrantOutput](t)(c.CreateGrant(ctx, &in)); *again.GrantId == *first.GrantId {
		t.Error("another grant of the same name was taken for a retry")
	}
	for range 5 {
		p.grant(id, other, nil)
	}
	listed := func(in sdk.ListGrantsInput) (ids []string, entries []types.GrantListEntry) {
		in.KeyId = &id
		pages := sdk.NewListGrantsPaginator(c, &in)
		for pages.HasMorePages() {
			page := must[*sdk.ListGrantsOutput](t)(pages.NextPage(ctx))
			for _, g := range page.Grants {
				ids, entries = append(ids, *g.GrantId), append(entries, g)
			}
		}
		return ids, entries
	}
	all, entries := listed(sdk.ListGrantsInput{Limit: aws.Int32(3)})
	if len(all) != 7 || all[0] != *first.GrantId {
		t.Fatalf("ListGrants = %d grants", len(all))
	}
	g := entries[0]
	if *g.Name != *in.Name || *g.GranteePrincipal != machine || *g.RetiringPrincipal != role || !g.CreationDate.Equal(noon) || *g.KeyId != "arn:aws:kms:us-east-1:123456789012:key/"+id ||
		*g.IssuingAccount != "arn:aws:iam::123456789012:root" || len(g.Operations) != 2 || g.Constraints.EncryptionContextEquals["a"] != "b" || entries[1].Constraints != nil {
		t.Errorf("grant = %+v", g)
	}
	if ids, _ := listed(sdk.ListGrantsInput{GranteePrincipal: aws.String(other), Limit: aws.Int32(2)}); !cmp.Equal(ids, all[2:]) {
		t.Errorf("by grantee = %v", ids)
	}
	if ids, _ := listed(sdk.ListGrantsInput{GrantId: &all[1]}); !cmp.Equal(ids, all[1:2]) {
		t.Errorf("by id = %v", ids)
	}
	page := must[*sdk.ListGrantsOutput](t)(c.ListGrants(ctx, &sdk.ListGrantsInput{KeyId: &id, Limit: aws.Int32(3)}))
	must[*sdk.RevokeGrantOutput](t)(c.RevokeGrant(ctx, &sdk.RevokeGrantInput{KeyId: &id, GrantId: page.Grants[2].GrantId}))
	rest := must[*sdk.ListGrantsOutput](t)(c.ListGrants(ctx, &sdk.ListGrantsInput{KeyId: &id, Marker: page.NextMarker}))
	if len(rest.Grants) != 4 || rest.Truncated {
		t.Errorf("after the page's last grant went: %d grants", len(rest.Grants))
	}
}

func TestGrantRefused(t *testing.T) {
	t.Parallel()
	p := start(t)
	id := p.key()
	c, ctx := p.as(asPerson), t.Context()
	long, many := map[string]string{"a": strings.Repeat("x", 385)}, map[string]string{}
	for i := range 9 {
		many[fmt.Sprint(i)] = ""
	}
	for _, g := range []struct {
		code string
		in   sdk.CreateGrantInput
	}{
		{"InvalidArnException", sdk.CreateGrantInput{GranteePrincipal: aws.String("web"), Operations: []types.GrantOperation{"Decrypt"}}},
		{"InvalidArnException", sdk.CreateGrantInput{GranteePrincipal: aws.String("*"), Operations: []types.GrantOperation{"Decrypt"}}},
		{"InvalidArnException", sdk.CreateGrantInput{GranteePrincipal: aws.String(role), RetiringPrincipal: aws.String("x"), Operations: []types.GrantOperation{"Decrypt"}}},
		{"ValidationException", sdk.CreateGrantInput{GranteePrincipal: aws.String(role), Operations: []types.GrantOperation{}}},
		{"ValidationException", sdk.CreateGrantInput{GranteePrincipal: aws.String(role), Operations: []types.GrantOperation{"Sign"}}},
		{"NotImplemented", sdk.CreateGrantInput{GranteePrincipal: aws.String(role), Operations: []types.GrantOperation{"CreateGrant"}}},
		{"ValidationException", sdk.CreateGrantInput{GranteePrincipal: aws.String(role), Operations: []types.GrantOperation{"Decrypt"}, Constraints: &types.GrantConstraints{EncryptionContextSubset: long}}},
		{"ValidationException", sdk.CreateGrantInput{GranteePrincipal: aws.String(role), Operations: []types.GrantOperation{"Decrypt"}, Constraints: &types.GrantConstraints{EncryptionContextEquals: many}}},
		{"InvalidGrantTokenException", sdk.CreateGrantInput{GranteePrincipal: aws.String(role), Operations: []types.GrantOperation{"Decrypt"}, GrantTokens: []string{"x"}}},
		{"DryRunOperationException", sdk.CreateGrantInput{GranteePrincipal: aws.String(role), Operations: []types.GrantOperation{"Decrypt"}, DryRun: aws.Bool(true)}},
	} {
		g.in.KeyId = &id
		_, err := c.CreateGrant(ctx, &g.in)
		wantsCode(t, err, g.code)
	}
	given := p.grant(id, machine, nil)
	_, err := c.RevokeGrant(ctx, &sdk.RevokeGrantInput{KeyId: &id, GrantId: aws.String("x")})
	wants[*types.InvalidGrantIdException](t, err)
	_, err = c.RevokeGrant(ctx, &sdk.RevokeGrantInput{KeyId: &id, GrantId: aws.String(strings.Repeat("0", 64))})
	wants[*types.NotFoundException](t, err)
	_, err = c.RevokeGrant(ctx, &sdk.RevokeGrantInput{KeyId: &id, GrantId: given.GrantId, DryRun: aws.Bool(true)})
	wants[*types.DryRunOperationException](t, err)
	_, err = c.Encrypt(ctx, &sdk.EncryptInput{KeyId: &id, Plaintext: []byte("a"), DryRun: aws.Bool(true)})
	wants[*types.DryRunOperationException](t, err)
	_, err = c.ListGrants(ctx, &sdk.ListGrantsInput{KeyId: &id, Marker: aws.String("!")})
	wants[*types.InvalidMarkerException](t, err)
	_, err = c.ListGrants(ctx, &sdk.ListGrantsInput{KeyId: &id, Limit: aws.Int32(101)})
	wantsCode(t, err, "ValidationException")
}

func TestKeyPolicy(t *testing.T) {
	t.Parallel()
	p := start(t)
	id := p.key()
	c, ctx := p.as(asPerson), t.Context()
	got := must[*sdk.GetKeyPolicyOutput](t)(c.GetKeyPolicy(ctx, &sdk.GetKeyPolicyInput{KeyId: &id, PolicyName: aws.String("default")}))
	if !strings.Contains(*got.Policy, "arn:aws:iam::123456789012:root") || *got.PolicyName != "default" {
		t.Errorf("GetKeyPolicy = %+v", got)
	}
	next := `{"Version":"2012-10-17","Statement":` + delegate + `}`
	must[*sdk.PutKeyPolicyOutput](t)(c.PutKeyPolicy(ctx, &sdk.PutKeyPolicyInput{KeyId: &id, Policy: &next}))
	if got := must[*sdk.GetKeyPolicyOutput](t)(c.GetKeyPolicy(ctx, &sdk.GetKeyPolicyInput{KeyId: &id})); *got.Policy != next {
		t.Errorf("GetKeyPolicy = %s, want %s", *got.Policy, next)
	}
	lockedOut := `{"Statement":` + allow(role, "kms:*", "") + `}`
	_, err := c.PutKeyPolicy(ctx, &sdk.PutKeyPolicyInput{KeyId: &id, Policy: &lockedOut})
	wants[*types.MalformedPolicyDocumentException](t, err)
	must[*sdk.PutKeyPolicyOutput](t)(c.PutKeyPolicy(ctx, &sdk.PutKeyPolicyInput{KeyId: &id, Policy: &lockedOut, BypassPolicyLockoutSafetyCheck: true}))
	_, err = c.GetKeyPolicy(ctx, &sdk.GetKeyPolicyInput{KeyId: &id})
	wantsCode(t, err, "AccessDeniedException")
	_, err = c.GetKeyPolicy(ctx, &sdk.GetKeyPolicyInput{KeyId: &id, PolicyName: aws.String("second")})
	wants[*types.NotFoundException](t, err)
	_, err = c.PutKeyPolicy(ctx, &sdk.PutKeyPolicyInput{KeyId: &id, PolicyName: aws.String("second"), Policy: &next})
	wantsCode(t, err, "ValidationException")
}
