// Package sns is the Simple Notification Service inside keyward local, as far as services use it: a topic
// takes what a service publishes and hands it to the Lambda functions that the template subscribes, in
// the event that SNS makes of it. Topics and subscriptions come from the template, by CreateTopic, Subscribe
// and Email; calls list a topic's subscriptions and do nothing else. What is subscribed by e-mail gets nothing.
package sns

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/keyward/keyward/local/clock"
)

// Options are what the service needs of its surroundings. Clock, Account, Region and Invoke are required.
type Options struct {
	Clock   *clock.Clock
	Account string // 12 digits
	Region  string
	// Invoke hands an event to the function with this ARN. An error means that Lambda did not take it.
	Invoke func(function string, payload []byte) error
	// DeadLetter takes what Lambda did not take; nil only loses it.
	DeadLetter func(Letter)
	// Copies says how often a message of this kind arrives: 0 is lost, 2 is doubled. Nil is once.
	Copies func(kind string) int
	// Late says how much later than now it arrives. Nil is at once.
	Late func(kind string) time.Duration
}

// Letter is a message that a function did not get.
type Letter struct {
	Queue   string // ARN
	Topic   string
	Message string
	Error   string
}

// SNS is the service. It is set up before it is used; then calls and Confirm alone change it.
type SNS struct {
	options Options
	topics  map[string][]subscription // by ARN
	emails  map[string][]string       // addresses by topic

	mu          sync.Mutex
	unconfirmed bool            // the subscriptions by e-mail
	made        map[string]bool // topics that a call made, by ARN
	messages    []Message       // that calls published, oldest first
}

type subscription struct{ arn, function, queue string }

// New returns a service without topics.
func New(o Options) *SNS {
	if o.Copies == nil {
		o.Copies = func(string) int { return 1 }
	}
	if o.Late == nil {
		o.Late = func(string) time.Duration { return 0 }
	}
	if o.DeadLetter == nil {
		o.DeadLetter = func(Letter) {}
	}
	return &SNS{options: o, topics: map[string][]subscription{}, emails: map[string][]string{}, made: map[string]bool{}}
}

// CreateTopic makes a topic, if it is not there.
func (s *SNS) CreateTopic(arn string) {
	if _, there := s.topics[arn]; !there {
		s.topics[arn] = nil
	}
}

// Subscribe has a topic's messages handed to a function; queue is the ARN of its dead letters, "" for none.
func (s *SNS) Subscribe(topic, function, queue string) error {
	if _, there := s.topics[topic]; !there {
		return fmt.Errorf("subscribing %s: there is no topic %s", function, topic)
	}
	s.topics[topic] = append(s.topics[topic], subscription{arn: topic + ":" + newID(), function: function, queue: queue})
	return nil
}

// Publish hands a message to all who subscribed. kind is what faults select by.
func (s *SNS) Publish(topic, kind, subject, message string) error {
	subscribed, there := s.topics[topic]
	if !there {
		return fmt.Errorf("publishing %s: there is no topic %s", kind, topic)
	}
	id, at := newID(), s.options.Clock.Now()
	for _, sub := range subscribed {
		payload, err := json.Marshal(s.event(topic, sub, id, subject, message, at))
		if err != nil {
			return fmt.Errorf("publishing %s: %w", kind, err)
		}
		late := s.options.Late(kind)
		for range s.options.Copies(kind) {
			if late <= 0 {
				s.hand(topic, sub, message, payload)
				continue
			}
			s.options.Clock.After(late, "late message to "+sub.function, func() { s.hand(topic, sub, message, payload) })
		}
	}
	return nil
}

func (s *SNS) hand(topic string, sub subscription, message string, payload []byte) {
	if err := s.options.Invoke(sub.function, payload); err != nil {
		s.options.DeadLetter(Letter{Queue: sub.queue, Topic: topic, Message: message, Error: err.Error()})
	}
}

// event is what Lambda gets ("Using AWS Lambda with Amazon SNS"). The signature is of nobody: Lambda
// functions are not called by strangers and do not check it.
func (s *SNS) event(topic string, sub subscription, id, subject, message string, at time.Time) any {
	type record struct {
		EventSource, EventVersion, EventSubscriptionArn string
		Sns                                             map[string]any
	}
	host := "https://sns." + s.options.Region + ".amazonaws.com/"
	return map[string]any{"Records": []record{{
		EventSource: "aws:sns", EventVersion: "1.0", EventSubscriptionArn: sub.arn,
		Sns: map[string]any{
			"Type": "Notification", "MessageId": id, "TopicArn": topic, "Subject": subject, "Message": message,
			"Timestamp": at.UTC().Format("2006-01-02T15:04:05.000Z"), "SignatureVersion": "1", "Signature": "EXAMPLE",
			"SigningCertUrl": host + "SimpleNotificationService-example.pem", "UnsubscribeUrl": host + "?Action=Unsubscribe&SubscriptionArn=" + sub.arn,
			"MessageAttributes": map[string]any{},
		},
	}}}
}

// newID is a random UUID of version 4.
func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails since Go 1.24
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
