package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/keyward/keyward/local/wire/form"
)

// served is a registered service with its routes compiled.
type served struct {
	Service
	mux *http.ServeMux // REST only
}

// call is one recognised call.
type call struct {
	operation string
	run       Operation
	request   *Request
	status    int
}

func serve(s Service) (*served, error) {
	if s.Name == "" || s.Protocol < JSON10 || s.Protocol > RESTXML {
		return nil, fmt.Errorf("name %q, protocol %d, expected a name and a known protocol", s.Name, s.Protocol)
	}
	if (s.Protocol == RESTJSON || s.Protocol == RESTXML) != (len(s.Routes) > 0) {
		return nil, fmt.Errorf("%d routes, expected routes with REST and there alone", len(s.Routes))
	}
	added := &served{Service: s, mux: http.NewServeMux()}
	for _, route := range s.Routes {
		if s.Operations[route.Operation] == nil {
			return nil, fmt.Errorf("route %q: operation %q does not exist", route.Pattern, route.Operation)
		}
		if err := added.route(route); err != nil {
			return nil, err
		}
	}
	return added, nil
}

type matchKey struct{}

// match is filled in by the route that a request takes.
type match struct {
	route *Route
	path  map[string]string
}

func (s *served) route(route Route) (err error) {
	defer func() {
		// ServeMux panics at a pattern that is malformed or contradicts another one.
		if p := recover(); p != nil {
			err = fmt.Errorf("route %q: %v", route.Pattern, p)
		}
	}()
	names := wildcards(route.Pattern)
	s.mux.HandleFunc(route.Pattern, func(_ http.ResponseWriter, r *http.Request) {
		m := r.Context().Value(matchKey{}).(*match)
		m.route, m.path = &route, map[string]string{}
		for _, name := range names {
			m.path[name] = r.PathValue(name)
		}
	})
	return nil
}

func wildcards(pattern string) []string {
	var names []string
	for part := range strings.SplitSeq(pattern, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok && name != "$}" {
			names = append(names, strings.TrimSuffix(strings.TrimSuffix(name, "}"), "..."))
		}
	}
	return names
}

// namespace is the XML namespace of the service's answers.
func (s *served) namespace() string {
	if s.Protocol == EC2 {
		return "http://ec2.amazonaws.com/doc/" + s.Version + "/"
	}
	return "https://" + s.Name + ".amazonaws.com/doc/" + s.Version + "/"
}

// guessProtocol is for errors before the service is known.
func guessProtocol(r *http.Request) Protocol {
	switch {
	case r.Header.Get("X-Amz-Target") != "":
		if r.Header.Get("Content-Type") == contentTypes[JSON10] {
			return JSON10
		}
		return JSON11
	case strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		return Query
	}
	return RESTJSON
}

func recognise(candidates []*served, name string, r *http.Request, body []byte) (call, *Error) {
	if len(candidates) == 0 {
		return call{operation: r.Header.Get("X-Amz-Target")}, Unimplemented("service %s (%s %s %s)", name, r.Method, r.URL.Path, r.Header.Get("X-Amz-Target"))
	}
	var c call
	var e *Error
	switch candidates[0].Protocol {
	case RESTJSON, RESTXML:
		c, e = candidates[0].rest(r, body)
	case Query, EC2:
		c, e = candidates[0].form(body)
	default:
		c, e = target(candidates, r, body)
	}
	if e != nil {
		return c, e
	}
	c.request.Service, c.request.Operation, c.request.HTTP, c.request.Raw = name, c.operation, r, body
	return c, nil
}

func (s *served) call(operation string, body []byte) (call, *Error) {
	run := s.Operations[operation]
	if run == nil {
		return call{operation: operation}, Unimplemented("operation %s of service %s", operation, s.Name)
	}
	return call{operation: operation, run: run, request: &Request{Body: body}}, nil
}

func serialization(format string, args ...any) *Error {
	return &Error{Code: "SerializationException", Message: fmt.Sprintf(format, args...)}
}

// target reads the JSON protocols.
func target(candidates []*served, r *http.Request, body []byte) (call, *Error) {
	header := r.Header.Get("X-Amz-Target")
	prefix, operation, _ := strings.Cut(header, ".")
	for _, s := range candidates {
		if s.TargetPrefix != prefix {
			continue
		}
		if len(bytes.TrimSpace(body)) == 0 {
			body = []byte("{}")
		}
		var members map[string]json.RawMessage
		if json.Unmarshal(body, &members) != nil || members == nil {
			return call{operation: operation}, serialization("reading the input of %s: expected one JSON object", header)
		}
		return s.call(operation, body)
	}
	return call{operation: header}, Unimplemented("X-Amz-Target %q of service %s", header, candidates[0].Name)
}

// form reads the Query and EC2 protocols.
func (s *served) form(body []byte) (call, *Error) {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return call{}, &Error{Code: "MalformedQueryString", Message: fmt.Sprintf("reading the form: %v", err)}
	}
	operation := values.Get("Action")
	if operation == "" {
		return call{}, &Error{Code: "MissingAction", Message: "The request must contain the parameter Action."}
	}
	if v := values.Get("Version"); v != s.Version {
		return call{operation: operation}, Unimplemented("version %q of service %s, only %s", v, s.Name, s.Version)
	}
	document, err := form.Document(values)
	if err != nil {
		return call{operation: operation}, &Error{Code: "MalformedQueryString", Message: err.Error()}
	}
	c, e := s.call(operation, document)
	if e == nil {
		c.request.allText = true
	}
	return c, e
}

// rest finds the route and merges path and query into the body.
func (s *served) rest(r *http.Request, body []byte) (call, *Error) {
	var m match
	probe := r.WithContext(context.WithValue(r.Context(), matchKey{}, &m))
	s.mux.ServeHTTP(nowhere{header: http.Header{}}, probe)
	if m.route == nil {
		return call{operation: r.Method + " " + r.URL.Path}, Unimplemented("%s %s of service %s", r.Method, r.URL.EscapedPath(), s.Name)
	}
	members := map[string]json.RawMessage{}
	if !m.route.Raw && len(bytes.TrimSpace(body)) > 0 {
		if err := json.Unmarshal(body, &members); err != nil || members == nil {
			return call{operation: m.route.Operation}, serialization("reading the input of %s: expected one JSON object", m.route.Operation)
		}
	}
	text := m.merge(members, r.URL.Query())
	merged, err := json.Marshal(members)
	if err != nil {
		return call{operation: m.route.Operation}, serialization("reading the input of %s: %v", m.route.Operation, err)
	}
	c, e := s.call(m.route.Operation, merged)
	if e == nil {
		c.request.text, c.status = text, m.route.Status
	}
	return c, e
}

// merge puts path and query values into members and returns the names that came so. A query value
// that is there several times becomes a list.
func (m *match) merge(members map[string]json.RawMessage, query url.Values) map[string]bool {
	text := map[string]bool{}
	set := func(name string, value any) {
		if other := m.route.Names[name]; other != "" {
			name = other
		}
		text[name] = true
		members[name], _ = json.Marshal(value) // strings always marshal
	}
	for name, values := range query {
		if len(values) == 1 {
			set(name, values[0])
		} else {
			set(name, values)
		}
	}
	for name, value := range m.path {
		set(name, value)
	}
	return text
}

// nowhere swallows what ServeMux itself would answer: redirects and its 404 and 405.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header         { return n.header }
func (n nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n nowhere) WriteHeader(int)             {}
