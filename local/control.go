package local

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/keyward/keyward/local/wire"
)

// ControlPrefix is where the control API is.
const ControlPrefix = "/_local/"

// TokenHeader carries the token, as Authorization: Bearer does.
const TokenHeader = "X-Keyward-Local-Token"

// control is the API of the place itself, for the command line, the demo and people. Every route needs
// the token of this start; a page that a browser opens may have it in the query.
func (s *Server) control() http.Handler {
	mux := http.NewServeMux()
	route := func(pattern string, f func(*http.Request) (any, error)) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" "+ControlPrefix+path, func(w http.ResponseWriter, r *http.Request) {
			v, err := f(r)
			answerControl(w, v, err)
		})
	}
	route("GET status", s.getStatus)
	route("POST forward", s.postForward)
	route("POST settle", s.postSettle)
	route("GET calls", func(*http.Request) (any, error) { return s.wire.Calls(), nil })
	route("GET calls/log", func(*http.Request) (any, error) { return s.wire.Log(), nil })
	route("DELETE calls", func(*http.Request) (any, error) { s.wire.ResetCalls(); return nil, nil })
	route("GET logs", s.getLogs)
	route("GET credentials", s.getCredentials)
	route("GET machines", func(*http.Request) (any, error) { return s.Machines(), nil })
	route("PUT machines/{id}", s.putMachine)
	route("PUT account", s.putAccount)
	route("GET dead-letters", func(*http.Request) (any, error) { return s.DeadLetters(), nil })
	s.routeServices(route)
	s.routePages(mux)
	return s.guarded(mux)
}

// guarded asks for the token.
func (s *Server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := r.Header.Get(TokenHeader)
		if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
			given = bearer
		}
		if given == "" && r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, ControlPrefix+"mailbox") {
			given = r.URL.Query().Get("token")
		}
		if subtle.ConstantTimeCompare([]byte(given), []byte(s.token)) != 1 {
			answerControl(w, nil, refuse(http.StatusUnauthorized, "the token of this start is missing or wrong: send it as %s", TokenHeader))
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// refusal is an answer of the control API that is not a success.
type refusal struct {
	status  int
	message string
}

func (r *refusal) Error() string { return r.message }

func refuse(status int, format string, args ...any) error {
	return &refusal{status: status, message: fmt.Sprintf(format, args...)}
}

func answerControl(w http.ResponseWriter, v any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		status := http.StatusInternalServerError
		var r *refusal
		if errors.As(err, &r) {
			status = r.status
		}
		w.WriteHeader(status)
		v = map[string]string{"error": err.Error()}
	}
	if v == nil {
		v = struct{}{}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // a caller that went away has nobody to tell
}

// decode reads a small JSON body and names what it does not know.
func decode(r *http.Request, into any) error {
	d := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 1<<20))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return refuse(http.StatusBadRequest, "reading the body: %v", err)
	}
	return nil
}

func (s *Server) getStatus(*http.Request) (any, error) { return s.Status(), nil }

// postForward moves time by {"duration":"4h"} or to {"to":"2026-03-01T04:30:00Z"} and settles.
func (s *Server) postForward(r *http.Request) (any, error) {
	var in struct {
		Duration string    `json:"duration"`
		To       time.Time `json:"to"`
	}
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	if (in.Duration == "") == in.To.IsZero() {
		return nil, refuse(http.StatusBadRequest, `expected either "duration" or "to"`)
	}
	to := in.To
	if in.Duration != "" {
		d, err := time.ParseDuration(in.Duration)
		if err != nil || d < 0 {
			return nil, refuse(http.StatusBadRequest, "reading the duration %q: expected one such as 4h or 90s, not negative", in.Duration)
		}
		to = s.clock.Now().Add(d)
	}
	if to.Sub(s.clock.Now()) > maxForward {
		return nil, refuse(http.StatusBadRequest, "moving time to %s: expected at most %d days ahead", to.Format(time.RFC3339), int(maxForward.Hours()/24))
	}
	if err := s.clock.ForwardTo(r.Context(), to); err != nil {
		return nil, err
	}
	return s.Status(), nil
}

// maxForward keeps a slip of the finger from firing a schedule a million times.
const maxForward = 400 * 24 * time.Hour

func (s *Server) postSettle(r *http.Request) (any, error) {
	if err := s.clock.Settle(r.Context()); err != nil {
		return nil, err
	}
	return s.Status(), nil
}

func (s *Server) getLogs(r *http.Request) (any, error) {
	id := r.URL.Query().Get("function")
	if id == "" {
		return nil, refuse(http.StatusBadRequest, "expected ?function= with a logical id such as InspectFunction")
	}
	return s.lambda.Logs(id), nil
}

// getCredentials gives an operator's keys, with ?machine= those of a machine's role session, and with ?user= and
// ?policy= those of a person to whom a managed policy of the template is attached.
func (s *Server) getCredentials(r *http.Request) (any, error) {
	q := r.URL.Query()
	if user := q.Get("user"); user != "" {
		key, err := s.PersonCredentials(user, q.Get("policy"))
		if err != nil {
			return nil, refuse(http.StatusBadRequest, "%v", err)
		}
		return key, nil
	}
	id := q.Get("machine")
	if id == "" {
		return s.Credentials(), nil
	}
	key, err := s.MachineCredentials(id)
	if err != nil {
		return nil, refuse(http.StatusNotFound, "%v", err)
	}
	if !strings.HasPrefix(id, "i-") {
		return key, nil
	}
	metadata, err := s.MetadataURL(id)
	return struct {
		wire.Key
		Metadata string `json:"metadataEndpoint"`
	}{key, metadata}, err
}

func (s *Server) putMachine(r *http.Request) (any, error) {
	id := r.PathValue("id")
	m := s.machine(id) // what the body does not name stays as it is
	if err := decode(r, &m); err != nil {
		return nil, err
	}
	if m.ID != id {
		return nil, refuse(http.StatusBadRequest, "the id in the body is %q, in the path %q", m.ID, id)
	}
	if err := s.PutMachine(m); err != nil {
		return nil, refuse(http.StatusBadRequest, "%v", err)
	}
	return m, nil
}
