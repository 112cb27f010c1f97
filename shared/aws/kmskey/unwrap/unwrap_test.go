package unwrap_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyward/keyward/local/wire"
	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/aws/kmskey/release"
	"github.com/keyward/keyward/shared/aws/kmskey/revoke"
	"github.com/keyward/keyward/shared/aws/kmskey/unwrap"
	"github.com/keyward/keyward/shared/fault"
)

func of(machine string) map[string]string { return map[string]string{kmskey.ContextKey: machine} }

// wrapped is a data key of a machine.
func wrapped(t *testing.T, keys *sdk.Client, key, machine string) (plaintext, blob []byte) {
	t.Helper()
	out, err := keys.GenerateDataKey(t.Context(), &sdk.GenerateDataKeyInput{KeyId: &key, KeySpec: types.DataKeySpecAes256, EncryptionContext: of(machine)})
	if err != nil {
		t.Fatal(err)
	}
	return out.Plaintext, out.CiphertextBlob
}

// A machine opens what is its own, by its grant and for as long as it has it, and nothing of another machine.
func TestUnwrap(t *testing.T) {
	t.Parallel()
	p := awstest.New(t)
	keys := p.KMS()
	key := p.Key(kmskey.GuardedTag, "true")
	plaintext, blob := wrapped(t, keys, key, awstest.Machine)
	_, others := wrapped(t, keys, key, awstest.Other)
	machine := unwrap.New(p.As(wire.Principal{Kind: wire.Machine, ARN: awstest.Session, Account: awstest.Account}, *p.Config.BaseEndpoint))
	if _, err := machine.Unwrap(t.Context(), key, blob, of(awstest.Machine), ""); !fault.Is(err, fault.Denied) {
		t.Errorf("without a grant: %v, want Denied", err)
	}
	grant, err := release.New(p.Config).Grant(t.Context(), key, awstest.Machine, awstest.Session, 1)
	if err != nil {
		t.Fatal(err)
	}
	p.Calls()
	if got, err := machine.Unwrap(t.Context(), key, blob, of(awstest.Machine), grant.Token); err != nil || !bytes.Equal(got, plaintext) {
		t.Errorf("Unwrap = %d bytes, %v, want the data key", len(got), err)
	}
	c := p.Only()
	if tokens, _ := c.Input["GrantTokens"].([]any); c.Operation != "Decrypt" || len(tokens) != 1 || tokens[0] != grant.Token || c.Input["KeyId"] != key {
		t.Errorf("call = %+v, want Decrypt by the key with the grant token", c)
	}
	if _, err := machine.Unwrap(t.Context(), key, others, of(awstest.Other), grant.Token); !fault.Is(err, fault.Denied) {
		t.Errorf("another machine's: %v, want Denied", err)
	}
	if got, err := machine.Unwrap(t.Context(), key, blob, of(awstest.Machine), ""); err != nil || !bytes.Equal(got, plaintext) {
		t.Errorf("without the token: %v", err)
	}
	if err := revoke.New(p.Config).RevokeGrant(t.Context(), key, grant.ID); err != nil {
		t.Fatal(err)
	}
	p.Settle()
	if _, err := machine.Unwrap(t.Context(), key, blob, of(awstest.Machine), ""); !fault.Is(err, fault.Denied) {
		t.Errorf("after the revocation: %v, want Denied", err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	p := awstest.New(t)
	keys := p.KMS()
	key := p.Key()
	_, blob := wrapped(t, keys, key, awstest.Machine)
	own := map[string]fault.Kind{
		"AccessDeniedException": fault.Denied, "KMSInternalException": fault.Transient, "KeyUnavailableException": fault.Transient,
		"KMSInvalidStateException": fault.Conflict, "NotFoundException": fault.NotFound,
	}
	p.Mapped(t, "Decrypt", own, func(ctx context.Context, cfg aws.Config) error {
		plaintext, err := unwrap.New(cfg).Unwrap(ctx, key, blob, of(awstest.Machine), "")
		if err != nil && plaintext != nil {
			t.Error("there is a plaintext beside the error")
		}
		return err
	})
}
