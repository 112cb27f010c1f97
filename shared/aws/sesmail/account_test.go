package sesmail_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"github.com/keyward/keyward/local/ses"
	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/aws/sesmail"
	"github.com/keyward/keyward/shared/fault"
)

func TestAccount(t *testing.T) {
	t.Parallel()
	p := awstest.New(t)
	s := ses.New(ses.Options{Clock: p.Clock, Account: awstest.Account, Region: awstest.Region})
	if err := s.CreateEmailIdentity("keyward@example.com"); err != nil {
		t.Fatal(err)
	}
	p.Register(s.Service())
	a := sesmail.NewAccount(p.Config)
	m, err := a.Standing(t.Context())
	if err != nil || m.Sandbox || !m.Sends || m.Enforcement != "HEALTHY" || m.Day != 50_000 || m.Rate != 14 || m.Review != "" {
		t.Errorf("Standing = %+v, %v", m, err)
	}
	if err := s.Stand(ses.Standing{Sandbox: true, Unverified: []string{"keyward@example.com"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := sdk.NewFromConfig(p.Config).PutAccountDetails(t.Context(), &sdk.PutAccountDetailsInput{
		MailType: types.MailTypeTransactional, WebsiteURL: aws.String("https://example.com"), ProductionAccessEnabled: aws.Bool(true),
	}); err != nil {
		t.Fatal(err)
	}
	if m, err = a.Standing(t.Context()); err != nil || !m.Sandbox || m.Day != 200 || m.Review != "PENDING" {
		t.Errorf("in the sandbox, Standing = %+v, %v", m, err)
	}
	if is, err := a.Verified(t.Context(), "keyward@example.com"); err != nil || is {
		t.Errorf("Verified = %t, %v, want that nobody followed the link", is, err)
	}
	_, err = a.Verified(t.Context(), "other@example.com")
	awstest.Wrapped(t, err, fault.NotFound, "NotFoundException")
	p.Mapped(t, "GetAccount", nil, func(ctx context.Context, cfg aws.Config) error {
		_, err := sesmail.NewAccount(cfg).Standing(ctx)
		return err
	})
	p.Mapped(t, "GetEmailIdentity", nil, func(ctx context.Context, cfg aws.Config) error {
		_, err := sesmail.NewAccount(cfg).Verified(ctx, "keyward@example.com")
		return err
	})
}
