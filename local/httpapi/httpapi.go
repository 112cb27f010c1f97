// Package httpapi is the API Gateway of keyward local: HTTP APIs with Lambda proxy integrations in payload format 2.0, each
// under /execute-api/<LogicalId>/, and REST APIs with theirs, each under /execute-api/<LogicalId>/<stage>/. Both authorize by IAM, unless an HTTP API has no authorizer.
//
// It refuses what is not signed and what IAM does not allow, as API Gateway does, and has no other authorizer, no CORS, no greedy
// paths, and for HTTP APIs no stages. It knows no VPC: a private API answers here like another, and resource policies are not judged.
// Package local mounts it and lends it the check of signatures and the functions.
package httpapi

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/local/wire"
)

// Prefix is the path under which Handler expects to be mounted.
const Prefix = "/execute-api/"

// The limits of an HTTP API.
const (
	MaxBody            = 10 << 20 // bytes
	MaxHeader          = 10240    // bytes, names and values
	IntegrationTimeout = 30 * time.Second
)

// API is one API as the stack declares it.
type API struct {
	Stage     string // of a REST API; "" for an HTTP API
	Open      bool   // an HTTP API without an authorizer: nothing has to be signed
	LogicalID string // PeopleApi; the first path segment behind Prefix
	ID        string // ten characters, as API Gateway gives
	Account   string
	Region    string
	Routes    []Route
}

// arn is what IAM allows: the path as it came, on the stage, which has no name of an HTTP API.
func (a API) arn(method, path string) string {
	return "arn:aws:execute-api:" + a.Region + ":" + a.Account + ":" + a.ID + "/" + cmp.Or(a.Stage, "$default") + "/" + method + path
}

// rest is whether it is a REST API.
func (a API) rest() bool { return a.Stage != "" }

// Route leads a method and a path such as /v1/machines/{id} to a function.
type Route struct {
	Method   string
	Path     string
	Function string // its name
}

// Key is the route's key, such as "GET /v1/machines/{id}".
func (r Route) Key() string { return r.Method + " " + r.Path }

// Caller is who signed a request.
type Caller struct {
	wire.Principal
	AccessKeyID string
}

// Options are what the package needs from its surroundings. All but Allowed, Timeout and Logger are required.
type Options struct {
	// Verify checks the signature of a request whose body was read, made for the service execute-api.
	Verify func(r *http.Request, body []byte) (Caller, error)
	// Allowed is whether IAM lets the caller invoke a route, by its ARN; everything when nil.
	Allowed func(c Caller, arn string) bool
	// Invoke calls a function and waits: its answer, and "" or the function error.
	Invoke  func(ctx context.Context, function string, payload []byte) (answer []byte, functionError string, err error)
	Now     func() time.Time // virtual
	Timeout time.Duration    // of an integration; IntegrationTimeout when zero
	Logger  *slog.Logger     // discarded when nil
}

// Gateway serves the APIs of one stack.
type Gateway struct {
	options Options
	apis    map[string]API
}

