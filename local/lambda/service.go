package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/keyward/keyward/local/wire"
)

// maxEvent is the largest payload of an asynchronous invocation, in bytes.
const maxEvent = 1 << 20

// Service is Lambda on the wire: the operation Invoke, which is all that is called.
func (l *Lambda) Service() wire.Service {
	return wire.Service{
		Name:       "lambda",
		Protocol:   wire.RESTJSON,
		Operations: map[string]wire.Operation{"Invoke": l.serveInvoke},
		Routes: []wire.Route{{
			Pattern: "POST /2015-03-31/functions/{FunctionName}/invocations", Operation: "Invoke", Raw: true,
		}},
	}
}

func (l *Lambda) serveInvoke(ctx context.Context, r *wire.Request) (any, error) {
	if r.Caller.Kind == wire.Machine {
		return nil, &wire.Error{Code: "AccessDeniedException", Message: "User: " + r.Caller.ARN + " is not authorized to perform: lambda:InvokeFunction", Status: http.StatusForbidden}
	}
	in, err := wire.Decode[struct{ FunctionName, Qualifier string }](r)
	if err != nil {
		return nil, err
	}
	name := in.FunctionName
	if err := refuse(r, in.Qualifier); err != nil {
		return nil, err
	}
	f, ok := l.find(name)
	if !ok {
		return nil, &wire.Error{Code: "ResourceNotFoundException", Message: "Function not found: " + name, Status: http.StatusNotFound, Members: map[string]any{"Type": "User"}}
	}
	kind := r.HTTP.Header.Get("X-Amz-Invocation-Type")
	if err := checkPayload(r.Raw, kind); err != nil {
		return nil, err
	}
	switch kind {
	case "Event":
		l.InvokeAsync(f.Name, r.Raw)
		return wire.Raw{Status: http.StatusAccepted}, nil
	case "", "RequestResponse":
		return l.answer(ctx, f, r.Raw)
	default:
		return nil, wire.Unimplemented("invocation type %s", kind)
	}
}

func (l *Lambda) answer(ctx context.Context, f *function, payload []byte) (any, error) {
	result, err := l.Invoke(ctx, f.Name, payload)
	if errors.Is(err, ErrClosed) {
		return nil, &wire.Error{Code: "ServiceException", Message: "the service is closing", Status: http.StatusInternalServerError}
	}
	if err != nil {
		return nil, fmt.Errorf("invoking %s: %w", f.Name, err)
	}
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	h.Set("X-Amz-Executed-Version", "$LATEST")
	if result.FunctionError != "" {
		h.Set("X-Amz-Function-Error", result.FunctionError)
	}
	return wire.Raw{Status: http.StatusOK, Header: h, Body: result.Payload}, nil
}

// refuse names what Invoke has on AWS and not here.
func refuse(r *wire.Request, qualifier string) error {
	if qualifier != "" && qualifier != "$LATEST" {
		return wire.Unimplemented("parameter Qualifier of lambda.Invoke")
	}
	if t := r.HTTP.Header.Get("X-Amz-Log-Type"); t != "" && t != "None" {
		return wire.Unimplemented("LogType %s of lambda.Invoke", t)
	}
	if r.HTTP.Header.Get("X-Amz-Client-Context") != "" {
		return wire.Unimplemented("parameter ClientContext of lambda.Invoke")
	}
	return nil
}

func checkPayload(payload []byte, kind string) error {
	limit := MaxPayload
	if kind == "Event" {
		limit = maxEvent
	}
	if len(payload) > limit {
		return &wire.Error{
			Code:    "RequestTooLargeException",
			Message: fmt.Sprintf("Request must be smaller than %d bytes for the InvokeFunction operation", limit),
			Status:  http.StatusRequestEntityTooLarge,
		}
	}
	if len(payload) > 0 && !json.Valid(payload) {
		return &wire.Error{Code: "InvalidRequestContentException", Message: "Could not parse request body into json: the payload is not a JSON document"}
	}
	return nil
}
