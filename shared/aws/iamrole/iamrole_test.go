package iamrole_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/keyward/keyward/local/iam"
	"github.com/keyward/keyward/shared/aws/iamrole"
	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/trust"
)

const profile = "arn:aws:iam::123456789012:instance-profile/web"

func begin(t *testing.T) (*awstest.Place, *iamrole.Client) {
	t.Helper()
	p := awstest.New(t)
	i := iam.New(iam.Config{Account: awstest.Account, Now: p.Clock.Now})
	i.Provide("web", trust.EC2)
	p.Register(i.Service())
	return p, iamrole.New(p.Config)
}

func TestTrust(t *testing.T) {
	t.Parallel()
	p, client := begin(t)
	document, err := client.Trust(t.Context(), "web")
	if err != nil || trust.Others(document, trust.EC2) != "" {
		t.Errorf("Trust = %s, %v, want one that EC2 alone may use", document, err)
	}
	// It is what IAM says now, with every character.
	changed := `{"Statement":[{"Sid":"a b+c%","Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}]}`
	if _, err := sdk.NewFromConfig(p.Config).UpdateAssumeRolePolicy(t.Context(), &sdk.UpdateAssumeRolePolicyInput{RoleName: aws.String("web"), PolicyDocument: &changed}); err != nil {
		t.Fatal(err)
	}
	if document, err = client.Trust(t.Context(), "web"); err != nil || document != changed {
		t.Errorf("Trust = %s, %v, want %s", document, err, changed)
	}
	_, err = client.Trust(t.Context(), "other")
	awstest.Wrapped(t, err, fault.NotFound, "NoSuchEntity")
}

func TestProfileRole(t *testing.T) {
	t.Parallel()
	_, client := begin(t)
	if role, err := client.ProfileRole(t.Context(), profile); err != nil || role != "web" {
		t.Errorf("ProfileRole = %q, %v, want web", role, err)
	}
	for arn, says := range map[string]string{
		"arn:aws:iam::123456789012:instance-profile/other":     "NoSuchEntity",
		"arn:aws:iam::123456789012:instance-profile/other/web": "another one",
		"arn:aws:iam::111122223333:instance-profile/web":       "another one",
	} {
		_, err := client.ProfileRole(t.Context(), arn)
		awstest.Wrapped(t, err, fault.NotFound, says)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	p, _ := begin(t)
	own := map[string]fault.Kind{"Throttling": fault.Transient, "AccessDenied": fault.Denied, "NoSuchEntity": fault.NotFound, "ServiceFailure": fault.Transient}
	p.Mapped(t, "GetRole", own, func(ctx context.Context, cfg aws.Config) error {
		_, err := iamrole.New(cfg).Trust(ctx, "web")
		return err
	})
	p.Mapped(t, "GetInstanceProfile", own, func(ctx context.Context, cfg aws.Config) error {
		_, err := iamrole.New(cfg).ProfileRole(ctx, profile)
		return err
	})
}
