package sns_test

import (
	"errors"
	"testing"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/sns"
	"github.com/keyward/keyward/local/wire"
)

func TestListRefusals(t *testing.T) {
	t.Parallel()
	const topic = "arn:aws:sns:us-east-1:123456789012:alarms"
	s := sns.New(sns.Options{Clock: clock.New(nil), Account: "123456789012", Region: "us-east-1"})
	s.CreateTopic(topic)
	if err := s.Email("none", "ops@example.com"); err == nil {
		t.Error("an address was subscribed to a topic that is not there")
	}
	for _, tt := range []struct {
		kind       wire.Kind
		body, code string
	}{
		{wire.Function, `{"TopicArn":"` + topic + `"}`, "AuthorizationError"},
		{wire.Operator, `{"TopicArn":"none"}`, "NotFound"},
		{wire.Operator, `{"TopicArn":"` + topic + `","NextToken":"x"}`, "InvalidParameter"},
		{wire.Operator, `{"TopicArn":"` + topic + `","Other":"x"}`, "NotImplemented"},
	} {
		_, err := s.Service().Operations["ListSubscriptionsByTopic"](t.Context(), &wire.Request{Body: []byte(tt.body), Caller: wire.Principal{Kind: tt.kind}})
		var e *wire.Error
		if !errors.As(err, &e) || e.Code != tt.code {
			t.Errorf("%s as %s: %v, want %s", tt.body, tt.kind, err, tt.code)
		}
	}
}