// New returns a gateway for apis. It refuses two routes with one key, and paths it cannot match.
func New(o Options, apis ...API) (*Gateway, error) {
	if o.Verify == nil || o.Invoke == nil || o.Now == nil {
		return nil, errors.New("starting the HTTP APIs: expected Verify, Invoke and Now")
	}
	if o.Timeout <= 0 {
		o.Timeout = IntegrationTimeout
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	g := &Gateway{options: o, apis: map[string]API{}}
	for _, a := range apis {
		seen := map[string]bool{}
		for _, r := range a.Routes {
			if seen[r.Key()] {
				return nil, fmt.Errorf("starting %s: two routes %s", a.LogicalID, r.Key())
			}
			seen[r.Key()] = true
			if !strings.HasPrefix(r.Path, "/") || strings.Contains(r.Path, "+}") {
				return nil, fmt.Errorf("starting %s: the path of route %s is not supported", a.LogicalID, r.Key())
			}
		}
		g.apis[a.LogicalID] = a
	}
	return g, nil
}

// Handler serves everything under Prefix.
func (g *Gateway) Handler() http.Handler {
	return http.HandlerFunc(g.serve)
}

func (g *Gateway) serve(w http.ResponseWriter, r *http.Request) {
	id := rand.Text()[:15] + "="
	w.Header().Set("Apigw-Requestid", id)
	name, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, Prefix), "/")
	path = "/" + path
	api, ok := g.apis[name]
	if api.rest() {
		stage, rest, _ := strings.Cut(path[1:], "/")
		path, ok = "/"+rest, stage == api.Stage
	}
	route, parameters, found := match(api.Routes, r.Method, path)
	if api.rest() && (!ok || !found) {
		refuse(w, http.StatusForbidden, "Missing Authentication Token") // as REST APIs say it
		return
	}
	if !ok || !found {
		refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	if headerSize(r.Header) > MaxHeader {
		refuse(w, http.StatusRequestHeaderFieldsTooLarge, "Request Header Fields Too Large")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		return
	}
	if api.Open {
		g.integrate(w, r, route, g.event(r, request{api: api, route: route, path: path, parameters: parameters, body: body, id: id}), httpForm)
		return
	}
	caller, err := g.options.Verify(r, body)
	if err != nil {
		g.options.Logger.Info("request refused", "api", name, "route", route.Key(), "error", err)
		refuse(w, http.StatusForbidden, "Forbidden")
		return
	}
	if arn := api.arn(r.Method, path); g.options.Allowed != nil && !g.options.Allowed(caller, arn) {
		g.options.Logger.Info("request refused", "api", name, "route", route.Key(), "error", caller.ARN+" is not allowed to invoke "+arn)
		refuse(w, http.StatusForbidden, "Forbidden")
		return
	}
	q := request{api: api, route: route, path: path, parameters: parameters, body: body, caller: caller, id: id}
	if api.rest() {
		g.integrate(w, r, route, g.restEvent(r, q), restForm)
		return
	}
	g.integrate(w, r, route, g.event(r, q), httpForm)
}

// form is how a kind of API answers when its function did, and when it did not.
type form struct {
	write          func(w http.ResponseWriter, answer []byte)
	late, failed   int
	slow, mistaken string
}

var (
	httpForm = form{writeAnswer, http.StatusServiceUnavailable, http.StatusInternalServerError, "Service Unavailable", "Internal Server Error"}
	restForm = form{writeREST, http.StatusGatewayTimeout, http.StatusBadGateway, "Endpoint request timed out", "Internal server error"}
)

func (g *Gateway) integrate(w http.ResponseWriter, r *http.Request, route Route, e any, f form) {
	payload, err := json.Marshal(e)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "Internal Server Error")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), g.options.Timeout)
	defer cancel()
	answer, functionError, err := g.options.Invoke(ctx, route.Function, payload)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		refuse(w, f.late, f.slow)
	case err != nil || functionError != "":
		g.options.Logger.Warn("integration failed", "route", route.Key(), "functionError", functionError, "error", err)
		refuse(w, f.failed, f.mistaken)
	default:
		f.write(w, answer)
	}
}

// match finds the most specific route: a literal segment goes before a variable one.
func match(routes []Route, method, path string) (Route, map[string]string, bool) {
	best, bestScore, found := Route{}, []int(nil), false
	for _, r := range routes {
		if r.Method != method {
			continue
		}
		score, ok := fits(r.Path, path)
		if ok && (!found || slices.Compare(score, bestScore) > 0) {
			best, bestScore, found = r, score, true
		}
	}
	if !found {
		return Route{}, nil, false
	}
	var parameters map[string]string
	want, have := strings.Split(best.Path, "/"), strings.Split(path, "/")
	for i, s := range want {
		if name, ok := variable(s); ok {
			if parameters == nil {
				parameters = map[string]string{}
			}
			parameters[name] = have[i]
		}
	}
	return best, parameters, true
}

// fits says whether a path matches, and for each segment 1 for a literal and 0 for a variable.
func fits(pattern, path string) ([]int, bool) {
	want, have := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(have) {
		return nil, false
	}
	score := make([]int, len(want))
	for i, s := range want {
		_, isVariable := variable(s)
		switch {
		case s == have[i]:
			score[i] = 1
		case !isVariable || have[i] == "":
			return nil, false
		}
	}
	return score, true
}

func variable(segment string) (string, bool) {
	if strings.HasPrefix(segment, "{") && strings.HasSuffix(segment, "}") {
		return segment[1 : len(segment)-1], true
	}
	return "", false
}

func headerSize(h http.Header) int {
	n := 0
	for name, values := range h {
		for _, v := range values {
			n += len(name) + len(v)
		}
	}
	return n
}

func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"message":%q}`, message)
}
