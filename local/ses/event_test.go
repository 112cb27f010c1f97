package ses_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/ses"
	"github.com/keyward/keyward/local/wire"
)

func TestDeliveryRecord(t *testing.T) {
	t.Parallel()
	p := newPost(t, wire.Function)
	id := send(t, p, plain())
	var got any
	if err := json.Unmarshal(p.events[1].Record, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"eventType": "Delivery",
		"mail": map[string]any{
			"timestamp": "2026-03-01T09:00:00.000Z", "messageId": id, "source": "Keyward <keyward@example.com>",
			"sendingAccountId": "123456789012", "destination": []any{"ops@example.org"},
			"sourceArn": "arn:aws:ses:us-east-1:123456789012:identity/keyward@example.com", "headersTruncated": false,
			"headers": []any{map[string]any{"name": "X-Keyward-Reference", "value": "KW-1"}},
			"commonHeaders": map[string]any{
				"from": []any{"Keyward <keyward@example.com>"}, "to": []any{"ops@example.org"}, "messageId": id, "subject": "Grüße <b>",
			},
			"tags": map[string]any{
				"ses:configuration-set": []any{"settings"}, "ses:from-domain": []any{"example.com"}, "notice": []any{"warning"},
			},
		},
		"delivery": map[string]any{
			"timestamp": "2026-03-01T09:00:00.000Z", "recipients": []any{"ops@example.org"}, "smtpResponse": "250 2.6.0 Message received",
			"processingTimeMillis": 500.0, "reportingMTA": "a8-70.smtp-out.amazonses.com",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	if p.events[1].ConfigurationSet != "settings" {
		t.Errorf("configuration set = %q", p.events[1].ConfigurationSet)
	}
}

func TestNoEventsWithoutSet(t *testing.T) {
	t.Parallel()
	p := newPost(t, wire.Function)
	send(t, p, plain(func(in *sesv2.SendEmailInput) { in.ConfigurationSetName = nil }))
	if len(p.events) != 0 || len(p.Mail()) != 1 {
		t.Errorf("%d events and %d mails, want 0 and 1", len(p.events), len(p.Mail()))
	}
}

// Those who listen see a clock that does not move on under them, and a service that they may ask.
func TestTimeWaitsForListeners(t *testing.T) {
	t.Parallel()
	c := clock.New(func() time.Time { return now })
	told := 0
	var s *ses.SES
	s = ses.New(ses.Options{Clock: c, Region: "us-east-1", Account: "123456789012", Publish: func(e ses.Event) {
		told++
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := c.Settle(ended); err == nil || !strings.Contains(err.Error(), "mail") {
			t.Errorf("Settle while an event is on its way = %v, want an error that names the mail", err)
		}
		if _, ok := s.Message(e.MessageID); !ok {
			t.Error("the mail of an event is not there")
		}
	}})
	if err := s.CreateEmailIdentity("a@example.com"); err != nil {
		t.Fatal(err)
	}
	if err := s.CreateConfigurationSet("set", nil); err != nil {
		t.Fatal(err)
	}
	_, err := s.Service().Operations["SendEmail"](t.Context(), &wire.Request{Service: "ses", Operation: "SendEmail", Body: []byte(`{
		"FromEmailAddress": "a@example.com", "ConfigurationSetName": "set", "Destination": {"ToAddresses": ["b@example.com"]},
		"Content": {"Simple": {"Subject": {"Data": "x"}, "Body": {"Text": {"Data": "x"}}}}}`)})
	if err != nil || told != 2 {
		t.Errorf("SendEmail = %v, %d events, want 2", err, told)
	}
	if err := c.Settle(t.Context()); err != nil {
		t.Errorf("Settle afterwards: %v", err)
	}
}
