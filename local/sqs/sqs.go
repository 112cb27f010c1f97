// Package sqs is the Simple Queue Service inside keyward local, as far as the template's dead-letter queues need it: how many
// messages wait in one. Messages are kept by whoever gave them up, and shown by /_local/dead-letters; none is sent, received
// or deleted by calls. It is called through local/wire.
package sqs

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/keyward/keyward/local/wire"
)

// Config is what the service needs. Both are required.
type Config struct {
	Queues map[string]string      // ARN by URL
	Count  func(queue string) int // messages in a queue, by ARN
}

// waiting is the one attribute that is carried; the others count what is never there.
const waiting = "ApproximateNumberOfMessages"

// Service is SQS on the wire.
func Service(c Config) wire.Service {
	return wire.Service{Name: "sqs", Protocol: wire.JSON10, TargetPrefix: "AmazonSQS", Operations: map[string]wire.Operation{
		"GetQueueAttributes": func(_ context.Context, r *wire.Request) (any, error) { return c.attributes(r) },
	}}
}

func (c Config) attributes(r *wire.Request) (any, error) {
	in, err := wire.Decode[struct {
		QueueUrl       string
		AttributeNames []string
	}](r)
	if err != nil {
		return nil, err
	}
	arn, there := c.Queues[in.QueueUrl]
	switch {
	case r.Caller.Kind != wire.Operator:
		return nil, &wire.Error{Code: "AccessDeniedException", Status: http.StatusForbidden, Message: "User: " + r.Caller.ARN + " is not authorized to perform: sqs:GetQueueAttributes"}
	case !there:
		return nil, &wire.Error{Code: "QueueDoesNotExist", Message: "The specified queue does not exist."}
	case !slices.Equal(in.AttributeNames, []string{waiting}):
		return nil, wire.Unimplemented("the attributes %q of sqs.GetQueueAttributes, only %s", in.AttributeNames, waiting)
	}
	return struct{ Attributes map[string]string }{map[string]string{waiting: strconv.Itoa(c.Count(arn))}}, nil
}
