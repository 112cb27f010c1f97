package ses_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/ses"
	"github.com/keyward/keyward/local/wire"
)

var now = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// post is an SES with one verified address and domain, seen through the real SDK.
type post struct {
	*ses.SES
	api    *sesv2.Client
	events []ses.Event
}

func newPost(t *testing.T, caller wire.Kind) *post {
	t.Helper()
	p := &post{}
	p.SES = ses.New(ses.Options{
		Clock: clock.New(func() time.Time { return now }), Region: "us-east-1", Account: "123456789012",
		Publish: func(e ses.Event) { p.events = append(p.events, e) },
	})
	for _, identity := range []string{"Keyward@example.com", "example.net"} {
		if err := p.CreateEmailIdentity(identity); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.CreateConfigurationSet("settings", []ses.Reason{ses.Bounce}); err != nil {
		t.Fatal(err)
	}
	registry := wire.NewCredentials("us-east-1", nil)
	server := wire.New(wire.Config{Credentials: registry})
	if err := server.Register(p.Service()); err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(server)
	t.Cleanup(h.Close)
	key := registry.Issue(wire.Principal{Kind: caller, ARN: "arn:aws:iam::123456789012:user/" + string(caller), Account: "123456789012"})
	p.api = sesv2.New(sesv2.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(h.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, key.SessionToken),
	})
	return p
}

func text(s string) *types.Content {
	return &types.Content{Data: aws.String(s), Charset: aws.String("UTF-8")}
}

// plain is a mail that is accepted; edits spoil it.
func plain(edits ...func(*sesv2.SendEmailInput)) *sesv2.SendEmailInput {
	in := &sesv2.SendEmailInput{
		FromEmailAddress: aws.String("Keyward <keyward@example.com>"), ConfigurationSetName: aws.String("settings"),
		Destination:      &types.Destination{ToAddresses: []string{"Ops <ops@example.org>"}},
		ReplyToAddresses: []string{"help@example.org"},
		EmailTags:        []types.MessageTag{{Name: aws.String("notice"), Value: aws.String("warning")}},
		Content: &types.EmailContent{Simple: &types.Message{
			Subject: text("Grüße <b>"), Body: &types.Body{Text: text("plain"), Html: text(`<p title="x">rich & bold</p>`)},
			Headers:     []types.MessageHeader{{Name: aws.String("X-Keyward-Reference"), Value: aws.String("KW-1")}},
			Attachments: []types.Attachment{{FileName: aws.String("report.json"), RawContent: []byte("{}"), ContentType: aws.String("application/json")}},
		}},
	}
	for _, edit := range edits {
		edit(in)
	}
	return in
}

func send(t *testing.T, p *post, in *sesv2.SendEmailInput) string {
	t.Helper()
	out, err := p.api.SendEmail(t.Context(), in)
	if err != nil {
		t.Fatalf("SendEmail: %v", err)
	}
	return *out.MessageId
}

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

