package sesmail

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/doctor"
)

// Account reads where the account stands with SES. It sends nothing.
type Account struct{ api *sesv2.Client }

// NewAccount returns one.
func NewAccount(cfg aws.Config) *Account { return &Account{api: sesv2.NewFromConfig(cfg)} }

// Standing is what the account may send.
func (a *Account) Standing(ctx context.Context) (doctor.Mail, error) {
	out, err := a.api.GetAccount(ctx, &sesv2.GetAccountInput{})
	if err != nil {
		return doctor.Mail{}, awsconf.Wrap(err, "reading the account at SES")
	}
	m := doctor.Mail{Sandbox: !out.ProductionAccessEnabled, Sends: out.SendingEnabled, Enforcement: aws.ToString(out.EnforcementStatus)}
	if q := out.SendQuota; q != nil {
		m.Day, m.Rate, m.Sent = q.Max24HourSend, q.MaxSendRate, q.SentLast24Hours
	}
	if d := out.Details; d != nil && d.ReviewDetails != nil {
		m.Review = string(d.ReviewDetails.Status)
	}
	return m, nil
}

// Verified is whether mail may be sent from an identity, an address or a domain.
func (a *Account) Verified(ctx context.Context, identity string) (bool, error) {
	out, err := a.api.GetEmailIdentity(ctx, &sesv2.GetEmailIdentityInput{EmailIdentity: &identity})
	if err != nil {
		return false, awsconf.Wrap(err, "reading the sender at SES")
	}
	return out.VerifiedForSendingStatus, nil
}
