package stack_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/stack"
)

// posted is a correct template with mail events to break.
const posted = `Transform: AWS::Serverless-2016-10-31
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: .
      Events:
        Mail:
          Type: SNS
          Properties: {Topic: !Ref Topic, RedrivePolicy: {deadLetterTargetArn: !GetAtt Queue.Arn}}
  Queue:
    Type: AWS::SQS::Queue
  Topic:
    Type: AWS::SNS::Topic
    Properties:
      Subscription: [{Protocol: email, Endpoint: ops@example.com}]
  Set:
    Type: AWS::SES::ConfigurationSet
  Events:
    Type: AWS::SES::ConfigurationSetEventDestination
    Properties:
      ConfigurationSetName: !Ref Set
      EventDestination:
        Enabled: true
        MatchingEventTypes: [send, renderingFailure]
        SnsDestination: {TopicARN: !Ref Topic}
`

func TestMailEvents(t *testing.T) {
	t.Parallel()
	s, err := stack.Parse("t.yaml", []byte(posted), smallFiles, stack.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const topic = "arn:aws:sns:us-east-1:123456789012:keyward-Topic"
	if diff := cmp.Diff([]stack.EventDestination{{Set: "keyward-Set", Types: []string{"Send", "Rendering Failure"}, Topic: topic}}, s.EventDestinations); diff != "" {
		t.Errorf("destinations (-want +got):\n%s", diff)
	}
	want := stack.Subscription{
		Topic: topic, Function: "arn:aws:lambda:us-east-1:123456789012:function:keyward-F", DeadLetter: "arn:aws:sqs:us-east-1:123456789012:keyward-Queue",
	}
	if diff := cmp.Diff([]stack.Subscription{want}, s.Subscriptions); diff != "" {
		t.Errorf("subscriptions (-want +got):\n%s", diff)
	}
}

func TestMailEventsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ old, new, want string }{
		"disabled":           {"Enabled: true", "Enabled: false", "Events.EventDestination: expected Enabled: true"},
		"links":              {"[send, renderingFailure]", "[click]", `Events.EventDestination.MatchingEventTypes: keyward local does not carry the events "click"`},
		"to a stream":        {"SnsDestination: {TopicARN: !Ref Topic}", "KinesisFirehoseDestination: {}", "KinesisFirehoseDestination: keyward local does not carry this property"},
		"no topic":           {"SnsDestination: {TopicARN: !Ref Topic}", "SnsDestination: {}", "Events.EventDestination.SnsDestination: expected the property TopicARN"},
		"another's topic":    {"{TopicARN: !Ref Topic}", "{TopicARN: arn}", "expected a topic and a configuration set of this template, found \"arn\" and \"keyward-Set\""},
		"another's set":      {"ConfigurationSetName: !Ref Set", "ConfigurationSetName: other", "found \"arn:aws:sns:us-east-1:123456789012:keyward-Topic\" and \"other\""},
		"function's topic":   {"{Topic: !Ref Topic,", "{Topic: arn,", "Events: expected a topic of this template, found \"arn\""},
		"filter":             {"{Topic: !Ref Topic,", "{Topic: !Ref Topic, FilterPolicy: {},", "FilterPolicy: keyward local does not carry this property"},
		"queue subscribed":   {"Protocol: email", "Protocol: sqs", `Topic.Subscription[0].Protocol: keyward local carries email alone, found "sqs"`},
		"endpoint missing":   {", Endpoint: ops@example.com", "", "Topic.Subscription[0]: expected the property Endpoint"},
		"topic's encryption": {"      Subscription:", "      KmsMasterKeyId: a\n      Subscription:", "Topic.KmsMasterKeyId: keyward local does not carry this property"},
	} {
		_, err := stack.Parse("t.yaml", []byte(strings.Replace(posted, c.old, c.new, 1)), smallFiles, stack.Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: Parse = %v, want %q in it", name, err, c.want)
		}
	}
}
