package wrap_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/aws/kmskey/wrap"
	"github.com/keyward/keyward/shared/fault"
)

func TestDataKey(t *testing.T) {
	t.Parallel()
	p := awstest.New(t)
	p.KMS()
	arn := p.Key()
	plaintext, blob, err := wrap.New(p.Config).DataKey(t.Context(), arn, awstest.Machine)
	if err != nil || len(plaintext) != 32 {
		t.Fatalf("DataKey = %d bytes, %v", len(plaintext), err)
	}
	decrypt := func(machine string) ([]byte, error) {
		out, err := sdk.NewFromConfig(p.Config).Decrypt(t.Context(), &sdk.DecryptInput{CiphertextBlob: blob, EncryptionContext: map[string]string{"keyward:machine": machine}})
		if err != nil {
			return nil, err
		}
		return out.Plaintext, nil
	}
	if got, err := decrypt(awstest.Machine); err != nil || !bytes.Equal(got, plaintext) {
		t.Errorf("the blob decrypts to something else: %v", err)
	}
	if _, err := decrypt(awstest.Other); err == nil {
		t.Error("it decrypts for another machine")
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	p := awstest.New(t)
	p.KMS()
	arn := p.Key()
	own := map[string]fault.Kind{"DisabledException": fault.Conflict, "NotFoundException": fault.NotFound, "KMSInternalException": fault.Transient}
	p.Mapped(t, "GenerateDataKey", own, func(ctx context.Context, cfg aws.Config) error {
		plaintext, blob, err := wrap.New(cfg).DataKey(ctx, arn, awstest.Machine)
		if plaintext != nil || blob != nil {
			t.Error("an error came with a key")
		}
		return err
	})
}
