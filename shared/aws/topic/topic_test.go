package topic_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

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
	p.Mapped(t, "Publish", map[string]fault.Kind{
		"AuthorizationError": fault.Denied, "NotFound": fault.NotFound, "InvalidParameter": fault.Invalid, "InvalidSecurity": fault.Invalid, "EndpointDisabled": fault.Invalid, "InternalError": fault.Transient,
		"KMSAccessDenied": fault.Denied, "KMSOptInRequired": fault.Denied, "KMSDisabled": fault.Conflict, "KMSInvalidState": fault.Conflict, "KMSNotFound": fault.NotFound, "KMSThrottling": fault.Transient,
	}, func(ctx context.Context, cfg aws.Config) error {
		_, err := topic.New(cfg).Publish(ctx, arn, topic.Message{Text: "t"})
		return err
	})
	p.Mapped(t, "ListSubscriptionsByTopic", map[string]fault.Kind{"AuthorizationError": fault.Denied}, func(ctx context.Context, cfg aws.Config) error {
		_, err := topic.New(cfg).Subscriptions(ctx, arn)
		return err
	})
}

func TestPublish(t *testing.T) {
	t.Parallel()
	p, s := begin(t)
	id, err := topic.New(p.Config).Publish(t.Context(), arn, topic.Message{Subject: "2 machines\r\n of Größe" + strings.Repeat("x", 100), Text: "two\nlines", Attributes: map[string]string{"event": "warning", "policy": ""}})
	if err != nil {
		t.Fatal(err)
	}
	want := []sns.Message{{
		ID: id, Topic: arn, At: awstest.Noon, Subject: "2 machines of Gr??e" + strings.Repeat("x", 80), Text: "two\nlines", Attributes: map[string]string{"event": "warning"},
	}}
	if diff := cmp.Diff(want, s.Messages()); diff != "" {
		t.Errorf("published (-want +got):\n%s", diff)
	}
	if _, err := topic.New(p.Config).Publish(t.Context(), arn, topic.Message{Subject: "\u202e", Text: "t"}); err != nil {
		t.Errorf("without a subject: %v", err)
	}
	_, err = topic.New(p.Config).Publish(t.Context(), arn+"x", topic.Message{Text: "t"})
	awstest.Wrapped(t, err, fault.NotFound, "NotFound")
	_, err = topic.New(p.Config).Publish(t.Context(), arn, topic.Message{})
	awstest.Wrapped(t, err, fault.Invalid, "InvalidParameter")
}
