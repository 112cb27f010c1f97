package topic_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/keyward/keyward/local/sns"
	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/aws/topic"
	"github.com/keyward/keyward/shared/fault"
)

const arn = "arn:aws:sns:us-east-1:123456789012:keyward-Alarms"

func begin(t *testing.T) (*awstest.Place, *sns.SNS) {
	t.Helper()
	p := awstest.New(t)
	s := sns.New(sns.Options{Clock: p.Clock, Account: awstest.Account, Region: awstest.Region})
	s.CreateTopic(arn)
	if err := s.Email(arn, "ops@example.com"); err != nil {
		t.Fatal(err)
	}
	p.Register(s.Service())
	return p, s
}

func TestSubscriptions(t *testing.T) {
	t.Parallel()
	p, s := begin(t)
	for _, confirmed := range []bool{true, false} {
		s.Confirm(confirmed)
		got, err := topic.New(p.Config).Subscriptions(t.Context(), arn)
		if err != nil || len(got) != 1 || got[0].Endpoint != "ops@example.com" || got[0].Confirmed != confirmed {
			t.Errorf("Subscriptions = %+v, %v, want one, confirmed %t", got, err, confirmed)
		}
	}
	_, err := topic.New(p.Config).Subscriptions(t.Context(), arn+"x")
	awstest.Wrapped(t, err, fault.NotFound, "NotFound")
}

func TestErrors(t *testing.T) {
	t.Parallel()
	p, _ := begin(t)
	p.Mapped(t, "ListSubscriptionsByTopic", map[string]fault.Kind{"AuthorizationError": fault.Denied}, func(ctx context.Context, cfg aws.Config) error {
		_, err := topic.New(cfg).Subscriptions(ctx, arn)
		return err
	})
}
