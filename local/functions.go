package local

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"github.com/keyward/keyward/local/httpapi"
	"github.com/keyward/keyward/local/lambda"
	"github.com/keyward/keyward/local/stack"
	"github.com/keyward/keyward/local/wire"
)

// composeFunctions starts Lambda with the template's functions, each with a role session of its own.
func (s *Server) composeFunctions() error {
	var err error
	s.lambda, err = lambda.New(lambda.Options{
		Clock: s.clock, RuntimeAddress: s.url[len("http://"):], Endpoint: s.url, Region: s.stack.Region,
		Concurrency: s.options.Concurrency, Logger: s.options.Logger, Output: s.options.Output,
	})
	if err != nil {
		return err
	}
	for _, f := range s.stack.Functions {
		key := s.keys.Issue(wire.Principal{
			Kind: wire.Function, Account: s.stack.Account, UserID: "AROAEXAMPLEFUNCTION:" + f.Name,
			ARN: sessionARN(s.stack.Account, f.Role.Name, f.Name),
		})
		err := s.lambda.Create(lambda.Function{
			LogicalID: f.LogicalID, Name: f.Name, ARN: f.ARN, Timeout: f.Timeout, MemoryMB: f.MemoryMB,
			Environment: f.Environment, DeadLetter: f.DeadLetter,
			Path:        filepath.Join(s.options.Build, f.LogicalID, "bootstrap"),
			Credentials: lambda.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey, SessionToken: key.SessionToken},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// invokeLater hands an event to a function by ARN, as EventBridge and Scheduler do: they are done when
// Lambda has it.
func (s *Server) invokeLater(target string, payload []byte) error {
	f, ok := s.stack.Function(target)
	if s.ended.Load() {
		return nil // what would have invoked it is no more
	}
	if !ok {
		return fmt.Errorf("invoking %s: there is no such function", target)
	}
	s.lambda.InvokeAsync(f.Name, payload)
	return nil
}

// apiLatency is what API Gateway waits beyond a function's timeout; the programs' own is shorter.
const apiLatency = httpapi.IntegrationTimeout

func (s *Server) composeGateway() error {
	var apis []httpapi.API
	for _, a := range s.stack.APIs {
		apis = append(apis, httpapi.API{
			LogicalID: a.LogicalID, ID: a.ID, Stage: a.Stage, Open: a.Open, Account: s.stack.Account, Region: s.stack.Region, Routes: s.routes(a),
		})
	}
	var err error
	s.services.gateway, err = httpapi.New(httpapi.Options{
		Verify: s.verifyCaller, Allowed: s.allowed, Invoke: s.integrate, Now: func() time.Time { return s.clock.Now() },
		Timeout: apiLatency, Logger: s.options.Logger,
	}, apis...)
	return err
}

func (s *Server) routes(a stack.API) []httpapi.Route {
	var routes []httpapi.Route
	for _, r := range a.Routes {
		routes = append(routes, httpapi.Route{Method: r.Method, Path: r.Path, Function: r.Function})
	}
	return routes
}

func (s *Server) verifyCaller(r *http.Request, body []byte) (httpapi.Caller, error) {
	p, refused := s.keys.Verify(r, body, "execute-api")
	if refused != nil {
		return httpapi.Caller{}, refused
	}
	return httpapi.Caller{Principal: p, AccessKeyID: accessKeyID(r)}, nil
}

func (s *Server) integrate(ctx context.Context, function string, payload []byte) ([]byte, string, error) {
	r, err := s.lambda.Invoke(ctx, function, payload)
	return r.Payload, r.FunctionError, err
}

// allowed is what IAM says of a call: people whose policies are known have what these allow. The operator may do
// everything, and which policies a machine's role has is not modelled.
func (s *Server) allowed(c httpapi.Caller, arn string) bool {
	if c.Kind != wire.Person {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.people[c.ARN].policy.Allows(arn)
}
