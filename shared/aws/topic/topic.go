// Package topic reads who is subscribed to a topic of SNS, and publishes to topics that people named.
package topic

import (
	"context"
	"strings"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/doctor"
)

// Client talks to SNS.
type Client struct{ api *sns.Client }

// New returns a client.
func New(cfg aws.Config) *Client { return &Client{api: sns.NewFromConfig(cfg)} }

// Subscriptions are a topic's, by its ARN.
func (c *Client) Subscriptions(ctx context.Context, arn string) ([]doctor.Subscription, error) {
	pages := sns.NewListSubscriptionsByTopicPaginator(c.api, &sns.ListSubscriptionsByTopicInput{TopicArn: &arn})
	var all []doctor.Subscription
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, awsconf.Wrap(err, "reading who gets alarms")
		}
		for _, s := range page.Subscriptions {
			// A subscription has an ARN once it was confirmed; before it is PendingConfirmation, after its end Deleted.
			all = append(all, doctor.Subscription{Endpoint: aws.ToString(s.Endpoint), Confirmed: strings.HasPrefix(aws.ToString(s.SubscriptionArn), "arn:")})
		}
	}
	return all, nil
}

// Message is what is published. Text is at most 256 KB.
type Message struct {
	Subject    string // made ASCII and cut, as SNS wants it: subscribers by e-mail see it
	Text       string
	Attributes map[string]string // that subscriptions filter by; those without a value are left out
}

// maxSubject is below the 100 characters of which SNS wants less.
const maxSubject = 99

// Publish publishes a message to a topic, by its ARN. SNS having it says nothing about who gets it.
func (c *Client) Publish(ctx context.Context, arn string, m Message) (messageID string, err error) {
	in := &sns.PublishInput{TopicArn: &arn, Message: &m.Text, MessageAttributes: map[string]types.MessageAttributeValue{}}
	if s := subject(m.Subject); s != "" {
		in.Subject = &s
	}
	for name, value := range m.Attributes {
		if value != "" {
			in.MessageAttributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(value)}
		}
	}
	out, err := c.api.Publish(ctx, in)
	if err != nil {
		return "", awsconf.Wrap(err, "publishing to a topic")
	}
	return aws.ToString(out.MessageId), nil
}

// subject is one line of printable ASCII that begins with no space.
func subject(text string) string {
	ascii := strings.Map(func(r rune) rune {
		switch {
		case r >= ' ' && r <= '~':
			return r
		case unicode.IsSpace(r) || !unicode.IsPrint(r):
			return ' '
		default:
			return '?'
		}
	}, text)
	line := strings.Join(strings.Fields(ascii), " ")
	return strings.TrimSpace(line[:min(len(line), maxSubject)])
}
