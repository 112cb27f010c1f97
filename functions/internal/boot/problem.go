package boot

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"github.com/keyward/keyward/shared/fault"
)

// retryAfter is how long a caller should wait when trying again can help, in seconds.
const retryAfter = 1

func writeProblem(ctx context.Context, w http.ResponseWriter, problem error) {
	row := fault.Of(fault.KindOf(problem))
	text, err := json.Marshal(fault.Problem{
		Type: "about:blank", Title: http.StatusText(row.Status), Status: row.Status, Detail: fault.Safe(problem),
		Errors: fault.Fields(problem), Kind: row.Name, RequestID: requestID(ctx),
	})
	if err != nil {
		text = []byte(`{"type":"about:blank","title":"Internal Server Error","status":500,"detail":"internal error","kind":"Internal","requestId":""}`)
	}
	if row.Retry {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
	}
	if method := (*refusedMethod)(nil); errors.As(problem, &method) {
		w.Header().Set("Allow", strings.Join(method.allow, ", "))
	}
	w.Header().Set("Content-Type", fault.ProblemType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(row.Status)
	w.Write(text)
}

// refused is the answer to a request that no endpoint saw.
func refused(ctx context.Context, err error) events.APIGatewayV2HTTPResponse {
	w := newRecorder()
	writeProblem(ctx, w, err)
	return response(w)
}

// unread says why a body of JSON cannot be read, with the field where the decoder knows it.
func unread(err error) error {
	text := strings.TrimPrefix(err.Error(), "json: ")
	if errors.Is(err, io.EOF) {
		text = "it is empty, expected JSON"
	}
	is := fault.New(fault.Invalid, "reading the body: %s", text)
	if quoted, ok := strings.CutPrefix(text, "unknown field "); ok {
		if name, err := strconv.Unquote(quoted); err == nil {
			return fault.In(name, is)
		}
	}
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
		name := wrong.Field
		if name == "" {
			name = "the body"
		}
		is = fault.New(fault.Invalid, "reading the body: %s is a JSON %s, expected %s", name, wrong.Value, expected(wrong.Type.Kind()))
		return fault.In(wrong.Field, is)
	}
	return is
}

// expected is what JSON has for a kind of Go value.
func expected(k reflect.Kind) string {
	switch k {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.Struct, reflect.Map, reflect.Pointer:
		return "an object"
	default:
		return "a number"
	}
}

// elsewhere answers what no route does: a path that has routes by other methods says which.
func elsewhere(routes Routes) Endpoint {
	paths := http.NewServeMux()
	methods := map[string][]string{}
	for pattern := range routes {
		method, path, _ := strings.Cut(pattern, " ")
		if methods[path] == nil {
			paths.Handle(path, http.NotFoundHandler())
		}
		methods[path] = append(methods[path], method)
	}
	return func(_ context.Context, c Call) (int, any, error) {
		_, path := paths.Handler(c.Request)
		if has := methods[path]; len(has) > 0 {
			slices.Sort(has)
			return 0, nil, &refusedMethod{allow: has, error: fault.New(fault.Method, "%s has no method %s, expected %s", c.URL.Path, c.Method, strings.Join(has, ", "))}
		}
		return 0, nil, fault.New(fault.NotFound, "there is no such route")
	}
}

// refusedMethod is the error of a path that has routes by other methods.
type refusedMethod struct {
	error
	allow []string
}

func (e *refusedMethod) Unwrap() error { return e.error }
