package awstest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"github.com/keyward/keyward/local/wire"
	"github.com/keyward/keyward/shared/fault"
)

// telling is what AWS's messages carry and nobody outside may read.
const telling = "User: arn:aws:sts::123456789012:assumed-role/keyward/x is not authorized on resource: arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"

// Error is an AWS error with a message that must not get out.
func Error(code string) *wire.Error {
	status := http.StatusBadRequest
	if strings.HasPrefix(code, "Internal") || strings.HasPrefix(code, "Service") {
		status = http.StatusInternalServerError
	}
	return &wire.Error{Code: code, Message: telling, Status: status}
}

// secret is an ARN or an account id.
var secret = regexp.MustCompile(`arn:aws|\b[0-9]{12}\b`)

// Wrapped checks that err has a kind, shows no ARN and no account id, and names the code.
func Wrapped(t *testing.T, err error, kind fault.Kind, says string) {
	t.Helper()
	if err == nil {
		t.Fatalf("error = nil, want kind %s", fault.Of(kind).Name)
	}
	if got := fault.KindOf(err); got != kind {
		t.Errorf("kind of %v = %s, want %s", err, fault.Of(got).Name, fault.Of(kind).Name)
	}
	safe := fault.Safe(err)
	if secret.MatchString(safe) {
		t.Errorf("Safe(%v) = %q, want no ARN and no account id", err, safe)
	}
	if kind != fault.Internal && !strings.Contains(safe, says) {
		t.Errorf("Safe(%v) = %q, want %q in it", err, safe, says)
	}
}

// common are the codes that every service may answer with.
var common = map[string]fault.Kind{
	"ThrottlingException":         fault.Transient,
	"ServiceUnavailable":          fault.Transient,
	"InternalFailure":             fault.Transient,
	"AccessDeniedException":       fault.Denied,
	"ExpiredTokenException":       fault.Denied,
	"UnrecognizedClientException": fault.Denied,
	"ValidationException":         fault.Invalid,
	"SomethingNewException":       fault.Internal,
}

// Mapped has an operation answered with every error that is common, with those in own, with no answer at
// all and with none in time, and checks what call makes of each.
func (p *Place) Mapped(t *testing.T, operation string, own map[string]fault.Kind, call func(context.Context, aws.Config) error) {
	t.Helper()
	for _, codes := range []map[string]fault.Kind{common, own} {
		for code, kind := range codes {
			p.Refuse(operation, Error(code))
			err := call(t.Context(), p.Config)
			Wrapped(t, err, kind, code)
			var api smithy.APIError
			// Some of the SDK's errors have no message.
			if !errors.As(err, &api) || api.ErrorCode() != code || api.ErrorMessage() != telling && api.ErrorMessage() != "" {
				t.Errorf("%s: the chain of %v lost AWS's error", code, err)
			}
		}
	}
	p.Refuse(operation)
	p.Calls()
	for name, broken := range p.broken(t) {
		t.Run(operation+" "+name, func(t *testing.T) {
			ctx := t.Context()
			if name == "timeout" {
				short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
				defer cancel()
				ctx = short
			}
			err := call(ctx, broken)
			Wrapped(t, err, fault.Transient, "no answer from AWS")
			if errors.Unwrap(err) == nil {
				t.Errorf("the chain of %v lost its cause", err)
			}
		})
	}
}

// broken are configurations whose calls get no answer.
func (p *Place) broken(t *testing.T) map[string]aws.Config {
	t.Helper()
	hang := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // the server notices that the client is gone only once the body is read
		<-r.Context().Done()
	}))
	reset := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { hijack(w, "") }))
	configs := map[string]aws.Config{}
	for name, url := range map[string]string{
		"refused": "http://127.0.0.1:1", // a port of our own, once closed, could be another server's at once
		"timeout": hang.URL, "reset": reset.URL,
	} {
		cfg := p.Config.Copy()
		cfg.BaseEndpoint = &url
		configs[name] = cfg
	}
	t.Cleanup(hang.Close)
	t.Cleanup(reset.Close)
	return configs
}

// Half is a configuration whose calls get the beginning of an answer.
func (p *Place) Half(text string) aws.Config {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		hijack(w, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n%s", text))
	}))
	p.t.Cleanup(server.Close)
	cfg := p.Config.Copy()
	cfg.BaseEndpoint = &server.URL
	return cfg
}

// hijack writes text instead of an answer and hangs up.
func hijack(w http.ResponseWriter, text string) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return // the client sees an empty answer and the test fails
	}
	defer connection.Close()
	_, _ = connection.Write([]byte(text))
}
