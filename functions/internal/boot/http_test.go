package boot_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/fault"
)

const alice = "arn:aws:iam::123456789012:user/alice"

func request(method, path, body string) events.APIGatewayV2HTTPRequest {
	var r events.APIGatewayV2HTTPRequest
	r.RawPath, r.RequestContext.HTTP.Method, r.Body = path, method, body
	r.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
		IAM: &events.APIGatewayV2HTTPRequestContextAuthorizerIAMDescription{UserARN: alice},
	}
	return r
}

var routes = boot.Routes{
	"GET /v1/things/{id}": func(_ context.Context, c boot.Call) (int, any, error) {
		return http.StatusOK, map[string]string{"id": c.PathValue("id"), "query": c.URL.Query().Get("q"), "caller": c.Caller}, nil
	},
	"PUT /v1/things/{id}": func(_ context.Context, c boot.Call) (int, any, error) {
		var in struct {
			Name string `json:"name"`
		}
		err := c.Decode(&in)
		return http.StatusCreated, in, err
	},
	"GET /v1/fails": func(context.Context, boot.Call) (int, any, error) {
		return 0, nil, errors.New("dynamodb says arn:aws:dynamodb:us-east-1:123456789012:table/t is down")
	},
	"GET /v1/busy": func(context.Context, boot.Call) (int, any, error) {
		return 0, nil, fault.New(fault.Transient, "reading: ThrottlingException")
	},
	"GET /v1/unspeakable": func(context.Context, boot.Call) (int, any, error) { return http.StatusOK, func() {}, nil },
}

func serve(t *testing.T, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, string) {
	t.Helper()
	ctx, log, logged := lambda(t)
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: "request-1"})
	out, err := boot.HTTP(routes, log)(ctx, deadline, r)
	if err != nil {
		t.Fatalf("HTTP: %v", err)
	}
	return out, logged.String()
}

func TestHTTP(t *testing.T) {
	t.Parallel()
	coded := request("PUT", "/v1/things/a", base64.StdEncoding.EncodeToString([]byte(`{"name":"x"}`)))
	coded.IsBase64Encoded = true
	badly := request("PUT", "/v1/things/a", "%%%")
	badly.IsBase64Encoded = true
	query := request("GET", "/v1/things/machine:i-1", "")
	query.RawQueryString = "q=1"
	noAuthorizer, noIAM, noARN := request("GET", "/v1/things/a", ""), request("GET", "/v1/things/a", ""), request("GET", "/v1/things/a", "")
	noAuthorizer.RequestContext.Authorizer = nil
	noIAM.RequestContext.Authorizer.IAM = nil
	noARN.RequestContext.Authorizer.IAM.UserARN = ""
	large := request("PUT", "/v1/things/a", `{"name":"`+strings.Repeat("x", boot.MaxBody)+`"}`)

	tests := []struct {
		name   string
		in     events.APIGatewayV2HTTPRequest
		status int
		body   string // part of it
	}{
		{"path and query", query, 200, `{"caller":"arn:aws:iam::123456789012:user/alice","id":"machine:i-1","query":"1"}`},
		{"a body", request("PUT", "/v1/things/a", `{"name":"x"}`), 201, `{"name":"x"}`},
		{"a base64 body", coded, 201, `{"name":"x"}`},
		{"a broken base64 body", badly, 400, `"the body is not base64"`},
		{"an unknown field", request("PUT", "/v1/things/a", `{"nmae":"x"}`), 400, `unknown field \"nmae\"`},
		{"more after the value", request("PUT", "/v1/things/a", `{"name":"x"} {}`), 400, "more follows"},
		{"no body", request("PUT", "/v1/things/a", ""), 400, `"kind":"Invalid"`},
		{"a body that is too large", large, 400, "at most 131072 are read"},
		{"no authorizer", noAuthorizer, 403, `"kind":"Denied"`},
		{"no IAM identity", noIAM, 403, `"kind":"Denied"`},
		{"no caller", noARN, 403, `"kind":"Denied"`},
		{"unknown route", request("GET", "/v2/things", ""), 404, `"kind":"NotFound"`},
		{"unknown method", request("DELETE", "/v1/things/a", ""), 404, `"kind":"NotFound"`},
		{"an internal error", request("GET", "/v1/fails", ""), 500, `{"kind":"Internal","message":"internal error","requestId":"request-1"}`},
		{"a busy service", request("GET", "/v1/busy", ""), 503, `"message":"reading: ThrottlingException"`},
		{"an answer that is no JSON", request("GET", "/v1/unspeakable", ""), 500, `"internal error"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out, _ := serve(t, tt.in)
			if out.StatusCode != tt.status || !strings.Contains(out.Body, tt.body) {
				t.Errorf("answer = %d %s, want %d with %s", out.StatusCode, out.Body, tt.status, tt.body)
			}
			if strings.Contains(out.Body, "arn:aws:dynamodb") {
				t.Errorf("the answer shows an ARN: %s", out.Body)
			}
			if !json.Valid([]byte(out.Body)) || out.Headers["content-type"] != "application/json" || out.Headers["cache-control"] != "no-store" {
				t.Errorf("answer = %q with headers %v, want JSON that nobody keeps", out.Body, out.Headers)
			}
		})
	}
}

func TestWhatPeopleHaveToSeeIsLoggedAsAnError(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{"/v1/fails": "level=ERROR", "/v1/busy": "level=ERROR", "/v2": "level=INFO"} {
		if _, logged := serve(t, request("GET", path, "")); !strings.Contains(logged, want) {
			t.Errorf("GET %s logged %q, want %s", path, logged, want)
		}
	}
}

func TestSession(t *testing.T) {
	t.Parallel()
	for arn, want := range map[string]string{
		"arn:aws:sts::123456789012:assumed-role/web/i-1234567890abcdef0": "i-1234567890abcdef0",
		"arn:aws:sts::123456789012:assumed-role/web":                     "",
		alice: "",
		"":    "",
	} {
		if got := (boot.Call{Caller: arn}).Session(); got != want {
			t.Errorf("Session of %q = %q, want %q", arn, got, want)
		}
	}
}
