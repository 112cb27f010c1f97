package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/httpapi"
	"github.com/keyward/keyward/local/wire"
)

var now = time.Date(2026, 3, 12, 19, 3, 58, 390_000_000, time.UTC)

var people = httpapi.API{
	LogicalID: "PeopleApi", ID: "abcdefghij", Account: "123456789012", Region: "us-east-1",
	Routes: []httpapi.Route{
		{Method: "GET", Path: "/v1/machines", Function: "api"},
		{Method: "GET", Path: "/v1/machines/{id}", Function: "api"},
		{Method: "GET", Path: "/v1/machines/new", Function: "api"},
		{Method: "POST", Path: "/v1/machines/{id}/check", Function: "api"},
	},
}

// function stands in for Lambda: it keeps the event and gives the answer it was told to.
type function struct {
	name          string
	event         []byte
	answer        string
	functionError string
	err           error
	wait          bool
}

func (f *function) invoke(ctx context.Context, name string, payload []byte) ([]byte, string, error) {
	f.name, f.event = name, payload
	if f.wait {
		<-ctx.Done()
		return nil, "", ctx.Err()
	}
	return []byte(f.answer), f.functionError, f.err
}

func gateway(t *testing.T, f *function) http.Handler {
	t.Helper()
	g, err := httpapi.New(httpapi.Options{
		Verify: func(r *http.Request, _ []byte) (httpapi.Caller, error) {
			if r.Header.Get("Authorization") == "" {
				return httpapi.Caller{}, errors.New("not signed")
			}
			return httpapi.Caller{AccessKeyID: "ASIAIOSFODNN7EXAMPLE", Principal: wire.Principal{
				Kind: wire.Machine, Account: "123456789012", UserID: "AROAEXAMPLE:i-1234567890abcdef0",
				ARN: "arn:aws:sts::123456789012:assumed-role/web/i-1234567890abcdef0",
			}}, nil
		},
		Invoke: f.invoke, Now: func() time.Time { return now }, Timeout: 10 * time.Millisecond,
	}, people, httpapi.API{
		LogicalID: "LinksApi", ID: "klmnopqrst", Account: "123456789012", Region: "us-east-1", Open: true,
		Routes: []httpapi.Route{{Method: "GET", Path: "/a/{token}", Function: "act"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return g.Handler()
}

func request(method, target, contentType, body string) *http.Request {
	r := httptest.NewRequest(method, "http://127.0.0.1:4566"+target, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:50000"
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 …")
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

func TestEvent(t *testing.T) {
	t.Parallel()
	f := &function{answer: `{"statusCode":204}`}
	r := request("POST", "/execute-api/PeopleApi/v1/machines/i-1234567890abcdef0/check?tag=a&tag=b%20c&x=", "application/json; charset=utf-8", `{"why":"ä"}`)
	r.Header.Set("User-Agent", "keyward")
	r.Header.Add("X-Many", "one")
	r.Header.Add("X-Many", "two")
	r.Header.Set("Cookie", "a=1; b=2")
	w := httptest.NewRecorder()
	gateway(t, f).ServeHTTP(w, r)
	if w.Code != 204 || f.name != "api" {
		t.Fatalf("status %d from function %q, want 204 from api", w.Code, f.name)
	}
	var got map[string]any
	if err := json.Unmarshal(f.event, &got); err != nil {
		t.Fatal(err)
	}
	id := got["requestContext"].(map[string]any)["requestId"]
	if id == "" || id != w.Header().Get("Apigw-Requestid") {
		t.Errorf("request id %v in the event, %q in the answer", id, w.Header().Get("Apigw-Requestid"))
	}
	want := map[string]any{
		"version": "2.0", "routeKey": "POST /v1/machines/{id}/check",
		"rawPath": "/v1/machines/i-1234567890abcdef0/check", "rawQueryString": "tag=a&tag=b%20c&x=",
		"cookies": []any{"a=1", "b=2"},
		"headers": map[string]any{
			"authorization": "AWS4-HMAC-SHA256 …", "content-type": "application/json; charset=utf-8", "host": "127.0.0.1:4566",
			"user-agent": "keyward", "x-many": "one,two", "x-forwarded-for": "127.0.0.1", "x-forwarded-port": "50000", "x-forwarded-proto": "https",
		},
		"queryStringParameters": map[string]any{"tag": "a,b c", "x": ""},
		"pathParameters":        map[string]any{"id": "i-1234567890abcdef0"},
		"requestContext": map[string]any{
			"accountId": "123456789012", "apiId": "abcdefghij",
			"authorizer": map[string]any{"iam": map[string]any{
				"accessKey": "ASIAIOSFODNN7EXAMPLE", "accountId": "123456789012", "callerId": "AROAEXAMPLE:i-1234567890abcdef0",
				"cognitoIdentity": nil, "principalOrgId": nil, "userId": "AROAEXAMPLE:i-1234567890abcdef0",
				"userArn": "arn:aws:sts::123456789012:assumed-role/web/i-1234567890abcdef0",
			}},
			"domainName": "abcdefghij.execute-api.us-east-1.amazonaws.com", "domainPrefix": "abcdefghij",
			"http": map[string]any{
				"method": "POST", "path": "/v1/machines/i-1234567890abcdef0/check", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "keyward",
			},
			"requestId": id, "routeKey": "POST /v1/machines/{id}/check", "stage": "$default",
			"time": "12/Mar/2026:19:03:58 +0000", "timeEpoch": float64(now.UnixMilli()),
		},
		"body": `{"why":"ä"}`, "isBase64Encoded": false,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
	var typed events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(f.event, &typed); err != nil {
		t.Fatal(err)
	}
	if typed.RequestContext.Authorizer == nil || typed.RequestContext.Authorizer.IAM == nil || typed.RequestContext.Authorizer.IAM.UserARN == "" {
		t.Error("aws-lambda-go does not see the IAM authorizer")
	}
}

func TestBodyEncoding(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		contentType, body, want string
		base64                  bool
	}{
		"text":         {"text/plain", "hello", "hello", false},
		"none":         {"", "hello", "hello", false},
		"form":         {"application/x-www-form-urlencoded", "a=1", "YT0x", true},
		"binary":       {"application/json", "\xff", "/w==", true},
		"broken type":  {";;", "a", "YQ==", true},
		"octet stream": {"application/octet-stream", "a", "YQ==", true},
	} {
		f := &function{answer: "{}"}
		gateway(t, f).ServeHTTP(httptest.NewRecorder(), request("POST", "/execute-api/PeopleApi/v1/machines/i-1/check", tt.contentType, tt.body))
		var e events.APIGatewayV2HTTPRequest
		if err := json.Unmarshal(f.event, &e); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if e.Body != tt.want || e.IsBase64Encoded != tt.base64 {
			t.Errorf("%s: body %q, base64 %t; want %q, %t", name, e.Body, e.IsBase64Encoded, tt.want, tt.base64)
		}
	}
}

func TestRouting(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"GET /execute-api/PeopleApi/v1/machines":                "GET /v1/machines",
		"GET /execute-api/PeopleApi/v1/machines/new":            "GET /v1/machines/new",
		"GET /execute-api/PeopleApi/v1/machines/i%3A1":          "GET /v1/machines/{id}",
		"POST /execute-api/PeopleApi/v1/machines":               "",
		"GET /execute-api/PeopleApi/v1/machines/":               "",
		"GET /execute-api/PeopleApi/v1/machines/i-1/check/more": "",
		"GET /execute-api/NoApi/v1/machines":                    "",
		"GET /execute-api/PeopleApi":                            "",
	} {
		f := &function{answer: "{}"}
		method, path, _ := strings.Cut(target, " ")
		w := httptest.NewRecorder()
		gateway(t, f).ServeHTTP(w, request(method, path, "", ""))
		var e events.APIGatewayV2HTTPRequest
		if f.event != nil {
			if err := json.Unmarshal(f.event, &e); err != nil {
				t.Fatal(err)
			}
		}
		if e.RouteKey != want {
			t.Errorf("%s went to %q, want %q", target, e.RouteKey, want)
		}
		if want == "" && (w.Code != 404 || w.Body.String() != `{"message":"Not Found"}`) {
			t.Errorf("%s = %d %s, want 404 Not Found", target, w.Code, w.Body)
		}
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	const internal = `{"message":"Internal Server Error"}`
	for name, tt := range map[string]struct {
		f           function
		status      int
		body        string
		contentType string
	}{
		"structured":       {function{answer: `{"statusCode":201,"headers":{"content-type":"application/json"},"body":"{}","cookies":["a=1"]}`}, 201, `{}`, "application/json"},
		"status as string": {function{answer: `{"statusCode":"404","body":"no"}`}, 404, "no", "text/plain; charset=utf-8"},
		"base64":           {function{answer: `{"statusCode":200,"body":"aGk=","isBase64Encoded":true}`}, 200, "hi", "text/plain; charset=utf-8"},
		"bare object":      {function{answer: `{"a":1}`}, 200, `{"a":1}`, "application/json"},
		"bare array":       {function{answer: `[1]`}, 200, `[1]`, "application/json"},
		"bare string":      {function{answer: `"hi"`}, 200, `hi`, "application/json"},
		"not JSON":         {function{answer: `<html>`}, 500, internal, "application/json"},
		"absurd status":    {function{answer: `{"statusCode":1000}`}, 500, internal, "application/json"},
		"status no number": {function{answer: `{"statusCode":{}}`}, 500, internal, "application/json"},
		"bad base64":       {function{answer: `{"statusCode":200,"body":"!","isBase64Encoded":true}`}, 500, internal, "application/json"},
		"body not text":    {function{answer: `{"statusCode":200,"body":{}}`}, 500, internal, "application/json"},
		"function error":   {function{answer: `{}`, functionError: "Unhandled"}, 500, internal, "application/json"},
		"no function":      {function{err: errors.New("gone")}, 500, internal, "application/json"},
		"timeout":          {function{wait: true}, 503, `{"message":"Service Unavailable"}`, "application/json"},
	} {
		w := httptest.NewRecorder()
		gateway(t, &tt.f).ServeHTTP(w, request("GET", "/execute-api/PeopleApi/v1/machines", "", ""))
		body, _ := io.ReadAll(w.Result().Body)
		if w.Code != tt.status || string(body) != tt.body || w.Header().Get("Content-Type") != tt.contentType {
			t.Errorf("%s: %d %q (%s), want %d %q (%s)", name, w.Code, body, w.Header().Get("Content-Type"), tt.status, tt.body, tt.contentType)
		}
		if name == "structured" && w.Header().Get("Set-Cookie") != "a=1" {
			t.Errorf("cookie %q, want a=1", w.Header().Get("Set-Cookie"))
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*http.Request)
		body   string
		status int
		want   string
	}{
		"not signed":   {func(r *http.Request) { r.Header.Del("Authorization") }, "", 403, `{"message":"Forbidden"}`},
		"large body":   {func(*http.Request) {}, strings.Repeat("x", httpapi.MaxBody+1), 413, `{"message":"Request Entity Too Large"}`},
		"large header": {func(r *http.Request) { r.Header.Set("X", strings.Repeat("x", httpapi.MaxHeader)) }, "", 431, `{"message":"Request Header Fields Too Large"}`},
	} {
		f := &function{answer: "{}"}
		r := request("GET", "/execute-api/PeopleApi/v1/machines", "", tt.body)
		tt.change(r)
		w := httptest.NewRecorder()
		gateway(t, f).ServeHTTP(w, r)
		if w.Code != tt.status || w.Body.String() != tt.want {
			t.Errorf("%s: %d %s, want %d %s", name, w.Code, w.Body, tt.status, tt.want)
		}
		if f.event != nil {
			t.Errorf("%s: the function was called", name)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	o := httpapi.Options{
		Verify: func(*http.Request, []byte) (httpapi.Caller, error) { return httpapi.Caller{}, nil },
		Invoke: (&function{}).invoke, Now: time.Now,
	}
	route := func(paths ...string) httpapi.API {
		a := httpapi.API{LogicalID: "PeopleApi"}
		for _, p := range paths {
			a.Routes = append(a.Routes, httpapi.Route{Method: "GET", Path: p})
		}
		return a
	}
	for want, f := range map[string]func() (*httpapi.Gateway, error){
		"starting the HTTP APIs: expected Verify, Invoke and Now":              func() (*httpapi.Gateway, error) { return httpapi.New(httpapi.Options{}) },
		"starting PeopleApi: two routes GET /a":                                func() (*httpapi.Gateway, error) { return httpapi.New(o, route("/a", "/a")) },
		"starting PeopleApi: the path of route GET /{proxy+} is not supported": func() (*httpapi.Gateway, error) { return httpapi.New(o, route("/{proxy+}")) },
		"starting PeopleApi: the path of route GET relative is not supported":  func() (*httpapi.Gateway, error) { return httpapi.New(o, route("relative")) },
	} {
		if _, err := f(); err == nil || err.Error() != want {
			t.Errorf("New = %v, want %s", err, want)
		}
	}
}

// An API without an authorizer asks for no signature, and its events name nobody, whatever was signed.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	for name, authorization := range map[string]string{"not signed": "", "signed": "AWS4-HMAC-SHA256 …"} {
		f := &function{answer: `{"statusCode":200}`}
		r := request("GET", "/execute-api/LinksApi/a/x", "", "")
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		gateway(t, f).ServeHTTP(w, r)
		var e events.APIGatewayV2HTTPRequest
		if err := json.Unmarshal(f.event, &e); err != nil || w.Code != 200 || f.name != "act" {
			t.Fatalf("%s: status %d of %q, %v", name, w.Code, f.name, err)
		}
		if e.RequestContext.Authorizer != nil || e.PathParameters["token"] != "x" || e.RouteKey != "GET /a/{token}" {
			t.Errorf("%s: the event is %s", name, f.event)
		}
	}
	w := httptest.NewRecorder()
	r := request("GET", "/execute-api/PeopleApi/v1/machines", "", "")
	r.Header.Del("Authorization")
	gateway(t, &function{}).ServeHTTP(w, r)
	if w.Code != 403 {
		t.Errorf("the other API answers %d to what is not signed", w.Code)
	}
}
