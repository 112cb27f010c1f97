package ses_test

import (
	"errors"
	"regexp"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/ses"
	"github.com/keyward/keyward/local/wire"
)

func TestSimple(t *testing.T) {
	t.Parallel()
	p := newPost(t, wire.Function)
	id := send(t, p, plain())
	if !regexp.MustCompile(`^0100[0-9a-f]{12}-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}-000000$`).MatchString(id) {
		t.Errorf("message id = %s", id)
	}
	got, ok := p.Message(id)
	want := ses.Message{
		ID: id, At: now, From: "Keyward <keyward@example.com>", To: []string{"ops@example.org"}, ReplyTo: []string{"help@example.org"},
		Subject: "Grüße <b>", Text: "plain", HTML: `<p title="x">rich & bold</p>`, ConfigurationSet: "settings",
		Headers: []ses.Pair{{Name: "X-Keyward-Reference", Value: "KW-1"}}, Tags: []ses.Pair{{Name: "notice", Value: "warning"}},
		Attachments: []ses.Attachment{{Name: "report.json", Type: "application/json", Size: 2}},
		Outcomes:    []ses.Outcome{{Address: "ops@example.org", Delivered: true}},
	}
	if diff := cmp.Diff(want, got, cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".sender" }, cmp.Ignore())); !ok || diff != "" {
		t.Errorf("Message (-want +got):\n%s", diff)
	}
	if len(p.events) != 2 || p.events[0].Type != "Send" || p.events[1].Type != "Delivery" || p.events[0].MessageID != id {
		t.Errorf("events = %v, want Send and Delivery", p.events)
	}
}

func TestTypedErrors(t *testing.T) {
	t.Parallel()
	p := newPost(t, wire.Function)
	_, err := p.api.SendEmail(t.Context(), plain(func(in *sesv2.SendEmailInput) { in.FromEmailAddress = aws.String("a@example.com") }))
	if e := (*types.MessageRejected)(nil); !errors.As(err, &e) {
		t.Errorf("SendEmail = %v, want the SDK's MessageRejected", err)
	}
	_, err = p.api.SendEmail(t.Context(), plain(func(in *sesv2.SendEmailInput) { in.ConfigurationSetName = aws.String("none") }))
	if e := (*types.NotFoundException)(nil); !errors.As(err, &e) {
		t.Errorf("SendEmail = %v, want the SDK's NotFoundException", err)
	}
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	p := newPost(t, wire.Function)
	p.Refuse(&wire.Error{Code: "SendingPausedException", Message: "paused"})
	_, err := p.api.SendEmail(t.Context(), plain())
	if e := (*types.SendingPausedException)(nil); !errors.As(err, &e) {
		t.Errorf("SendEmail = %v, want SendingPausedException", err)
	}
	p.Refuse(nil)
	send(t, p, plain())
	if n := len(p.Mail()); n != 1 {
		t.Errorf("%d mails, want 1", n)
	}
}

func TestMachinesMayNotSend(t *testing.T) {
	t.Parallel()
	p := newPost(t, wire.Machine)
	_, err := p.api.SendEmail(t.Context(), plain())
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != "AccessDeniedException" {
		t.Errorf("SendEmail = %v, want AccessDeniedException", err)
	}
}

func TestSendersAtOnce(t *testing.T) {
	t.Parallel()
	p := newPost(t, wire.Function)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := p.api.SendEmail(t.Context(), plain()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	ids := map[string]bool{}
	for _, m := range p.Mail() {
		ids[m.ID] = true
	}
	if len(ids) != 20 || len(p.events) != 40 {
		t.Errorf("%d ids and %d events, want 20 and 40", len(ids), len(p.events))
	}
}
