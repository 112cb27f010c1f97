package revoke_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/aws/kmskey/release"
	"github.com/keyward/keyward/shared/aws/kmskey/revoke"
	"github.com/keyward/keyward/shared/fault"
)

func begin(t *testing.T) *awstest.Place {
	t.Helper()
	p := awstest.New(t)
	p.KMS()
	return p
}

func grant(t *testing.T, p *awstest.Place, key, machine, session string, generation int64) kmskey.Granted {
	t.Helper()
	g, err := release.New(p.Config).Grant(t.Context(), key, machine, session, generation)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestRevokeGrant(t *testing.T) {
	t.Parallel()
	p := begin(t)
	arn := p.Key()
	granted := grant(t, p, arn, awstest.Machine, awstest.Session, 1)
	stays := grant(t, p, arn, awstest.Other, awstest.OtherSession, 1)
	p.Calls()
	if err := revoke.New(p.Config).RevokeGrant(t.Context(), arn, granted.ID); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"KeyId": arn, "GrantId": granted.ID}, p.Only().Input); diff != "" {
		t.Errorf("RevokeGrant on the wire (-want +got):\n%s", diff)
	}
	if err := revoke.New(p.Config).RevokeGrant(t.Context(), arn, granted.ID); err != nil {
		t.Errorf("RevokeGrant of a gone grant = %v, want success", err)
	}
	left, err := kmskey.New(p.Config).Grants(t.Context(), arn, "")
	if err != nil || len(left) != 1 || left[0].ID != stays.ID {
		t.Errorf("Grants = %+v, %v, want the other machine's alone", left, err)
	}
}

// DisableKey of a key that is disabled already is success.
func TestDisableKey(t *testing.T) {
	t.Parallel()
	p := begin(t)
	arn := p.Key()
	for range 2 {
		if err := revoke.New(p.Config).DisableKey(t.Context(), arn); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]any{"KeyId": arn}, p.Only().Input); diff != "" {
			t.Errorf("DisableKey on the wire (-want +got):\n%s", diff)
		}
		if k, err := kmskey.New(p.Config).Key(t.Context(), arn); err != nil || k.Enabled != false {
			t.Errorf("Key = %+v, %v, want enabled false", k, err)
		}
		p.Calls()
	}
}

func TestUnknownKey(t *testing.T) {
	t.Parallel()
	p := begin(t)
	const arn = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	awstest.Wrapped(t, revoke.New(p.Config).DisableKey(t.Context(), arn), fault.NotFound, "disabling key: NotFoundException")
}

func TestErrors(t *testing.T) {
	t.Parallel()
	p := begin(t)
	arn := p.Key()
	own := map[string]fault.Kind{
		"KMSInvalidStateException": fault.Conflict, "KMSInternalException": fault.Transient, "DependencyTimeoutException": fault.Transient,
		"InvalidArnException": fault.Invalid,
	}
	p.Mapped(t, "DisableKey", own, func(ctx context.Context, cfg aws.Config) error { return revoke.New(cfg).DisableKey(ctx, arn) })
	own["InvalidGrantIdException"] = fault.Invalid
	p.Mapped(t, "RevokeGrant", own, func(ctx context.Context, cfg aws.Config) error { return revoke.New(cfg).RevokeGrant(ctx, arn, "abc") })
}
