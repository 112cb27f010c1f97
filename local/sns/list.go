package sns

import (
	"context"
	"fmt"
	"net/http"

	"github.com/keyward/keyward/local/wire"
)

// Email subscribes an address to a topic. It is confirmed, unless Confirm says otherwise.
func (s *SNS) Email(topic, address string) error {
	if _, there := s.topics[topic]; !there {
		return fmt.Errorf("subscribing %s: there is no topic %s", address, topic)
	}
	s.emails[topic] = append(s.emails[topic], address)
	return nil
}

// Confirm has the people behind all subscribed addresses confirm their subscriptions, or not have done so yet.
func (s *SNS) Confirm(is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unconfirmed = !is
}

// Service is SNS on the wire.
func (s *SNS) Service() wire.Service {
	return wire.Service{Name: "sns", Protocol: wire.Query, Version: "2010-03-31", Operations: map[string]wire.Operation{
		"ListSubscriptionsByTopic": s.listSubscriptionsByTopic, "CreateTopic": s.createTopic, "Publish": s.publish,
	}}
}

type listed struct{ SubscriptionArn, Owner, Protocol, Endpoint, TopicArn string }

func (s *SNS) listSubscriptionsByTopic(_ context.Context, r *wire.Request) (any, error) {
	in, err := wire.Decode[struct{ TopicArn, NextToken string }](r)
	if err != nil {
		return nil, err
	}
	subscribed := s.topics[in.TopicArn]
	switch {
	case r.Caller.Kind != wire.Operator:
		return nil, &wire.Error{Code: "AuthorizationError", Status: http.StatusForbidden, Message: "User: " + r.Caller.ARN + " is not authorized to perform: SNS:ListSubscriptionsByTopic"}
	case !s.there(in.TopicArn):
		return nil, &wire.Error{Code: "NotFound", Status: http.StatusNotFound, Message: "Topic does not exist"}
	case in.NextToken != "":
		return nil, &wire.Error{Code: "InvalidParameter", Message: "Invalid parameter: NextToken"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []listed{}
	for _, sub := range subscribed {
		all = append(all, listed{sub.arn, s.options.Account, "lambda", sub.function, in.TopicArn})
	}
	for i, address := range s.emails[in.TopicArn] {
		arn := fmt.Sprintf("%s:00000000-0000-4000-8000-%012d", in.TopicArn, i)
		if s.unconfirmed {
			arn = "PendingConfirmation" // SNS's word
		}
		all = append(all, listed{arn, s.options.Account, "email", address, in.TopicArn})
	}
	return struct {
		Subscriptions []listed `xml:"Subscriptions>member"`
	}{all}, nil
}
