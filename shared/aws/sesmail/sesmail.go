// Package sesmail sends one mail through SES and returns the id that SES gave it.
package sesmail

import (
	"context"

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
	To        []string
	Subject   string
	Text      string
	HTML      string
	Reference string // sent as header X-Keyward-Reference, the same for a repeated mail
}

// Send hands a mail to SES. That SES took it says nothing about its delivery.
func (c *Client) Send(ctx context.Context, m Mail) (messageID string, err error) {
	out, err := c.api.SendEmail(ctx, &sesv2.SendEmailInput{
		FromEmailAddress:     &c.sender,
		ConfigurationSetName: &c.configurationSet,
		Destination:          &types.Destination{ToAddresses: m.To},
		Content: &types.EmailContent{Simple: &types.Message{
			Subject: content(m.Subject),
			Body:    &types.Body{Text: content(m.Text), Html: content(m.HTML)},
			Headers: []types.MessageHeader{{Name: aws.String("X-Keyward-Reference"), Value: &m.Reference}},
		}},
	})
	if err != nil {
		return "", awsconf.Wrap(err, "sending mail")
	}
	return aws.ToString(out.MessageId), nil
}

func content(text string) *types.Content {
	return &types.Content{Data: aws.String(text), Charset: aws.String("UTF-8")}
}
