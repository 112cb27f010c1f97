package ses_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/smithy-go"

	"github.com/keyward/keyward/local/wire"
)

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
		{"long header", header("X-A", strings.Repeat("x", 994)), "BadRequestException", "995 printable"},
		{"empty header", header("X-A", ""), "BadRequestException", "995 printable"},
		{"header name", header("X A", "x"), "BadRequestException", "cannot be set"},
		{"subject with a line break", simple(func(m *types.Message) { m.Subject = text("x\r\nBcc: y@example.org") }), "BadRequestException", "line break"},
		{"both kinds", func(in *sesv2.SendEmailInput) { in.Content.Raw = &types.RawMessage{Data: []byte("Subject: x\r\n\r\n")} }, "BadRequestException", "Exactly one"},
		{"recipient beyond ASCII", func(in *sesv2.SendEmailInput) { in.Destination.ToAddresses = []string{"grün@example.org"} }, "BadRequestException", "Illegal address"},
		{"answer to no address", func(in *sesv2.SendEmailInput) { in.ReplyToAddresses = []string{"nobody"} }, "BadRequestException", "Illegal address"},
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
		{"raw with an unknown encoding", raw("Subject: x\r\nContent-Transfer-Encoding: uu\r\n\r\nx"), "BadRequestException", "\"uu\""},
		{"raw with another charset", raw("Subject: x\r\nContent-Type: text/plain; charset=koi8-r\r\n\r\nx"), "BadRequestException", "koi8-r"},
		{"raw with broken UTF-8", raw("Subject: x\r\n\r\n\xff"), "BadRequestException", "not in its charset"},
		{"raw without boundary", raw("Subject: x\r\nContent-Type: multipart/mixed\r\n\r\nx"), "BadRequestException", "no boundary"},
		{"raw with a bad type", raw("Subject: x\r\nContent-Type: /\r\n\r\nx"), "BadRequestException", "Content-Type"},
		{"raw with a bad list", func(in *sesv2.SendEmailInput) {
			in.ReplyToAddresses = nil
			raw("Subject: x\r\nReply-To: nobody\r\n\r\nx")(in)
		}, "BadRequestException", "header Reply-To"},
		{"raw with many parts", raw("Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\n\r\n\r\n", 600) + "--b--"), "BadRequestException", "500 parts"},
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
