package kmskey_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
)

func TestUsers(t *testing.T) {
	t.Parallel()
	p := begin(t)
	key, another := p.Key(), p.Key()
	for n := range 101 {
		p.grant(t, key, fmt.Sprintf("i-%017x", n), awstest.Session, 1)
	}
	for n, target := range []string{key, another, key} {
		if _, err := p.sdk.CreateAlias(t.Context(), &sdk.CreateAliasInput{AliasName: aws.String(fmt.Sprintf("alias/%d", n)), TargetKeyId: &target}); err != nil {
			t.Fatal(err)
		}
	}
	p.Calls()
	got, err := p.keys.Users(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"ListGrants", "ListGrants", "GetKeyPolicy", "ListAliases", "GetKeyLastUsage"}, p.Operations()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if len(got.Grants) != 101 || got.Grants[100].Name != "keyward-i-00000000000000064-1" || got.Grants[0].Grantee != awstest.Session || len(got.Grants[0].Operations) != 2 {
		t.Errorf("%d grants, want all 101", len(got.Grants))
	}
	if diff := cmp.Diff([]string{"alias/0", "alias/2"}, got.Aliases); diff != "" || got.Policy == "" {
		t.Errorf("policy %q, aliases (-want +got):\n%s", got.Policy, diff)
	}
	if got.LastUse != (guard.Use{Known: true}) {
		t.Errorf("last use = %+v, want none", got.LastUse)
	}
	if _, err := p.sdk.Encrypt(t.Context(), &sdk.EncryptInput{KeyId: &key, Plaintext: []byte("secret")}); err != nil {
		t.Fatal(err)
	}
	got, err = p.keys.Users(t.Context(), key)
	if u := got.LastUse; err != nil || !u.Known || u.Operation != "Encrypt" || !u.At.Equal(awstest.Noon) || u.Event == "" {
		t.Errorf("last use = %+v, %v", u, err)
	}
}

// A last use that KMS does not tell is not known; a list that is cut off is an error.
func TestUsersUnread(t *testing.T) {
	t.Parallel()
	p := begin(t)
	key := p.Key()
	p.Refuse("GetKeyLastUsage", awstest.Error("ThrottlingException"))
	if got, err := p.keys.Users(t.Context(), key); err != nil || got.LastUse != (guard.Use{}) {
		t.Errorf("Users = %+v, %v, want a last use that is not known", got, err)
	}
	for n := range 101 {
		p.grant(t, key, fmt.Sprintf("i-%017x", n), awstest.Session, 1)
	}
	p.Refuse("ListGrants", nil, awstest.Error("ThrottlingException"))
	got, err := p.keys.Users(t.Context(), key)
	awstest.Wrapped(t, err, fault.Transient, "listing grants: ThrottlingException")
	if len(got.Grants) > 0 {
		t.Errorf("Users gives %d grants of a list that was cut off", len(got.Grants))
	}
	p.Refuse("ListGrants")
	own := map[string]fault.Kind{"NotFoundException": fault.NotFound, "InvalidArnException": fault.Invalid, "KMSInternalException": fault.Transient}
	for _, operation := range []string{"GetKeyPolicy", "ListAliases"} {
		p.Mapped(t, operation, own, func(ctx context.Context, cfg aws.Config) error {
			var err error
			if operation == "GetKeyPolicy" {
				_, err = kmskey.New(cfg).KeyPolicy(ctx, key)
			} else {
				_, err = kmskey.New(cfg).Users(ctx, key)
			}
			return err
		})
	}
}
