package boot_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/fault"
)

// rest is a call of a REST API as API Gateway sends it.
const rest = `{"resource":"/v1/things/{id}","path":"/v1/things/machine:i-1","httpMethod":"METHOD",
"headers":{"Content-Type":"application/json","If-None-Match":"\"7\""},"multiValueHeaders":{"Content-Type":["application/json"],"X-Many":["one","two"],"If-None-Match":["\"7\""]},
"queryStringParameters":{"q":"b c"},"multiValueQueryStringParameters":{"q":["a&b","b c"]},"pathParameters":{"id":"machine:i-1"},"stageVariables":null,
"requestContext":{"resourcePath":"/v1/things/{id}","httpMethod":"METHOD","path":"/machines/v1/things/machine:i-1","accountId":"123456789012","stage":"machines","requestId":"r-1",
"identity":{"accountId":"123456789012","caller":"AIDA","userArn":"CALLER","user":"AIDA","accessKey":"AKIAIOSFODNN7EXAMPLE","sourceIp":"10.0.0.10","vpceId":"vpce-0123456789abcdef0"}},
"body":BODY,"isBase64Encoded":BASE64}`

func restCall(method, caller, body, coded string) string {
	return strings.NewReplacer("METHOD", method, "CALLER", caller, "BODY", body, "BASE64", coded).Replace(rest)
}

func throughGateway(t *testing.T, event string) (map[string]any, error) {
	t.Helper()
	var in boot.GatewayRequest
	if err := json.Unmarshal([]byte(event), &in); err != nil {
		return nil, err
	}
	ctx, log, _ := lambda(t)
	out, err := boot.Gateway(routes, log)(ctx, deadline, in)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	return got, nil
}

// One function behind both kinds of API answers the same, each in its own form.
func TestGateway(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		event  string
		status float64
		body   string
	}{
		"REST, path and query": {restCall("GET", alice, "null", "false"), 200, `{"caller":"` + alice + `","id":"machine:i-1","query":"a\u0026b"}`},
		"REST, a body":         {restCall("PUT", alice, `"{\"name\":\"x\"}"`, "false"), 201, `{"name":"x"}`},
		"REST, in base64":      {restCall("PUT", alice, `"eyJuYW1lIjoieCJ9"`, "true"), 201, `{"name":"x"}`},
		"REST, bad base64":     {restCall("PUT", alice, `"%"`, "true"), 400, "the body is not base64"},
		"REST, nobody":         {restCall("GET", "", "null", "false"), 403, `"kind":"Denied"`},
		"REST, a way up":       {strings.Replace(restCall("GET", alice, "null", "false"), "/v1/things/machine:i-1", "/v1/../v1/things/a", 1), 404, `"kind":"NotFound"`},
	} {
		got, err := throughGateway(t, tt.event)
		if err != nil || got["statusCode"] != tt.status || !strings.Contains(got["body"].(string), tt.body) {
			t.Errorf("%s: %v %v, want %v with %s", name, got, err, tt.status, tt.body)
			continue
		}
		for member := range got {
			if !strings.Contains("statusCode headers multiValueHeaders body isBase64Encoded", member) {
				t.Errorf("%s: the answer has %s, which no REST API takes", name, member)
			}
		}
		if h := got["headers"].(map[string]any); h["cache-control"] != "no-store" || h["content-type"] == nil {
			t.Errorf("%s: headers %v", name, h)
		}
	}
	v2, err := json.Marshal(request("GET", "/v1/things/a", ""))
	if err != nil {
		t.Fatal(err)
	}
	var of2 events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(v2, &of2); err != nil {
		t.Fatal(err)
	}
	of2.Version = "2.0"
	v2, _ = json.Marshal(of2)
	if got, err := throughGateway(t, string(v2)); err != nil || got["statusCode"] != 200.0 || !strings.Contains(got["body"].(string), `"id":"a"`) {
		t.Errorf("an HTTP API: %v, %v", got, err)
	}
}

// A header of a REST API comes in whatever case it was sent.
func TestHeadersOfRESTAPIs(t *testing.T) {
	t.Parallel()
	event := strings.ReplaceAll(restCall("GET", alice, "null", "false"), "/v1/things/machine:i-1", "/v1/tagged")
	if got, err := throughGateway(t, event); err != nil || got["statusCode"] != 304.0 {
		t.Errorf("%v, %v; want 304 by If-None-Match", got, err)
	}
	var in boot.GatewayRequest
	if err := json.Unmarshal([]byte(event), &in); err != nil || in.Headers["x-many"] != "one,two" || in.RawQueryString != "q=a%26b&q=b+c" {
		t.Errorf("headers %v, query %s, %v", in.Headers, in.RawQueryString, err)
	}
}

func TestEventsOfNeither(t *testing.T) {
	t.Parallel()
	for name, event := range map[string]string{
		"empty": `{}`, "payload 1.0 of an HTTP API": `{"version":"1.0","httpMethod":"GET","path":"/"}`, "both": `{"version":"2.0","httpMethod":"GET"}`, "another's": `{"source":"aws.ssm"}`,
	} {
		if err := json.Unmarshal([]byte(event), new(boot.GatewayRequest)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want Invalid", name, err)
		}
	}
	for name, event := range map[string]string{"a list": `[]`, "a path that is none": `{"httpMethod":"GET","path":7}`, "another type": `{"version":2}`} {
		if err := json.Unmarshal([]byte(event), new(boot.GatewayRequest)); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}

func FuzzGatewayRequest(f *testing.F) {
	f.Add([]byte(restCall("GET", alice, "null", "false")))
	text, err := os.ReadFile("../../../events/request/ask.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, event []byte) {
		var in boot.GatewayRequest
		if json.Unmarshal(event, &in) == nil && in.REST && in.RequestContext.Authorizer == nil {
			t.Errorf("%s has no caller, not even an empty one", event)
		}
	})
}