func TestRefused(t *testing.T) {
	t.Parallel()
	simple := func(edit func(*types.Message)) func(*sesv2.SendEmailInput) {
		return func(in *sesv2.SendEmailInput) { edit(in.Content.Simple) }
	}
	raw := func(data string) func(*sesv2.SendEmailInput) {
		return func(in *sesv2.SendEmailInput) {
			in.Content = &types.EmailContent{Raw: &types.RawMessage{Data: []byte(data)}}
		}
	}
	header := func(name, value string) func(*sesv2.SendEmailInput) {
		return simple(func(m *types.Message) {
			m.Headers = []types.MessageHeader{{Name: aws.String(name), Value: aws.String(value)}}
		})
	}
	deep := "From: keyward@example.com\r\nSubject: x\r\n"
	for n := range 12 {
		deep += fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", n, n)
	}
	for _, c := range []struct {
		name string
		edit func(*sesv2.SendEmailInput)
		code string
		says string
	}{
		{"sender not verified", func(in *sesv2.SendEmailInput) { in.FromEmailAddress = aws.String("other@example.com") }, "MessageRejected", "Email address is not verified. The following identities failed the check in region US-EAST-1: other@example.com"},
		{"sender beside the domain", func(in *sesv2.SendEmailInput) { in.FromEmailAddress = aws.String("x@notexample.net") }, "MessageRejected", "not verified"},
		{"no sender", func(in *sesv2.SendEmailInput) { in.FromEmailAddress = nil }, "BadRequestException", "FromEmailAddress"},
		{"unknown set", func(in *sesv2.SendEmailInput) { in.ConfigurationSetName = aws.String("none") }, "NotFoundException", "Configuration set <none> does not exist."},
		{"no recipients", func(in *sesv2.SendEmailInput) { in.Destination = &types.Destination{} }, "BadRequestException", "no recipients"},
		{"too many recipients", func(in *sesv2.SendEmailInput) {
			in.Destination.CcAddresses = slices.Repeat([]string{"a@example.org"}, 50)
		}, "BadRequestException", "exceeds 50"},
		{"recipient is no address", func(in *sesv2.SendEmailInput) { in.Destination.ToAddresses = []string{"ops"} }, "BadRequestException", "Illegal address"},
		{"bad tag", func(in *sesv2.SendEmailInput) { in.EmailTags[0].Value = aws.String("two words") }, "BadRequestException", "tag"},
		{"no content", func(in *sesv2.SendEmailInput) { in.Content = &types.EmailContent{} }, "BadRequestException", "Exactly one"},
		{"no body", simple(func(m *types.Message) { m.Body = &types.Body{} }), "BadRequestException", "Subject and one of"},
		{"no charset", simple(func(m *types.Message) { m.Body.Text = &types.Content{Data: aws.String("ü")} }), "BadRequestException", "7-bit"},
		{"other charset", simple(func(m *types.Message) { m.Body.Text.Charset = aws.String("ISO-8859-1") }), "BadRequestException", "ISO-8859-1"},
		{"own header", header("Subject", "x"), "BadRequestException", "Subject"},
		{"header injection", header("X-A", "x\r\nBcc: y"), "BadRequestException", "printable"},
		{"script attached", simple(func(m *types.Message) { m.Attachments[0].FileName = aws.String("run.PS1") }), "BadRequestException", "not supported"},
		{"attachment without name", simple(func(m *types.Message) { m.Attachments[0].FileName = aws.String("") }), "BadRequestException", "FileName"},
		{"disposition", simple(func(m *types.Message) { m.Attachments[0].ContentDisposition = "BOTH" }), "BadRequestException", "BOTH"},
		{"encoding", simple(func(m *types.Message) { m.Attachments[0].ContentTransferEncoding = "UU" }), "BadRequestException", "UU"},
		{"template", func(in *sesv2.SendEmailInput) {
			in.Content = &types.EmailContent{Template: &types.Template{TemplateName: aws.String("t")}}
		}, "NotImplemented", "Template"},
		{"parameter", func(in *sesv2.SendEmailInput) { in.TenantName = aws.String("t") }, "NotImplemented", "TenantName"},
		{"raw without header", raw("nothing"), "BadRequestException", "cannot be read"},
		{"raw with a long line", raw("Subject: x\r\n\r\n" + strings.Repeat("x", 1001)), "BadRequestException", "longer than 1000"},
		{"raw with a bad part", raw("Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\nno part"), "BadRequestException", "part"},
		{"raw with bad base64", raw("Subject: x\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!"), "BadRequestException", "part"},
		{"raw with a bad subject", raw("Subject: =?x-none?Q?a?=\r\n\r\nx"), "BadRequestException", "subject"},
		{"raw too deep", raw(deep), "BadRequestException", "levels"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPost(t, wire.Function)
			_, err := p.api.SendEmail(t.Context(), plain(c.edit))
			var e smithy.APIError
			if !errors.As(err, &e) || e.ErrorCode() != c.code || !strings.Contains(e.ErrorMessage(), c.says) {
				t.Errorf("SendEmail = %v, want %s: …%s…", err, c.code, c.says)
			}
			if len(p.Mail()) != 0 || len(p.events) != 0 {
				t.Error("a refused mail was kept or had events")
			}
		})
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

func TestSuppressed(t *testing.T) {
	t.Parallel()
	to := func(addresses ...string) func(*sesv2.SendEmailInput) {
		return func(in *sesv2.SendEmailInput) { in.Destination.ToAddresses = addresses }
	}
	p := newPost(t, wire.Function)
	p.Suppress("Gone@example.org", ses.Bounce)
	p.Suppress("angry@example.org", ses.Complaint)
	id := send(t, p, plain(to("gone@example.org", "angry@example.org", "bounce@simulator.amazonses.com")))
	m, _ := p.Message(id)
	want := []ses.Outcome{
		{Address: "gone@example.org", Why: "OnAccountSuppressionList"},
		{Address: "angry@example.org", Delivered: true}, // the set suppresses bounces alone
		{Address: "bounce@simulator.amazonses.com", Why: "General"},
	}
	if diff := cmp.Diff(want, m.Outcomes); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	var kinds []string
	for _, e := range p.events {
		kinds = append(kinds, e.Type)
	}
	if diff := cmp.Diff([]string{"Send", "Bounce", "Bounce", "Delivery"}, kinds); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	var record struct {
		EventType string
		Mail      struct {
			MessageID string
			Tags      map[string][]string
		}
		Bounce struct {
			BounceType, BounceSubType string
			BouncedRecipients         []struct{ EmailAddress string }
		}
	}
	if err := json.Unmarshal(p.events[1].Record, &record); err != nil {
		t.Fatal(err)
	}
	if record.EventType != "Bounce" || record.Mail.MessageID != id || record.Bounce.BounceSubType != "OnAccountSuppressionList" ||
		record.Bounce.BouncedRecipients[0].EmailAddress != "gone@example.org" || record.Mail.Tags["ses:from-domain"][0] != "example.com" {
		t.Errorf("record = %s", p.events[1].Record)
	}
	p.Suppress("gone@example.org", "")
	id = send(t, p, plain(to("gone@example.org")))
	if m, _ := p.Message(id); !m.Outcomes[0].Delivered {
		t.Error("an address off the list was not delivered to")
	}
	id = send(t, p, plain(to("angry@example.org"), func(in *sesv2.SendEmailInput) { in.ConfigurationSetName = nil }))
	if m, _ := p.Message(id); m.Outcomes[0].Delivered {
		t.Error("without a set the account's list covers complaints")
	}
}

func TestIdentities(t *testing.T) {
	t.Parallel()
	p := newPost(t, wire.Function)
	for address, want := range map[string]bool{
		"KEYWARD@example.com": true, "a@example.net": true, "a@mail.example.net": true, "a@example.com": false, "example.net": false, "": false,
	} {
		if got := p.EmailIdentity(address); got != want {
			t.Errorf("EmailIdentity(%q) = %v, want %v", address, got, want)
		}
	}
	for _, wrong := range []string{"", "a@", "a b@example.com"} {
		if err := p.CreateEmailIdentity(wrong); err == nil {
			t.Errorf("CreateEmailIdentity(%q) = nil, want an error", wrong)
		}
	}
	if err := p.CreateConfigurationSet("x", []ses.Reason{"OTHER"}); err == nil {
		t.Error("CreateConfigurationSet with an unknown reason = nil, want an error")
	}
}

func TestRaw(t *testing.T) {
	t.Parallel()
	p := newPost(t, wire.Function)
	message := strings.ReplaceAll(`From: Keyward <a@mail.example.net>
To: one@example.org
Cc: two@example.org
Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?=
X-Keyward-Reference: KW-2
Content-Type: multipart/mixed; boundary=outer

--outer
Content-Type: multipart/alternative; boundary=inner

--inner
Content-Type: text/plain; charset=UTF-8
Content-Transfer-Encoding: quoted-printable

gr=C3=BCn
--inner
Content-Type: text/html

<p>gr&uuml;n</p>
--inner--
--outer
Content-Type: text/csv
Content-Disposition: attachment; filename=a.csv
Content-Transfer-Encoding: base64

YSxi
--outer--
`, "\n", "\r\n")
	id := send(t, p, &sesv2.SendEmailInput{Content: &types.EmailContent{Raw: &types.RawMessage{Data: []byte(message)}}})
	m, _ := p.Message(id)
	if m.Subject != "Grüße" || m.Text != "grün" || m.HTML != "<p>gr&uuml;n</p>" || m.From != "Keyward <a@mail.example.net>" {
		t.Errorf("message = %+v", m)
	}
	if diff := cmp.Diff([]ses.Attachment{{Name: "a.csv", Type: "text/csv", Size: 3}}, m.Attachments); diff != "" {
		t.Errorf("attachments (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"one@example.org", "two@example.org"}, append(m.To, m.Cc...)); diff != "" {
		t.Errorf("recipients (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]ses.Pair{{Name: "X-Keyward-Reference", Value: "KW-2"}}, m.Headers); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

func TestSaveAndLoad(t *testing.T) {
	t.Parallel()
	p := newPost(t, wire.Function)
	p.Suppress("gone@example.org", ses.Bounce)
	send(t, p, plain())
	state, err := p.Save()
	if err != nil {
		t.Fatal(err)
	}
	again := newPost(t, wire.Function)
	if err := again.Load(state); err != nil {
		t.Fatal(err)
	}
	id := send(t, again, plain(func(in *sesv2.SendEmailInput) { in.Destination.ToAddresses = []string{"gone@example.org"} }))
	all := again.Mail()
	if len(all) != 2 || all[0].ID != p.Mail()[0].ID || all[1].ID != id || all[1].Outcomes[0].Delivered {
		t.Errorf("mail after Load = %+v", all)
	}
	if err := again.Load(json.RawMessage("[")); err == nil {
		t.Error("Load of what is no state = nil, want an error")
	}
}
