package sqs_test

import (
	"errors"
	"testing"

	"github.com/keyward/keyward/local/sqs"
	"github.com/keyward/keyward/local/wire"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := sqs.Service(sqs.Config{Queues: map[string]string{"url": "arn"}, Count: func(string) int { return 3 }})
	for _, tt := range []struct {
		kind       wire.Kind
		body, code string
	}{
		{wire.Function, `{"QueueUrl":"url"}`, "AccessDeniedException"},
		{wire.Operator, `{"QueueUrl":"other"}`, "QueueDoesNotExist"},
		{wire.Operator, `{"QueueUrl":"url","AttributeNames":["All"]}`, "NotImplemented"},
		{wire.Operator, `{"QueueUrl":"url","Other":1}`, "NotImplemented"},
	} {
		_, err := s.Operations["GetQueueAttributes"](t.Context(), &wire.Request{Body: []byte(tt.body), Caller: wire.Principal{Kind: tt.kind}})
		var e *wire.Error
		if !errors.As(err, &e) || e.Code != tt.code {
			t.Errorf("%s as %s: %v, want %s", tt.body, tt.kind, err, tt.code)
		}
	}
}
