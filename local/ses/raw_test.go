package ses_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/ses"
	"github.com/keyward/keyward/local/wire"
)

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
