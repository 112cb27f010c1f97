package lambdacall_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/keyward/keyward/local/lambda"
	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/aws/lambdacall"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/inspection"
)

const function = "keyward-EvaluateFunction"

func begin(t *testing.T) *awstest.Place {
	t.Helper()
	p := awstest.New(t)
	l, err := lambda.New(lambda.Options{Clock: p.Clock, RuntimeAddress: "127.0.0.1:1", Endpoint: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Settle()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	// There is no program: what matters here is what Lambda was told.
	if err := l.Create(lambda.Function{Name: function, ARN: awstest.Function, Path: filepath.Join(t.TempDir(), "bootstrap")}); err != nil {
		t.Fatal(err)
	}
	p.Register(l.Service())
	return p
}

// Invoke must not wait for the function, nor lose the event: Lambda keeps it.
func TestInvokeOnTheWire(t *testing.T) {
	t.Parallel()
	p := begin(t)
	event := inspection.Settle{Version: 1, Commands: []string{"12345678-1234-1234-1234-123456789012"}}
	if err := lambdacall.New(p.Config, function).Invoke(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	call := p.Only()
	if got := call.Header.Get("X-Amz-Invocation-Type"); got != "Event" {
		t.Errorf("invocation type = %q, want Event", got)
	}
	if call.Input["FunctionName"] != function || call.Raw != `{"version":1,"commands":["12345678-1234-1234-1234-123456789012"]}` {
		t.Errorf("Invoke on the wire: %v with %s, want %s with the event", call.Input, call.Raw, function)
	}
}

func TestInvokeRefuses(t *testing.T) {
	t.Parallel()
	p := begin(t)
	err := lambdacall.New(p.Config, function).Invoke(t.Context(), func() {})
	if unsupported := (*json.UnsupportedTypeError)(nil); !errors.As(err, &unsupported) || len(p.Calls()) != 0 {
		t.Errorf("Invoke with what is no JSON = %v, want what cannot be encoded and no call", err)
	}
	err = lambdacall.New(p.Config, "keyward-Nobody").Invoke(t.Context(), struct{}{})
	awstest.Wrapped(t, err, fault.NotFound, "invoking keyward-Nobody: ResourceNotFoundException")
}

func TestErrors(t *testing.T) {
	t.Parallel()
	p := begin(t)
	p.Mapped(t, "Invoke", map[string]fault.Kind{
		"TooManyRequestsException": fault.Transient, "ServiceException": fault.Transient, "EC2ThrottledException": fault.Transient,
	}, func(ctx context.Context, cfg aws.Config) error {
		return lambdacall.New(cfg, function).Invoke(ctx, struct{}{})
	})
}
