package quota_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/keyward/keyward/local/servicequotas"
	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/aws/quota"
	"github.com/keyward/keyward/shared/fault"
)

func begin(t *testing.T) *awstest.Place {
	t.Helper()
	p := awstest.New(t)
	p.Register(servicequotas.Service(servicequotas.Config{Account: awstest.Account, Region: awstest.Region, Rates: map[string]float64{"kms.DisableKey": 5, "states.StartExecution": 300}}))
	return p
}

func TestOf(t *testing.T) {
	t.Parallel()
	p := begin(t)
	if all, err := quota.New(p.Config).Of(t.Context(), "kms"); err != nil || len(all) != 1 || all["DisableKey request rate"] != 5 {
		t.Errorf("Of = %v, %v", all, err)
	}
	_, err := quota.New(p.Config).Of(t.Context(), "none")
	awstest.Wrapped(t, err, fault.NotFound, "NoSuchResourceException")
}

func TestErrors(t *testing.T) {
	t.Parallel()
	begin(t).Mapped(t, "ListServiceQuotas", nil, func(ctx context.Context, cfg aws.Config) error {
		_, err := quota.New(cfg).Of(ctx, "kms")
		return err
	})
}
