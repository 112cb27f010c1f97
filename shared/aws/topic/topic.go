// Package topic reads who is subscribed to a topic of SNS. It publishes nothing.
package topic

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

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
