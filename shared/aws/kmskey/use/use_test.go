package use_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/aws/kmskey/revoke"
	"github.com/keyward/keyward/shared/aws/kmskey/use"
	"github.com/keyward/keyward/shared/fault"
)

func TestUse(t *testing.T) {
	t.Parallel()
	p := awstest.New(t)
	p.KMS()
	arn := p.Key()
	p.Calls()
	if disabled, err := use.New(p.Config).Use(t.Context(), arn, "drill-machine"); err != nil || disabled {
		t.Errorf("Use = %t, %v", disabled, err)
	}
	c := p.Only()
	if context, _ := c.Input["EncryptionContext"].(map[string]any); c.Operation != "GenerateDataKeyWithoutPlaintext" || context["keyward:machine"] != "drill-machine" {
		t.Errorf("call = %+v", c)
	}
	if err := revoke.New(p.Config).DisableKey(t.Context(), arn); err != nil {
		t.Fatal(err)
	}
	if disabled, err := use.New(p.Config).Use(t.Context(), arn, "drill-machine"); err != nil || !disabled {
		t.Errorf("Use of a disabled key = %t, %v", disabled, err)
	}
}

// Nothing but KMS's own word for it says that a key is disabled.
func TestErrors(t *testing.T) {
	t.Parallel()
	p := awstest.New(t)
	p.KMS()
	arn := p.Key()
	own := map[string]fault.Kind{
		"AccessDeniedException": fault.Denied, "KMSInternalException": fault.Transient, "KeyUnavailableException": fault.Transient,
		"KMSInvalidStateException": fault.Conflict, "NotFoundException": fault.NotFound,
	}
	p.Mapped(t, "GenerateDataKeyWithoutPlaintext", own, func(ctx context.Context, cfg aws.Config) error {
		disabled, err := use.New(cfg).Use(ctx, arn, "drill-machine")
		if disabled {
			t.Error("an error says that the key is disabled")
		}
		return err
	})
}
