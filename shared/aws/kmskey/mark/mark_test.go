package mark_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/aws/kmskey/mark"
	"github.com/keyward/keyward/shared/fault"
)

func TestGuard(t *testing.T) {
	t.Parallel()
	p := awstest.New(t)
	p.KMS()
	out, err := sdk.NewFromConfig(p.Config).CreateKey(t.Context(), &sdk.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	arn := aws.ToString(out.KeyMetadata.Arn)
	c := mark.New(p.Config)
	if n, err := c.Nature(t.Context(), arn); err != nil || !n.Fit || n.Imported || n.Copies != nil {
		t.Errorf("Nature = %+v, %v, want a plain customer's key", n, err)
	}
	for range 2 { // it is the same the second time
		if err := c.Guard(t.Context(), arn); err != nil {
			t.Fatal(err)
		}
		if k, err := kmskey.New(p.Config).Key(t.Context(), arn); err != nil || !k.Guarded {
			t.Errorf("Key = %+v, %v, want it guarded", k, err)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	p := awstest.New(t)
	p.KMS()
	arn := p.Key()
	own := map[string]fault.Kind{"NotFoundException": fault.NotFound, "KMSInvalidStateException": fault.Conflict}
	p.Mapped(t, "DescribeKey", own, func(ctx context.Context, cfg aws.Config) error {
		_, err := mark.New(cfg).Nature(ctx, arn)
		return err
	})
	p.Mapped(t, "TagResource", own, func(ctx context.Context, cfg aws.Config) error { return mark.New(cfg).Guard(ctx, arn) })
}
