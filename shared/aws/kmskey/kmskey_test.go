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
	"github.com/keyward/keyward/shared/aws/kmskey/release"
	"github.com/keyward/keyward/shared/aws/kmskey/revoke"
	"github.com/keyward/keyward/shared/fault"
)

type place struct {
	*awstest.Place
	keys *kmskey.Client
	sdk  *sdk.Client
}

func begin(t *testing.T) *place {
	t.Helper()
	p := awstest.New(t)
	return &place{sdk: p.KMS(), Place: p, keys: kmskey.New(p.Config)}
}

func (p *place) grant(t *testing.T, key, machine, session string, generation int64) kmskey.Granted {
	t.Helper()
	g, err := release.New(p.Config).Grant(t.Context(), key, machine, session, generation)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestKey(t *testing.T) {
	t.Parallel()
	p := begin(t)
	for name, c := range map[string]struct {
		tags    []string
		guarded bool
	}{
		"guarded":        {[]string{"Name", "web", kmskey.GuardedTag, "true"}, true},
		"other value":    {[]string{kmskey.GuardedTag, "yes"}, false},
		"empty value":    {[]string{kmskey.GuardedTag, ""}, false},
		"other case":     {[]string{"Keyward:Guarded", "true"}, false},
		"no tags at all": {nil, false},
	} {
		arn := p.Key(c.tags...)
		got, err := p.keys.Key(t.Context(), arn)
		want := kmskey.Key{ARN: arn, State: "Enabled", Enabled: true, Guarded: c.guarded}
		if err != nil || got != want {
			t.Errorf("%s: Key = %+v, %v, want %+v", name, got, err, want)
		}
	}
}

func TestKeyByAliasAndAfterDisabling(t *testing.T) {
	t.Parallel()
	p := begin(t)
	arn := p.Key(kmskey.GuardedTag, "true")
	if _, err := p.sdk.CreateAlias(t.Context(), &sdk.CreateAliasInput{AliasName: aws.String("alias/web"), TargetKeyId: aws.String(arn[len(arn)-36:])}); err != nil {
		t.Fatal(err)
	}
	if err := revoke.New(p.Config).DisableKey(t.Context(), arn); err != nil {
		t.Fatal(err)
	}
	got, err := p.keys.Key(t.Context(), "alias/web")
	if want := (kmskey.Key{ARN: arn, State: "Disabled", Guarded: true}); err != nil || got != want {
		t.Errorf("Key(alias/web) = %+v, %v, want %+v", got, err, want)
	}
}

func TestGrants(t *testing.T) {
	t.Parallel()
	p := begin(t)
	arn := p.Key()
	var mine []kmskey.Grant
	for g := range int64(120) { // more than one page of 100
		id := p.grant(t, arn, awstest.Machine, awstest.Session, g).ID
		mine = append(mine, kmskey.Grant{ID: id, Name: kmskey.GrantName(awstest.Machine, g), Grantee: awstest.Session, Operations: []string{"Decrypt", "GenerateDataKey"}})
	}
	p.grant(t, arn, awstest.Other, awstest.OtherSession, 1)
	p.Calls()
	got, err := p.keys.Grants(t.Context(), arn, awstest.Session)
	if diff := cmp.Diff(mine, got); err != nil || diff != "" {
		t.Errorf("Grants of a session: %v (-want +got):\n%s", err, diff)
	}
	calls := p.Calls()
	if len(calls) != 2 || calls[0].Input["GranteePrincipal"] != awstest.Session || calls[1].Input["Marker"] == "" {
		t.Errorf("calls = %+v, want two pages of one grantee", calls)
	}
	all, err := p.keys.Grants(t.Context(), arn, "")
	if err != nil || len(all) != 121 {
		t.Errorf("Grants of a key = %d, %v, want 121", len(all), err)
	}
	if none, err := p.keys.Grants(t.Context(), p.Key(), ""); err != nil || len(none) != 0 {
		t.Errorf("Grants of a key without = %v, %v, want none", none, err)
	}
}

func TestUnknownKeys(t *testing.T) {
	t.Parallel()
	p := begin(t)
	arn := fmt.Sprintf("arn:aws:kms:%s:%s:key/1234abcd-12ab-34cd-56ef-1234567890ab", awstest.Region, awstest.Account)
	for name, err := range map[string]error{
		"Key":    second(p.keys.Key(t.Context(), arn)),
		"Grants": second(p.keys.Grants(t.Context(), arn, "")),
	} {
		t.Run(name, func(t *testing.T) { awstest.Wrapped(t, err, fault.NotFound, "NotFoundException") })
	}
}

func second[T any](_ T, err error) error { return err }

func TestErrors(t *testing.T) {
	t.Parallel()
	p := begin(t)
	arn := p.Key()
	own := map[string]fault.Kind{
		"NotFoundException": fault.NotFound, "KMSInternalException": fault.Transient, "DependencyTimeoutException": fault.Transient,
		"KMSInvalidStateException": fault.Conflict, "LimitExceededException": fault.Transient, "InvalidArnException": fault.Invalid,
	}
	p.Mapped(t, "DescribeKey", own, func(ctx context.Context, cfg aws.Config) error { return second(kmskey.New(cfg).Key(ctx, arn)) })
	p.Mapped(t, "ListResourceTags", own, func(ctx context.Context, cfg aws.Config) error { return second(kmskey.New(cfg).Key(ctx, arn)) })
	p.Mapped(t, "ListGrants", own, func(ctx context.Context, cfg aws.Config) error {
		return second(kmskey.New(cfg).Grants(ctx, arn, ""))
	})
}

func TestOurs(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		kmskey.GrantName(awstest.Machine, 3):  true,
		"keyward-" + awstest.Machine + "-12":  true,
		kmskey.GrantName(awstest.Other, 3):    false,
		"keyward-" + awstest.Machine + "0-3":  false,
		"x-keyward-" + awstest.Machine + "-3": false,
		"":                                    false,
		"backup of " + awstest.Machine:        false,
	} {
		if got := (kmskey.Grant{Name: name}).Ours(awstest.Machine); got != want {
			t.Errorf("Ours(%q) = %v, want %v", name, got, want)
		}
	}
}
