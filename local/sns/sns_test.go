package sns_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/sns"
)

const (
	topic    = "arn:aws:sns:us-east-1:123456789012:keyward-MailEvents"
	function = "arn:aws:lambda:us-east-1:123456789012:function:keyward-DeliveryFunction"
	queue    = "arn:aws:sqs:us-east-1:123456789012:keyward-DeadLetters"
)

var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

type place struct {
	*sns.SNS
	clock   *clock.Clock
	got     []string
	refuse  error
	copies  int
	late    time.Duration
	letters []sns.Letter
}

func begin(t *testing.T) *place {
	t.Helper()
	p := &place{clock: clock.New(func() time.Time { return start }), copies: 1}
	p.SNS = sns.New(sns.Options{
		Clock: p.clock, Account: "123456789012", Region: "us-east-1",
		Invoke: func(f string, payload []byte) error {
			if f != function {
				t.Errorf("invoked %s", f)
			}
			p.got = append(p.got, string(payload))
			return p.refuse
		},
		DeadLetter: func(l sns.Letter) { p.letters = append(p.letters, l) },
		Copies:     func(string) int { return p.copies },
		Late:       func(string) time.Duration { return p.late },
	})
	p.CreateTopic(topic)
	if err := p.Subscribe(topic, function, queue); err != nil {
		t.Fatal(err)
	}
	p.CreateTopic(topic) // again: its subscriptions stay
	return p
}

// The event is one that AWS's own types read whole.
func TestPublish(t *testing.T) {
	t.Parallel()
	p := begin(t)
	if err := p.Publish(topic, "Bounce", "Amazon SES Email Event Notification", `{"eventType":"Bounce"}`); err != nil || len(p.got) != 1 {
		t.Fatalf("Publish = %v, invoked %d times, want once", err, len(p.got))
	}
	var e events.SNSEvent
	d := json.NewDecoder(strings.NewReader(p.got[0]))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		t.Fatal(err)
	}
	r := e.Records[0]
	if r.EventSource != "aws:sns" || !strings.HasPrefix(r.EventSubscriptionArn, topic+":") || r.SNS.TopicArn != topic || r.SNS.Type != "Notification" ||
		r.SNS.Message != `{"eventType":"Bounce"}` || r.SNS.Subject != "Amazon SES Email Event Notification" || !r.SNS.Timestamp.Equal(start) || len(r.SNS.MessageID) != 36 {
		t.Errorf("event = %+v", e)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	p := begin(t)
	p.copies = 0
	publish := func() {
		t.Helper()
		if err := p.Publish(topic, "Bounce", "s", "m"); err != nil {
			t.Fatal(err)
		}
	}
	publish()
	if len(p.got) != 0 {
		t.Errorf("a lost message arrived: %v", p.got)
	}
	p.copies, p.late = 2, time.Hour
	publish()
	forward := func(d time.Duration) {
		t.Helper()
		if err := p.clock.Forward(context.Background(), d); err != nil {
			t.Fatal(err)
		}
	}
	forward(time.Hour - time.Second)
	if len(p.got) != 0 {
		t.Errorf("a late message arrived before its time: %v", p.got)
	}
	forward(time.Second)
	if len(p.got) != 2 || p.got[0] != p.got[1] {
		t.Errorf("a doubled message arrived %d times: %v", len(p.got), p.got)
	}
	p.copies, p.late, p.refuse = 1, 0, errors.New("there is no such function")
	publish()
	if len(p.letters) != 1 || p.letters[0].Queue != queue || p.letters[0].Message != "m" || p.letters[0].Error == "" {
		t.Errorf("dead letters = %+v, want one", p.letters)
	}
}

func TestWithoutATopic(t *testing.T) {
	t.Parallel()
	p := begin(t)
	if err := p.Publish(topic+"s", "Bounce", "s", "m"); err == nil || !strings.Contains(err.Error(), "no topic") {
		t.Errorf("Publish to no topic = %v", err)
	}
	if err := p.Subscribe(topic+"s", function, ""); err == nil || !strings.Contains(err.Error(), "no topic") {
		t.Errorf("Subscribe to no topic = %v", err)
	}
	quiet := sns.New(sns.Options{Clock: p.clock, Invoke: func(string, []byte) error { return errors.New("no") }})
	quiet.CreateTopic(topic)
	if err := errors.Join(quiet.Subscribe(topic, function, ""), quiet.Publish(topic, "Bounce", "s", "m")); err != nil {
		t.Errorf("Publish = %v, want a lost message to be nobody's error", err)
	}
}
