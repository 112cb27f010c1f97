package openapi

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/keyward/keyward/docs"
	"github.com/keyward/keyward/shared/fault"
)

// Exchange is one request with its answer.
type Exchange struct {
	Method, Path, Query, Body string
	Header                    map[string]string // of the request; may be nil
	Status                    int
	Answered                  map[string]string // headers of the answer, in lower case
	Answer                    string
}

var loaded = sync.OnceValues(func() (*openapi3.T, error) { return openapi3.NewLoader().LoadFromData([]byte(docs.OpenAPI)) })

// Check is nil when docs/openapi.yaml says that an API answers so: the status is described, the body is as its schema
// says, and what was taken is what the document would take. A path that no route has is to be refused with a problem.
func Check(api string, x Exchange) error {
	d, err := loaded()
	if err != nil {
		return fmt.Errorf("reading docs/openapi.yaml: %w", err)
	}
	r, err := http.NewRequest(x.Method, (&url.URL{Path: x.Path, RawQuery: x.Query}).String(), bytes.NewReader([]byte(x.Body)))
	if err != nil {
		return fmt.Errorf("checking %s %s: %w", x.Method, x.Path, err)
	}
	for name, value := range x.Header {
		r.Header.Set(name, value)
	}
	o, parameters := find(api, r)
	if o == nil {
		if x.Status < http.StatusBadRequest || x.Answered["content-type"] != fault.ProblemType {
			return fmt.Errorf("checking %s %s: there is no such route, and the answer is %d of %q", x.Method, x.Path, x.Status, x.Answered["content-type"])
		}
		return nil
	}
	item := d.Paths.Value(o.Path())
	options := &openapi3filter.Options{IncludeResponseStatus: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}
	in := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: parameters, Options: options,
		Route: &routers.Route{Spec: d, Path: o.Path(), PathItem: item, Method: x.Method, Operation: item.GetOperation(x.Method)},
	}
	if x.Status < http.StatusMultipleChoices {
		media := "application/json"
		if _, text := o.Body.(Text); text {
			media = "application/yaml"
		}
		r.Header.Set("Content-Type", media)
		if err := openapi3filter.ValidateRequest(context.Background(), in); err != nil {
			return fmt.Errorf("checking %s %s: it was taken, and the document would not: %w", x.Method, x.Path, err)
		}
	}
	header := http.Header{}
	for name, value := range x.Answered {
		header.Set(name, value)
	}
	if err := openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: x.Status, Header: header, Body: io.NopCloser(bytes.NewReader([]byte(x.Answer))), Options: options,
	}); err != nil {
		return fmt.Errorf("checking %s %s, answered with %d: %w", x.Method, x.Path, x.Status, err)
	}
	return nil
}

// find is the operation that a request reaches and its path's parameters.
func find(api string, r *http.Request) (found *Operation, parameters map[string]string) {
	mux := http.NewServeMux()
	for _, o := range Operations() {
		if o.API != api {
			continue
		}
		mux.HandleFunc(o.Route, func(_ http.ResponseWriter, r *http.Request) {
			found, parameters = &o, map[string]string{}
			for _, name := range variable.FindAllStringSubmatch(o.Path(), -1) {
				parameters[name[1]] = r.PathValue(name[1])
			}
		})
	}
	mux.ServeHTTP(nowhere{}, r)
	return found, parameters
}

// nowhere takes what nobody reads.
type nowhere struct{}

func (nowhere) Header() http.Header         { return http.Header{} }
func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (nowhere) WriteHeader(int)             {}
