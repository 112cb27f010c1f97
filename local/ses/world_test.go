package ses_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/ses"
	"github.com/keyward/keyward/local/wire"
	"github.com/keyward/keyward/local/wire/wiretest"
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
		Region: "us-east-1", BaseEndpoint: aws.String(h.URL), RetryMaxAttempts: 1, HTTPClient: wiretest.Client(),
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
