// Package queue counts the messages that wait in a queue of SQS. It takes none out.
package queue

import (
	"context"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/fault"
)

// Client talks to SQS.
type Client struct{ api *sqs.Client }

// New returns a client.
func New(cfg aws.Config) *Client { return &Client{api: sqs.NewFromConfig(cfg)} }

// Waiting is how many messages a queue has, about, by its URL.
func (c *Client) Waiting(ctx context.Context, url string) (int, error) {
	out, err := c.api.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages},
	})
	if err != nil {
		return 0, awsconf.Wrap(err, "counting dead letters")
	}
	n, err := strconv.Atoi(out.Attributes[string(types.QueueAttributeNameApproximateNumberOfMessages)])
	if err != nil {
		return 0, fault.New(fault.Transient, "counting dead letters: SQS gives no number")
	}
	return n, nil
}
