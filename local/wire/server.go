package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/keyward/keyward/local/wire/sigv4"
)

// maxBody bounds a request: SES takes 40 MB of message, which is the largest of what is here.
const maxBody = 56 << 20

// Config is what a Server needs.
type Config struct {
	Credentials *Credentials     // who may call; required
	Now         func() time.Time // virtual time, for the log of calls; nil means time.Now
	Log         *slog.Logger     // one line a call at Debug, errors of ours at Error; nil is silent
	// Intercept sees every authenticated call before its operation does, may delay it, and refuses it
	// by returning an error. Nil lets everything pass.
	Intercept func(ctx context.Context, r *Request) *Error
	// Authorize sees every call after that and refuses what the caller's policies do not allow. Nil allows everything.
	Authorize func(r *Request) error
}

// Server answers the AWS calls of the registered services. Put it behind Guard.
type Server struct {
	config   Config
	services map[string][]*served // by signing name
	ledger   ledger
}

// New returns a server without services. Register them before it serves.
func New(c Config) *Server {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Server{config: c, services: map[string][]*served{}}
}

// Register adds a service. It refuses one without a name or protocol, routes that are malformed or
// contradict each other or name no operation, and a target prefix that is taken.
func (s *Server) Register(service Service) error {
	added, err := serve(service)
	if err != nil {
		return fmt.Errorf("registering service %q: %w", service.Name, err)
	}
	for _, other := range s.services[service.Name] {
		if other.Protocol != service.Protocol || other.TargetPrefix == service.TargetPrefix {
			return fmt.Errorf("registering service %q: its name is taken by another of the same target prefix or another protocol", service.Name)
		}
	}
	s.services[service.Name] = append(s.services[service.Name], added)
	return nil
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out := reply{http: w, protocol: guessProtocol(r), id: newRequestID()}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		out.failure(&Error{Code: "RequestEntityTooLargeException", Message: fmt.Sprintf("reading the request: %v", err), Status: http.StatusRequestEntityTooLarge})
		return
	}
	scope, _ := sigv4.Parse(r) // of a header that cannot be read it is empty, and verify says why
	name := scope.Service
	candidates := s.services[name]
	if len(candidates) > 0 {
		out.protocol, out.namespace = candidates[0].Protocol, candidates[0].namespace()
	}
	caller, refused := s.config.Credentials.verify(r, body, name)
	if refused != nil {
		out.failure(refusalError(refused, out.protocol))
		return
	}
	call, e := recognise(candidates, name, r, body)
	if e != nil {
		s.note(r.Context(), caller, name, call.operation, e)
		out.failure(e)
		return
	}
	call.request.Caller, call.request.Region = caller, scope.Region
	out.status = call.status
	e = s.answer(r.Context(), out, call)
	s.note(r.Context(), caller, name, call.operation, e)
}

// denied refuses a person, who may call HTTP APIs alone; who he is everybody may ask.
func denied(c call) *Error {
	if c.request.Caller.Kind != Person || c.request.Service == "sts" {
		return nil
	}
	return &Error{Code: "AccessDeniedException", Message: fmt.Sprintf("User: %s is not authorized to perform: %s:%s", c.request.Caller.ARN, c.request.Service, c.operation)}
}

// answer runs the operation and writes what came of it.
func (s *Server) answer(ctx context.Context, out reply, c call) *Error {
	e := denied(c)
	if e == nil && s.config.Intercept != nil {
		e = s.config.Intercept(ctx, c.request)
	}
	if e == nil {
		answer, err := s.run(ctx, c)
		if err == nil {
			if e = out.success(c.operation, answer); e == nil {
				return nil
			}
		} else if !errors.As(err, &e) {
			e = &Error{Code: "InternalFailure", Message: err.Error(), Status: http.StatusInternalServerError}
		}
	}
	if e.Code == "InternalFailure" {
		s.config.Log.ErrorContext(ctx, "answering an AWS call", "service", c.request.Service, "operation", c.operation, "error", e.Message)
	}
	out.failure(e)
	return e
}

// run asks whether the caller may, and has the operation answer.
func (s *Server) run(ctx context.Context, c call) (any, error) {
	if s.config.Authorize != nil {
		if err := s.config.Authorize(c.request); err != nil {
			return nil, err
		}
	}
	return c.run(ctx, c.request)
}

func (s *Server) note(ctx context.Context, caller Principal, service, operation string, e *Error) {
	c := Call{At: s.config.Now(), Caller: caller.ARN, Service: service, Operation: operation}
	if e != nil {
		c.Code = e.Code
	}
	s.ledger.record(c)
	s.config.Log.DebugContext(ctx, "AWS call", "service", service, "operation", operation, "caller", caller.ARN, "code", c.Code)
}
