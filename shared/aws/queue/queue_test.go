package queue_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/keyward/keyward/local/sqs"
	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/aws/queue"
	"github.com/keyward/keyward/shared/fault"
)

const (
	url = "https://sqs.us-east-1.amazonaws.com/123456789012/keyward-DeadLetters"
	arn = "arn:aws:sqs:us-east-1:123456789012:keyward-DeadLetters"
)

func begin(t *testing.T) *awstest.Place {
	t.Helper()
	p := awstest.New(t)
	p.Register(sqs.Service(sqs.Config{Queues: map[string]string{url: arn}, Count: func(queue string) int { return len(queue) }}))
	return p
}

func TestWaiting(t *testing.T) {
	t.Parallel()
	p := begin(t)
	if n, err := queue.New(p.Config).Waiting(t.Context(), url); err != nil || n != len(arn) {
		t.Errorf("Waiting = %d, %v, want %d", n, err, len(arn))
	}
	_, err := queue.New(p.Config).Waiting(t.Context(), url+"x")
	awstest.Wrapped(t, err, fault.NotFound, "QueueDoesNotExist")
	_, err = queue.New(p.Half(`{}`)).Waiting(t.Context(), url)
	awstest.Wrapped(t, err, fault.Transient, "counting dead letters")
}

func TestErrors(t *testing.T) {
	t.Parallel()
	begin(t).Mapped(t, "GetQueueAttributes", nil, func(ctx context.Context, cfg aws.Config) error {
		_, err := queue.New(cfg).Waiting(ctx, url)
		return err
	})
}
