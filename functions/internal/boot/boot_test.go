package boot_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/fault"
)

var deadline = time.Date(2026, 3, 2, 4, 30, 30, 0, time.FixedZone("CET", 3600))

// lambda is a context as Lambda gives it, with log lines kept.
func lambda(t *testing.T) (context.Context, *slog.Logger, *strings.Builder) {
	t.Helper()
	ctx, cancel := context.WithDeadline(context.WithoutCancel(t.Context()), deadline)
	t.Cleanup(cancel)
	var log strings.Builder
	return ctx, slog.New(slog.NewTextHandler(&log, nil)), &log
}

func TestNowIsTheStartOfTheInvocation(t *testing.T) {
	t.Parallel()
	ctx, log, _ := lambda(t)
	var got time.Time
	handle := boot.Wrap(func(_ context.Context, now time.Time, in string) (string, error) {
		got = now
		return "saw " + in, nil
	}, 30*time.Second, log)
	out, err := handle(ctx, "it")
	if err != nil || out != "saw it" {
		t.Errorf("handle = %q, %v", out, err)
	}
	if want := deadline.Add(-30 * time.Second).UTC(); got != want {
		t.Errorf("now = %v, want %v", got, want)
	}
}

func TestErrorsAreNamedByTheirKind(t *testing.T) {
	t.Parallel()
	secret := errors.New("arn:aws:kms:us-east-1:123456789012:key/1234abcd is denied")
	tests := []struct {
		name string
		err  error
		want messages.InvokeResponse_Error
	}{
		{"a kind", fault.New(fault.Transient, "asking KMS: ThrottlingException"), messages.InvokeResponse_Error{Type: "Transient", Message: "asking KMS: ThrottlingException"}},
		{"a wrapped kind", fmt.Errorf("revoking: %w", fault.Wrap(fault.Denied, secret, "asking KMS")), messages.InvokeResponse_Error{Type: "Denied", Message: "asking KMS"}},
		{"joined", errors.Join(nil, fault.New(fault.Conflict, "somebody was quicker")), messages.InvokeResponse_Error{Type: "Conflict", Message: "somebody was quicker"}},
		{"no kind", secret, messages.InvokeResponse_Error{Type: "Internal", Message: "internal error"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx, log, logged := lambda(t)
			_, err := boot.Wrap(func(context.Context, time.Time, int) (int, error) { return 0, tt.err }, time.Second, log)(ctx, 1)
			var got messages.InvokeResponse_Error
			if !errors.As(err, &got) || got.Type != tt.want.Type || got.Message != tt.want.Message {
				t.Errorf("error = %#v, want %#v", err, tt.want)
			}
			if n := strings.Count(logged.String(), "invocation failed"); n != 1 {
				t.Errorf("the error was logged %d times, want once: %s", n, logged)
			}
			if tt.err != nil && errors.Is(tt.err, secret) && !strings.Contains(logged.String(), "1234abcd") {
				t.Errorf("the log lacks the whole chain: %s", logged)
			}
		})
	}
}

func TestWithoutADeadlineNothingRuns(t *testing.T) {
	t.Parallel()
	ran := false
	handle := boot.Wrap(func(context.Context, time.Time, int) (int, error) { ran = true; return 0, nil }, time.Second, slog.Default())
	_, err := handle(context.Background(), 1)
	var got messages.InvokeResponse_Error
	if !errors.As(err, &got) || got.Type != "Internal" || ran {
		t.Errorf("error = %v, ran %t, want Internal and nothing run", err, ran)
	}
}
