package sesmail_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/keyward/keyward/local/ses"
	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/aws/sesmail"
	"github.com/keyward/keyward/shared/fault"
)

const sender = "keyward@example.com"

var warning = sesmail.Mail{
	To: []string{"owner@example.com", "ops@example.com"}, Subject: "web-1 loses its key at 16:00 – Größe",
	Text: "Start it.\n", HTML: "<p>Start it.</p>", Reference: awstest.Machine + "-3-enforce-1/warning",
	Tags: map[string]string{"keyward-notice": "warning", "keyward-machine": awstest.Machine},
}

func begin(t *testing.T) (*awstest.Place, *ses.SES) {
	t.Helper()
	p := awstest.New(t)
	s := ses.New(ses.Options{Clock: p.Clock, Account: awstest.Account, Region: awstest.Region})
	if err := s.CreateEmailIdentity("example.com"); err != nil {
		t.Fatal(err)
	}
	if err := s.CreateConfigurationSet("keyward", nil); err != nil {
		t.Fatal(err)
	}
	p.Register(s.Service())
	return p, s
}

func TestSend(t *testing.T) {
	t.Parallel()
	p, mailbox := begin(t)
	id, err := sesmail.New(p.Config, sender, "keyward").Send(t.Context(), warning)
	if err != nil {
		t.Fatal(err)
	}
	got, ok := mailbox.Message(id)
	want := ses.Message{
		ID: id, At: awstest.Noon, From: sender, To: warning.To, Subject: warning.Subject, Text: warning.Text, HTML: warning.HTML,
		Headers: []ses.Pair{{Name: "X-Keyward-Reference", Value: warning.Reference}}, ConfigurationSet: "keyward",
		Tags: []ses.Pair{{Name: "keyward-machine", Value: awstest.Machine}, {Name: "keyward-notice", Value: "warning"}},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(ses.Message{}), cmpopts.IgnoreFields(ses.Message{}, "Outcomes")); !ok || diff != "" {
		t.Errorf("the mail that arrived (-want +got):\n%s", diff)
	}
}

func TestSendFiles(t *testing.T) {
	t.Parallel()
	p, mailbox := begin(t)
	m := warning
	m.Files = []sesmail.File{{Name: "report.html", MediaType: "text/html; charset=utf-8", Body: []byte("<p>what happened</p>")}, {Name: "report.csv", MediaType: "text/csv", Body: []byte("a,b\r\n")}}
	id, err := sesmail.New(p.Config, sender, "keyward").Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := mailbox.Message(id)
	if len(got.Attachments) != 2 || got.Attachments[0].Name != "report.html" || got.Attachments[1].Size != 5 {
		t.Errorf("attached: %+v", got.Attachments)
	}
}

// A display name is a name, whatever is in it: SES takes the address of it for the sender that was verified.
func TestSender(t *testing.T) {
	t.Parallel()
	p, mailbox := begin(t)
	for name, want := range map[string]string{
		"":                            sender,
		" \r\n":                       sender,
		"Keyward":                     `"Keyward" <keyward@example.com>`,
		"Müller & Söhne":              "=?utf-8?b?TcO8bGxlciAmIFPDtmhuZQ==?= <keyward@example.com>",
		`a" <x@evil.test>`:            `"a\" <x@evil.test>" <keyward@example.com>`,
		"a\r\nBcc: x@evil.test\u202e": `"a Bcc: x@evil.test" <keyward@example.com>`,
		"a, b@evil.test":              `"a, b@evil.test" <keyward@example.com>`,
	} {
		m := warning
		m.Sender = name
		id, err := sesmail.New(p.Config, sender, "keyward").Send(t.Context(), m)
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if got, _ := mailbox.Message(id); got.From != want {
			t.Errorf("%q: from %s, want %s", name, got.From, want)
		}
	}
}

// A recipient that looks like a header must not become one.
func TestSendOfHostileText(t *testing.T) {
	t.Parallel()
	p, mailbox := begin(t)
	m := warning
	m.To = []string{"owner@example.com\r\nBcc: evil@example.com"}
	_, err := sesmail.New(p.Config, sender, "keyward").Send(t.Context(), m)
	awstest.Wrapped(t, err, fault.Invalid, "sending mail: ")
	if got := len(mailbox.Mail()); got != 0 {
		t.Errorf("%d mails went out, want none", got)
	}
}

func TestSendRefused(t *testing.T) {
	t.Parallel()
	p, mailbox := begin(t)
	many := warning
	many.To = strings.Split(strings.Repeat("a@example.com ", 51), " ")[:51]
	for name, c := range map[string]struct {
		sender, set string
		mail        sesmail.Mail
		kind        fault.Kind
		code        string
	}{
		"sender not verified":   {"keyward@example.org", "keyward", warning, fault.Denied, "MessageRejected"},
		"no configuration set":  {sender, "other", warning, fault.NotFound, "NotFoundException"},
		"more than 50":          {sender, "keyward", many, fault.Invalid, ""},
		"nobody to send it to":  {sender, "keyward", sesmail.Mail{Subject: "s", Text: "t", HTML: "h", Reference: "r"}, fault.Invalid, ""},
		"an address that is no": {sender, "keyward", sesmail.Mail{To: []string{"@"}, Subject: "s", Text: "t", HTML: "h", Reference: "r"}, fault.Invalid, ""},
	} {
		id, err := sesmail.New(p.Config, c.sender, c.set).Send(t.Context(), c.mail)
		if id != "" {
			t.Errorf("%s: Send = %q, want no id", name, id)
		}
		t.Run(name, func(t *testing.T) { awstest.Wrapped(t, err, c.kind, c.code) })
	}
	if got := len(mailbox.Mail()); got != 0 {
		t.Errorf("%d mails went out, want none", got)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	p, _ := begin(t)
	p.Mapped(t, "SendEmail", map[string]fault.Kind{
		"TooManyRequestsException": fault.Transient, "LimitExceededException": fault.Transient, "SendingPausedException": fault.Denied,
		"AccountSuspendedException": fault.Denied, "MailFromDomainNotVerifiedException": fault.Denied, "BadRequestException": fault.Invalid,
	}, func(ctx context.Context, cfg aws.Config) error {
		_, err := sesmail.New(cfg, sender, "keyward").Send(ctx, warning)
		return err
	})
}
