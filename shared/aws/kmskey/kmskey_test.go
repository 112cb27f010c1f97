package kmskey_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/kms"
	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/aws/kmskey/release"
	"github.com/keyward/keyward/shared/aws/kmskey/revoke"
	"github.com/keyward/keyward/shared/fault"
)

const otherSession = "arn:aws:sts::123456789012:assumed-role/web/" + awstest.Other

type place struct {
	*awstest.Place
	keys    *kmskey.Client
	revoke  *revoke.Client
	release *release.Client
	sdk     *sdk.Client
}

func begin(t *testing.T) *place {
	t.Helper()
	p := awstest.New(t)
	p.Register(kms.New(kms.Config{Account: awstest.Account, Region: awstest.Region, Now: p.Clock.Now}).Service())
	return &place{p, kmskey.New(p.Config), revoke.New(p.Config), release.New(p.Config), sdk.NewFromConfig(p.Config)}
}

// key makes a key with these tags, name and value in turn, and returns its ARN.
func (p *place) key(t *testing.T, tags ...string) string {
	t.Helper()
	in := &sdk.CreateKeyInput{}
	for i := 0; i < len(tags); i += 2 {
		in.Tags = append(in.Tags, types.Tag{TagKey: &tags[i], TagValue: &tags[i+1]})
	}
	out, err := p.sdk.CreateKey(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	p.Calls()
	return aws.ToString(out.KeyMetadata.Arn)
}

func (p *place) grant(t *testing.T, key, machine, session string, generation int64) release.Granted {
	t.Helper()
	g, err := p.release.Grant(t.Context(), key, machine, session, generation)
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
		arn := p.key(t, c.tags...)
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
	arn := p.key(t, kmskey.GuardedTag, "true")
	if _, err := p.sdk.CreateAlias(t.Context(), &sdk.CreateAliasInput{AliasName: aws.String("alias/web"), TargetKeyId: aws.String(arn[len(arn)-36:])}); err != nil {
		t.Fatal(err)
	}
	if err := p.revoke.DisableKey(t.Context(), arn); err != nil {
		t.Fatal(err)
	}
	got, err := p.keys.Key(t.Context(), "alias/web")
	if want := (kmskey.Key{ARN: arn, State: "Disabled", Guarded: true}); err != nil || got != want {
		t.Errorf("Key(alias/web) = %+v, %v, want %+v", got, err, want)
	}
}

func TestDisableAndEnableAreHarmlessToRepeat(t *testing.T) {
	t.Parallel()
	p := begin(t)
	arn := p.key(t)
	for _, step := range []struct {
		name    string
		do      func(context.Context, string) error
		enabled bool
	}{
		{"disable", p.revoke.DisableKey, false}, {"disable again", p.revoke.DisableKey, false},
		{"enable", p.release.EnableKey, true}, {"enable again", p.release.EnableKey, true},
	} {
		if err := step.do(t.Context(), arn); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
		if k, err := p.keys.Key(t.Context(), arn); err != nil || k.Enabled != step.enabled {
			t.Errorf("after %s: Key = %+v, %v, want enabled %v", step.name, k, err, step.enabled)
		}
	}
	if diff := cmp.Diff("DisableKey", p.Calls()[0].Operation); diff != "" {
		t.Error(diff)
	}
}

// What a grant allows is what a machine gets: decrypting and new data keys, under its own id, for its own session.
func TestGrantOnTheWire(t *testing.T) {
	t.Parallel()
	p := begin(t)
	arn := p.key(t)
	granted := p.grant(t, arn, awstest.Machine, awstest.Session, 3)
	want := map[string]any{
		"KeyId": arn, "GranteePrincipal": awstest.Session, "Name": "keyward-" + awstest.Machine + "-3",
		"Operations":  []any{"Decrypt", "GenerateDataKey"},
		"Constraints": map[string]any{"EncryptionContextSubset": map[string]any{"keyward:machine": awstest.Machine}},
	}
	if diff := cmp.Diff(want, p.Only().Input); diff != "" {
		t.Errorf("CreateGrant on the wire (-want +got):\n%s", diff)
	}
	if granted.ID == "" || granted.Token == "" {
		t.Errorf("Grant = %+v, want an id and a token", granted)
	}
	again := p.grant(t, arn, awstest.Machine, awstest.Session, 3)
	if again.ID != granted.ID {
		t.Errorf("the same grant again has id %s, want %s", again.ID, granted.ID)
	}
	if next := p.grant(t, arn, awstest.Machine, awstest.Session, 4); next.ID == granted.ID {
		t.Error("the next generation has the grant of the last one")
	}
}

func TestGrants(t *testing.T) {
	t.Parallel()
	p := begin(t)
	arn := p.key(t)
	var mine []kmskey.Grant
	for g := range int64(120) { // more than one page of 100
		id := p.grant(t, arn, awstest.Machine, awstest.Session, g).ID
		mine = append(mine, kmskey.Grant{ID: id, Name: kmskey.GrantName(awstest.Machine, g), Grantee: awstest.Session})
	}
	p.grant(t, arn, awstest.Other, otherSession, 1)
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
	if none, err := p.keys.Grants(t.Context(), p.key(t), ""); err != nil || len(none) != 0 {
		t.Errorf("Grants of a key without = %v, %v, want none", none, err)
	}
}

func TestRevokeGrant(t *testing.T) {
	t.Parallel()
	p := begin(t)
	arn := p.key(t)
	granted := p.grant(t, arn, awstest.Machine, awstest.Session, 1)
	stays := p.grant(t, arn, awstest.Other, otherSession, 1)
	p.Calls()
	if err := p.revoke.RevokeGrant(t.Context(), arn, granted.ID); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"KeyId": arn, "GrantId": granted.ID}, p.Only().Input); diff != "" {
		t.Errorf("RevokeGrant on the wire (-want +got):\n%s", diff)
	}
	if err := p.revoke.RevokeGrant(t.Context(), arn, granted.ID); err != nil {
		t.Errorf("RevokeGrant of a gone grant = %v, want success", err)
	}
	left, err := p.keys.Grants(t.Context(), arn, "")
	if err != nil || len(left) != 1 || left[0].ID != stays.ID {
		t.Errorf("Grants = %+v, %v, want the other machine's alone", left, err)
	}
}

