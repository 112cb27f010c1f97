package boot

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/keyward/keyward/shared/fault"
)

// MaxBody is the largest request body that is read: a policy is at most 64 KiB.
const MaxBody = 128 << 10

// Call is one HTTP request with who signed it and when it came.
type Call struct {
	*http.Request
	Caller string    // ARN of the IAM principal, from the authorizer
	Now    time.Time // start of the invocation
	Body   []byte
	Once   string // digest of the caller and the idempotency key; empty without one
}

// Decode reads the body as JSON into v; what v does not name is refused by name.
func (c Call) Decode(v any) error {
	d := json.NewDecoder(strings.NewReader(string(c.Body)))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return unread(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fault.New(fault.Invalid, "reading the body: more follows the JSON value")
	}
	return nil
}

// Session is the session name of an assumed role, "" for other principals: an instance's is its id.
func (c Call) Session() string {
	if _, after, ok := strings.Cut(c.Caller, ":assumed-role/"); ok {
		_, session, _ := strings.Cut(after, "/")
		return session
	}
	return ""
}

// Endpoint answers one route: a status and a value that becomes the JSON body, or an error.
type Endpoint func(ctx context.Context, c Call) (int, any, error)

// Routes are the endpoints of an HTTP API by net/http pattern, such as "GET /v1/machines/{id}".
type Routes map[string]Endpoint

// HTTP serves routes behind an API Gateway HTTP API with payload 2.0 and IAM authorizer. A request
// whose caller is not known is refused; errors become their kind's status and safe text.
func HTTP(routes Routes, log *slog.Logger) Handler[events.APIGatewayV2HTTPRequest, events.APIGatewayV2HTTPResponse] {
	mux := http.NewServeMux()
	for pattern, endpoint := range routes {
		mux.Handle(pattern, serve(endpoint, log))
	}
	mux.Handle("/", serve(elsewhere(routes), log))
	return func(ctx context.Context, now time.Time, in events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		if in.RequestContext.Authorizer == nil || in.RequestContext.Authorizer.IAM == nil || in.RequestContext.Authorizer.IAM.UserARN == "" {
			return refused(ctx, fault.New(fault.Denied, "the caller is not known")), nil
		}
		body := []byte(in.Body)
		if in.IsBase64Encoded {
			var err error
			if body, err = base64.StdEncoding.DecodeString(in.Body); err != nil {
				return refused(ctx, fault.New(fault.Invalid, "the body is not base64")), nil
			}
		}
		c := Call{Caller: in.RequestContext.Authorizer.IAM.UserARN, Now: now, Body: body}
		r, err := http.NewRequestWithContext(context.WithValue(ctx, callKey{}, c), in.RequestContext.HTTP.Method, (&url.URL{Path: in.RawPath, RawQuery: in.RawQueryString}).String(), nil)
		if err != nil {
			return events.APIGatewayV2HTTPResponse{}, fmt.Errorf("reading the request: %w", err)
		}
		for name, value := range in.Headers {
			r.Header.Set(name, value)
		}
		w := newRecorder()
		if clean := path.Clean(in.RawPath); clean != in.RawPath && clean+"/" != in.RawPath {
			return refused(ctx, fault.New(fault.NotFound, "there is no such route")), nil // the mux would lead such a caller elsewhere
		}
		mux.ServeHTTP(w, r)
		return response(w), nil
	}
}

type callKey struct{}

func serve(endpoint Endpoint, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := r.Context().Value(callKey{}).(Call)
		c.Request = r
		status, body, err := run(r.Context(), endpoint, c)
		if err != nil {
			row := fault.Of(fault.KindOf(err))
			level := slog.LevelInfo
			if row.Status >= http.StatusInternalServerError {
				level = slog.LevelError
			}
			log.Log(r.Context(), level, "request refused", KeyKind, row.Name, KeyError, err.Error())
			writeProblem(r.Context(), w, err)
			return
		}
		write(w, r, status, body)
	})
}

func run(ctx context.Context, endpoint Endpoint, c Call) (int, any, error) {
	if len(c.Body) > MaxBody {
		return 0, nil, fault.New(fault.TooLarge, "reading the body: it has %d bytes, at most %d are read", len(c.Body), MaxBody)
	}
	return endpoint(ctx, c)
}

// recorder keeps an answer until it is whole, since a Lambda function answers at once.
type recorder struct {
	status int
	header http.Header
	body   strings.Builder
}

func newRecorder() *recorder { return &recorder{status: http.StatusOK, header: http.Header{}} }

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

func response(w *recorder) events.APIGatewayV2HTTPResponse {
	headers := map[string]string{}
	for name := range w.header {
		headers[strings.ToLower(name)] = w.header.Get(name)
	}
	return events.APIGatewayV2HTTPResponse{StatusCode: w.status, Headers: headers, Body: w.body.String()}
}

func requestID(ctx context.Context) string {
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		return lc.AwsRequestID
	}
	return ""
}
