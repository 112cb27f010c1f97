package release_test

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

// What a grant allows is what a machine gets: decrypting and new data keys, under its own id, for its own session.
func TestGrantOnTheWire(t *testing.T) {
	t.Parallel()
	p := begin(t)
	arn := p.Key()
	granted := grant(t, p, arn, awstest.Machine, awstest.Session, 3)
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
	again := grant(t, p, arn, awstest.Machine, awstest.Session, 3)
	if again.ID != granted.ID {
		t.Errorf("the same grant again has id %s, want %s", again.ID, granted.ID)
	}
	if next := grant(t, p, arn, awstest.Machine, awstest.Session, 4); next.ID == granted.ID {
		t.Error("the next generation has the grant of the last one")
	}
}

// EnableKey of a key that is enabled already is success.
func TestEnableKey(t *testing.T) {
	t.Parallel()
	p := begin(t)
	arn := p.Key()
	if err := revoke.New(p.Config).DisableKey(t.Context(), arn); err != nil {
		t.Fatal(err)
	}
	p.Calls()
	for range 2 {
		if err := release.New(p.Config).EnableKey(t.Context(), arn); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]any{"KeyId": arn}, p.Only().Input); diff != "" {
			t.Errorf("EnableKey on the wire (-want +got):\n%s", diff)
		}
		if k, err := kmskey.New(p.Config).Key(t.Context(), arn); err != nil || k.Enabled != true {
			t.Errorf("Key = %+v, %v, want enabled true", k, err)
		}
		p.Calls()
	}
}

func TestUnknownKey(t *testing.T) {
	t.Parallel()
	p := begin(t)
	const arn = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	awstest.Wrapped(t, release.New(p.Config).EnableKey(t.Context(), arn), fault.NotFound, "enabling key: NotFoundException")
	_, err := release.New(p.Config).Grant(t.Context(), arn, awstest.Machine, awstest.Session, 1)
	awstest.Wrapped(t, err, fault.NotFound, "creating grant: NotFoundException")
}

// A key that is disabled gives nobody a grant.
func TestGrantOnADisabledKey(t *testing.T) {
	t.Parallel()
	p := begin(t)
	arn := p.Key()
	if err := revoke.New(p.Config).DisableKey(t.Context(), arn); err != nil {
		t.Fatal(err)
	}
	_, err := release.New(p.Config).Grant(t.Context(), arn, awstest.Machine, awstest.Session, 1)
	awstest.Wrapped(t, err, fault.Conflict, "creating grant: DisabledException")
}

func TestErrors(t *testing.T) {
	t.Parallel()
	p := begin(t)
	arn := p.Key()
	own := map[string]fault.Kind{
		"NotFoundException": fault.NotFound, "DisabledException": fault.Conflict, "KMSInvalidStateException": fault.Conflict,
		"KMSInternalException": fault.Transient, "LimitExceededException": fault.Transient,
	}
	p.Mapped(t, "CreateGrant", own, func(ctx context.Context, cfg aws.Config) error {
		_, err := release.New(cfg).Grant(ctx, arn, awstest.Machine, awstest.Session, 1)
		return err
	})
	p.Mapped(t, "EnableKey", own, func(ctx context.Context, cfg aws.Config) error { return release.New(cfg).EnableKey(ctx, arn) })
}
