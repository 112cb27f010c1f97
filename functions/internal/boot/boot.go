// Package boot is what every function's main repeats: the logger, the time of the invocation, and the
// one place where an error becomes a kind that Step Functions and Lambda can read. It knows no AWS
// service and takes no decision.
package boot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/release"
)

// TimeoutVariable holds the function's timeout in seconds. With the deadline that the runtime states it
// gives the start of the invocation, which is the only now that Keyward knows.
const TimeoutVariable = "FUNCTION_TIMEOUT_SECONDS"

// The attributes that log lines may carry. Everything variable is an attribute; messages are constants.
const (
	KeyMachine   = "instanceId"
	KeyCommand   = "commandId"
	KeyPolicy    = "policyId"
	KeyVerdict   = "verdict"
	KeyExecution = "executionName"
	KeyKind      = "kind"
	KeyReason    = "reason"
	KeyDueAt     = "dueAt"
	KeyCount     = "count"
	KeyError     = "error"
	KeySeconds   = "seconds"
)

// Start builds a function's handler and serves invocations until the environment ends. A handler that
// cannot be built ends the process: Lambda reports it and tries again.
func Start[In, Out any](build func(ctx context.Context, log *slog.Logger) (Handler[In, Out], error)) {
	log := slog.New(measured{Handler: lambdacontext.NewLogHandler(), namespace: os.Getenv(NamespaceVariable)})
	timeout, err := strconv.Atoi(os.Getenv(TimeoutVariable))
	if err != nil || timeout <= 0 {
		log.Error("not starting", KeyError, fmt.Sprintf("reading %s=%q: expected whole seconds", TimeoutVariable, os.Getenv(TimeoutVariable)))
		os.Exit(1)
	}
	handle, err := build(context.Background(), log)
	if err != nil {
		log.Error("not starting", KeyError, err.Error())
		os.Exit(1)
	}
	log.Info("started", "version", release.Version, "commit", release.Commit())
	lambda.Start(decoded(Wrap(handle, time.Duration(timeout)*time.Second, log), log))
}

// decoded reads the event, so that one that cannot be read is named by its kind like every other error
// and not by the Go type of the decoder's.
func decoded[In, Out any](handle func(context.Context, In) (Out, error), log *slog.Logger) func(context.Context, json.RawMessage) (Out, error) {
	return func(ctx context.Context, event json.RawMessage) (Out, error) {
		var in In
		err := json.Unmarshal(event, &in)
		if err == nil {
			return handle(ctx, in)
		}
		if f := (*fault.Error)(nil); !errors.As(err, &f) {
			err = fault.Wrap(fault.Invalid, err, "reading the event: it is not what this function takes")
		}
		log.ErrorContext(ctx, "invocation failed", KeyKind, fault.Of(fault.KindOf(err)).Name, KeyError, err.Error())
		var none Out
		return none, messages.InvokeResponse_Error{Type: fault.Of(fault.KindOf(err)).Name, Message: fault.Safe(err)}
	}
}

// Handler serves one invocation that started at now, in UTC: the only time that it knows.
type Handler[In, Out any] func(ctx context.Context, now time.Time, in In) (Out, error)

// Wrap gives a handler the time, logs its error once with the whole chain, and names the error by its
// kind with the text that is safe to show.
func Wrap[In, Out any](handle Handler[In, Out], timeout time.Duration, log *slog.Logger) func(context.Context, In) (Out, error) {
	return func(ctx context.Context, in In) (Out, error) {
		deadline, ok := ctx.Deadline()
		if !ok {
			var none Out
			return none, messages.InvokeResponse_Error{Type: fault.Of(fault.Internal).Name, Message: "the runtime stated no deadline"}
		}
		out, err := handle(ctx, deadline.Add(-timeout).UTC(), in)
		if err == nil {
			return out, nil
		}
		row := fault.Of(fault.KindOf(err))
		log.ErrorContext(ctx, "invocation failed", KeyKind, row.Name, KeyError, err.Error())
		return out, messages.InvokeResponse_Error{Type: row.Name, Message: fault.Safe(err)}
	}
}
