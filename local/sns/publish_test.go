package sns_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/keyward/keyward/local/wire"
)

func TestCreateTopicAndPublish(t *testing.T) {
	t.Parallel()
	const made = "arn:aws:sns:us-east-1:123456789012:keyward-notify-ops"
	p := begin(t)
	for _, tt := range []struct {
		operation string
		kind      wire.Kind
		body      map[string]any
		code      string // "": it is answered
	}{
		{"Publish", wire.Function, map[string]any{"TopicArn": made, "Message": "m"}, "NotFound"},
		{"CreateTopic", wire.Function, map[string]any{"Name": "keyward-notify-ops"}, "AuthorizationError"},
		{"CreateTopic", wire.Operator, map[string]any{"Name": "a topic"}, "InvalidParameter"},
		{"CreateTopic", wire.Operator, map[string]any{"Name": "a", "Attributes": "x"}, "NotImplemented"},
		{"CreateTopic", wire.Operator, map[string]any{"Name": "keyward-notify-ops"}, ""},
		{"CreateTopic", wire.Operator, map[string]any{"Name": "keyward-notify-ops"}, ""},
		{"ListSubscriptionsByTopic", wire.Operator, map[string]any{"TopicArn": made}, ""},
		{"Publish", wire.Function, map[string]any{"TopicArn": made, "Message": ""}, "InvalidParameter"},
		{"Publish", wire.Function, map[string]any{"TopicArn": made, "Message": strings.Repeat("m", 256<<10+1)}, "InvalidParameter"},
		{"Publish", wire.Function, map[string]any{"TopicArn": made, "Message": "m", "Subject": "Größe"}, "InvalidParameter"},
		{"Publish", wire.Function, map[string]any{"TopicArn": made, "Message": "m", "Subject": strings.Repeat("s", 101)}, "InvalidParameter"},
		{"Publish", wire.Function, map[string]any{"TopicArn": made, "Message": "m", "MessageAttributes": entries("Number", "1")}, "ParameterValueInvalid"},
		{"Publish", wire.Function, map[string]any{"TopicArn": made, "Message": "m", "PhoneNumber": "1"}, "NotImplemented"},
		{"Publish", wire.Function, map[string]any{"TopicArn": made, "Message": "m", "Subject": "s", "MessageAttributes": entries("String", "warning")}, ""},
	} {
		body, _ := json.Marshal(tt.body)
		_, err := p.Service().Operations[tt.operation](t.Context(), &wire.Request{Body: body, Caller: wire.Principal{Kind: tt.kind}})
		var e *wire.Error
		if errors.As(err, &e) != (tt.code != "") || e != nil && e.Code != tt.code {
			t.Errorf("%s %.100s as %s: %v, want %q", tt.operation, body, tt.kind, err, tt.code)
		}
	}
	all := p.Messages()
	if len(all) != 1 || all[0].Topic != made || all[0].Subject != "s" || all[0].Text != "m" || all[0].Attributes["event"] != "warning" || !all[0].At.Equal(start) || len(p.got) != 0 {
		t.Errorf("published %+v, invoked %v", all, p.got)
	}
}

func entries(kind, value string) any {
	return map[string]any{"entry": []any{map[string]any{"Name": "event", "Value": map[string]string{"DataType": kind, "StringValue": value}}}}
}
