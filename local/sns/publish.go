package sns

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/local/wire"
)

// Message is what a call published.
type Message struct {
	ID         string            `json:"id"`
	Topic      string            `json:"topic"` // ARN
	At         time.Time         `json:"at"`    // virtual
	Subject    string            `json:"subject,omitempty"`
	Text       string            `json:"text"`
	Attributes map[string]string `json:"attributes,omitempty"`
}

// Messages are what calls published, oldest first.
func (s *SNS) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// there is whether there is a topic of this ARN.
func (s *SNS) there(arn string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, there := s.topics[arn]
	return there || s.made[arn]
}

var topicName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

// createTopic is idempotent, as SNS's is. Who the caller may be is not judged by policies but by its kind: no function makes any.
func (s *SNS) createTopic(_ context.Context, r *wire.Request) (any, error) {
	in, err := wire.Decode[struct{ Name string }](r)
	if err != nil {
		return nil, err
	}
	switch {
	case r.Caller.Kind != wire.Operator:
		return nil, &wire.Error{Code: "AuthorizationError", Status: http.StatusForbidden, Message: "User: " + r.Caller.ARN + " is not authorized to perform: SNS:CreateTopic"}
	case !topicName.MatchString(in.Name):
		return nil, invalid("Topic Name")
	}
	arn := "arn:aws:sns:" + s.options.Region + ":" + s.options.Account + ":" + in.Name
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made[arn] = true
	return struct{ TopicArn string }{arn}, nil
}

type attribute struct {
	Name  string
	Value struct{ DataType, StringValue string }
}

// maxMessage is in bytes, with the attributes ("Amazon SNS message size", 256 KB).
const maxMessage = 256 << 10

// publish keeps a message. By a policy of its own a topic may admit more than the caller's say; that is not modelled.
func (s *SNS) publish(_ context.Context, r *wire.Request) (any, error) {
	in, err := wire.Decode[struct {
		TopicArn, Message, Subject string
		MessageAttributes          struct {
			Entry []attribute `json:"entry"`
		}
	}](r)
	if err != nil {
		return nil, err
	}
	size := len(in.Message)
	m := Message{ID: newID(), Topic: in.TopicArn, At: s.options.Clock.Now().Truncate(time.Millisecond), Subject: in.Subject, Text: in.Message, Attributes: map[string]string{}}
	for _, a := range in.MessageAttributes.Entry {
		if a.Name == "" || a.Value.DataType != "String" || a.Value.StringValue == "" {
			return nil, &wire.Error{Code: "ParameterValueInvalid", Message: "The message attribute '" + a.Name + "' must contain a non-empty String value."}
		}
		m.Attributes[a.Name] = a.Value.StringValue
		size += len(a.Name) + len(a.Value.DataType) + len(a.Value.StringValue)
	}
	switch {
	case !s.there(in.TopicArn):
		return nil, &wire.Error{Code: "NotFound", Status: http.StatusNotFound, Message: "Topic does not exist"}
	case in.Message == "":
		return nil, invalid("Empty message")
	case size > maxMessage:
		return nil, invalid("Message too long")
	case len(in.Subject) > 100 || strings.ContainsFunc(in.Subject, func(r rune) bool { return r < ' ' || r > '~' }) || strings.HasPrefix(in.Subject, " "):
		return nil, invalid("Subject")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = append(s.messages, m)
	return struct{ MessageId string }{m.ID}, nil
}

func invalid(what string) error {
	return &wire.Error{Code: "InvalidParameter", Message: "Invalid parameter: " + what}
}
