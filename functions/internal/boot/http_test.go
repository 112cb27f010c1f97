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
	"GET /v1/tagged": func(context.Context, boot.Call) (int, any, error) {
		return http.StatusOK, boot.Tagged{Tag: "7", Value: "x"}, nil
	},
	"GET /v1/digested": func(context.Context, boot.Call) (int, any, error) {
		return http.StatusOK, boot.Tagged{Value: "x"}, nil
	},
	"PUT /v1/tagged": func(_ context.Context, c boot.Call) (int, any, error) {
		return http.StatusOK, boot.Tagged{Tag: "8", Value: "y"}, c.Matches("7")
	},
	"PUT /v1/new": func(_ context.Context, c boot.Call) (int, any, error) {
		return http.StatusOK, boot.Tagged{Tag: "1", Value: "y"}, c.Matches("")
	},
	"GET /v1/text": func(context.Context, boot.Call) (int, any, error) {
		return http.StatusOK, boot.Document{ContentType: "application/yaml", Text: "a: 1\n"}, nil
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
		{"a field of another type", request("PUT", "/v1/things/a", `{"name":7}`), 400, `"errors":[{"field":"name","detail":"reading the body: name is a JSON number, expected a string"}]`},
		{"another body", request("PUT", "/v1/things/a", `[]`), 400, `"reading the body: the body is a JSON array, expected an object"`},
		{"no JSON", request("PUT", "/v1/things/a", `name: x`), 400, `reading the body: invalid character`},
		{"no body", request("PUT", "/v1/things/a", ""), 400, `"reading the body: it is empty, expected JSON"`},
		{"a way up", request("GET", "/v1/things/../things/a", ""), 404, `"kind":"NotFound"`},
		{"an empty segment", request("GET", "/v1//things/a", ""), 404, `"kind":"NotFound"`},
		{"a segment of dots", request("GET", "/v1/things/..", ""), 404, `"kind":"NotFound"`},
		{"a slash at the end", request("GET", "/v1/things/a/", ""), 404, `"kind":"NotFound"`},
		{"a body that is too large", large, 413, "at most 131072 are read"},
		{"no authorizer", noAuthorizer, 403, `"kind":"Denied"`},
		{"no IAM identity", noIAM, 403, `"kind":"Denied"`},
		{"no caller", noARN, 403, `"kind":"Denied"`},
		{"unknown route", request("GET", "/v2/things", ""), 404, `"kind":"NotFound"`},
		{"unknown method", request("DELETE", "/v1/things/a", ""), 405, `"detail":"/v1/things/a has no method DELETE, expected GET, PUT"`},
		{"an internal error", request("GET", "/v1/fails", ""), 500, `{"type":"about:blank","title":"Internal Server Error","status":500,"detail":"internal error","kind":"Internal","requestId":"request-1"}`},
		{"a busy service", request("GET", "/v1/busy", ""), 503, `"detail":"reading: ThrottlingException"`},
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
			media, retry, allow := "application/json", "", ""
			if tt.status >= 400 {
				media = fault.ProblemType
			}
			if tt.status == 503 {
				retry = "1"
			}
			if tt.status == 405 {
				allow = "GET, PUT"
			}
			if out.Headers["retry-after"] != retry || out.Headers["allow"] != allow {
				t.Errorf("headers = %v, want Retry-After %q and Allow %q", out.Headers, retry, allow)
			}
			if !json.Valid([]byte(out.Body)) || out.Headers["content-type"] != media || out.Headers["cache-control"] != "no-store" {
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

func TestTags(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		method, path, header, value string
		status                      int
		body                        string
	}{
		{"GET", "/v1/tagged", "", "", 200, `"x"`},
		{"GET", "/v1/tagged", "if-none-match", `"6"`, 200, `"x"`},
		{"GET", "/v1/tagged", "if-none-match", `"6", W/"7"`, 304, ""},
		{"GET", "/v1/tagged", "if-none-match", "*", 304, ""},
		{"PUT", "/v1/tagged", "", "", 200, `"y"`},
		{"PUT", "/v1/tagged", "if-match", `"7"`, 200, `"y"`},
		{"PUT", "/v1/tagged", "if-match", "*", 200, `"y"`},
		{"PUT", "/v1/tagged", "if-match", `"6"`, 412, `the version is \"7\"`},
		{"PUT", "/v1/tagged", "if-none-match", "*", 412, "it is there already, in version 7"},
		{"PUT", "/v1/new", "if-match", "*", 412, "there is none"},
		{"PUT", "/v1/new", "if-match", `""`, 412, "there is none"},
		{"PUT", "/v1/new", "if-none-match", "*", 200, `"y"`},
	} {
		in := request(tt.method, tt.path, "")
		in.Headers = map[string]string{tt.header: tt.value}
		out, _ := serve(t, in)
		if out.StatusCode != tt.status || !strings.Contains(out.Body, tt.body) || tt.status == 304 && out.Body != "" {
			t.Errorf("%s %s with %s: %s = %d %s, want %d with %s", tt.method, tt.path, tt.header, tt.value, out.StatusCode, out.Body, tt.status, tt.body)
		}
		if tag := out.Headers["etag"]; tt.method == "GET" && tag != `"7"` {
			t.Errorf("%s: ETag = %s, want 7", tt.path, tag)
		}
	}
}

// What has no version of its own has the digest of what is shown.
func TestDigestAsTag(t *testing.T) {
	t.Parallel()
	first, _ := serve(t, request("GET", "/v1/digested", ""))
	again := request("GET", "/v1/digested", "")
	again.Headers = map[string]string{"if-none-match": first.Headers["etag"]}
	if out, _ := serve(t, again); len(first.Headers["etag"]) != 18 || first.StatusCode != 200 || out.StatusCode != 304 {
		t.Errorf("answers %d with ETag %s, then %d, want 200 and 304", first.StatusCode, first.Headers["etag"], out.StatusCode)
	}
}

func TestDocument(t *testing.T) {
	t.Parallel()
	if out, _ := serve(t, request("GET", "/v1/text", "")); out.Body != "a: 1\n" || out.Headers["content-type"] != "application/yaml" {
		t.Errorf("answer = %q with %v, want the text as it is", out.Body, out.Headers)
	}
}