func TestUnknownKeys(t *testing.T) {
	t.Parallel()
	p := begin(t)
	arn := fmt.Sprintf("arn:aws:kms:%s:%s:key/1234abcd-12ab-34cd-56ef-1234567890ab", awstest.Region, awstest.Account)
	for name, err := range map[string]error{
		"Key":        second(p.keys.Key(t.Context(), arn)),
		"Grants":     second(p.keys.Grants(t.Context(), arn, "")),
		"Grant":      second(p.release.Grant(t.Context(), arn, awstest.Machine, awstest.Session, 1)),
		"EnableKey":  p.release.EnableKey(t.Context(), arn),
		"DisableKey": p.revoke.DisableKey(t.Context(), arn),
	} {
		t.Run(name, func(t *testing.T) { awstest.Wrapped(t, err, fault.NotFound, "NotFoundException") })
	}
}

func second[T any](_ T, err error) error { return err }

func TestErrors(t *testing.T) {
	t.Parallel()
	p := begin(t)
	arn := p.key(t)
	own := map[string]fault.Kind{
		"NotFoundException": fault.NotFound, "KMSInternalException": fault.Transient, "DependencyTimeoutException": fault.Transient,
		"KMSInvalidStateException": fault.Conflict, "LimitExceededException": fault.Transient, "InvalidArnException": fault.Invalid,
	}
	p.Mapped(t, "DescribeKey", own, func(ctx context.Context, cfg aws.Config) error { return second(kmskey.New(cfg).Key(ctx, arn)) })
	p.Mapped(t, "ListResourceTags", own, func(ctx context.Context, cfg aws.Config) error { return second(kmskey.New(cfg).Key(ctx, arn)) })
	p.Mapped(t, "ListGrants", own, func(ctx context.Context, cfg aws.Config) error {
		return second(kmskey.New(cfg).Grants(ctx, arn, ""))
	})
	p.Mapped(t, "CreateGrant", map[string]fault.Kind{"DisabledException": fault.Conflict, "NotFoundException": fault.NotFound},
		func(ctx context.Context, cfg aws.Config) error {
			return second(release.New(cfg).Grant(ctx, arn, awstest.Machine, awstest.Session, 1))
		})
}

func TestErrorsOfWhatNeedNotAnswer(t *testing.T) {
	t.Parallel()
	p := begin(t)
	arn := p.key(t)
	p.Mapped(t, "EnableKey", map[string]fault.Kind{"KMSInvalidStateException": fault.Conflict}, func(ctx context.Context, cfg aws.Config) error {
		return release.New(cfg).EnableKey(ctx, arn)
	})
	p.Mapped(t, "DisableKey", map[string]fault.Kind{"KMSInvalidStateException": fault.Conflict}, func(ctx context.Context, cfg aws.Config) error {
		return revoke.New(cfg).DisableKey(ctx, arn)
	})
	p.Mapped(t, "RevokeGrant", map[string]fault.Kind{"InvalidGrantIdException": fault.Invalid, "KMSInvalidStateException": fault.Conflict},
		func(ctx context.Context, cfg aws.Config) error { return revoke.New(cfg).RevokeGrant(ctx, arn, "abc") })
}
