// Package sesmail sends one mail through SES and returns the id that SES gave it.
package sesmail

import (
	"context"
	"maps"
	"net/mail"
	"slices"
	"strings"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"github.com/keyward/keyward/shared/aws/awsconf"
)

// Client talks to SES, for one sender and configuration set.
type Client struct {
	api              *sesv2.Client
	sender           string
	configurationSet string
}

// New returns a client that sends as sender, a verified identity, through a configuration set.
func New(cfg aws.Config, sender, configurationSet string) *Client {
	return &Client{api: sesv2.NewFromConfig(cfg), sender: sender, configurationSet: configurationSet}
}

// Mail is one message. At most 50 recipients.
type Mail struct {
	Sender    string // display name of the sender's address; "" is none
	To        []string
	Subject   string
	Text      string
	HTML      string
	Reference string            // sent as header X-Keyward-Reference, the same for a repeated mail
	Files     []File            // attached
	Tags      map[string]string // come back in the events about the mail; ASCII letters, digits, _ and -
}

// File is what is attached to a mail.
type File struct {
	Name      string // with an end that SES takes, such as report.html
	MediaType string
	Body      []byte
}

// Send hands a mail to SES. That SES took it says nothing about its delivery.
func (c *Client) Send(ctx context.Context, m Mail) (messageID string, err error) {
	out, err := c.api.SendEmail(ctx, &sesv2.SendEmailInput{
		FromEmailAddress:     aws.String(from(m.Sender, c.sender)),
		ConfigurationSetName: &c.configurationSet,
		EmailTags:            tags(m.Tags),
		Destination:          &types.Destination{ToAddresses: m.To},
		Content: &types.EmailContent{Simple: &types.Message{
			Subject:     content(m.Subject),
			Body:        &types.Body{Text: content(m.Text), Html: content(m.HTML)},
			Headers:     []types.MessageHeader{{Name: aws.String("X-Keyward-Reference"), Value: &m.Reference}},
			Attachments: attachments(m.Files),
		}},
	})
	if err != nil {
		return "", awsconf.Wrap(err, "sending mail")
	}
	return aws.ToString(out.MessageId), nil
}

// from is an address with a display name before it, as RFC 5322 has it: whatever the name holds, it is one line and no address
// of its own.
func from(name, address string) string {
	name = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, name)), " ")
	if name == "" {
		return address
	}
	return (&mail.Address{Name: name, Address: address}).String()
}

func attachments(files []File) []types.Attachment {
	var all []types.Attachment
	for _, f := range files {
		all = append(all, types.Attachment{
			FileName: &f.Name, ContentType: &f.MediaType, RawContent: f.Body, ContentDisposition: types.AttachmentContentDispositionAttachment,
			ContentTransferEncoding: types.AttachmentContentTransferEncodingBase64,
		})
	}
	return all
}

func tags(named map[string]string) []types.MessageTag {
	var all []types.MessageTag
	for _, name := range slices.Sorted(maps.Keys(named)) {
		all = append(all, types.MessageTag{Name: aws.String(name), Value: aws.String(named[name])})
	}
	return all
}

func content(text string) *types.Content {
	return &types.Content{Data: aws.String(text), Charset: aws.String("UTF-8")}
}
