// Package local is keyward local: one process on loopback that answers the AWS calls of the stack, so
// that the artefacts that deploy to AWS do the whole job on this host. It reads template.yaml, creates
// what it declares, runs the real bootstrap programs and really executes the inspection document here.
//
// Everything real lies in the packages below, one a service; this one puts them together and has the
// control API under /_local/. It contains no logic of Keyward, listens on loopback alone, hands out
// random credentials that end with the process, and refuses loudly what nothing here implements. Called
// by cmd/keyward and by tests.
package local

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/cloudformation"
	"github.com/keyward/keyward/local/httpapi"
	"github.com/keyward/keyward/local/lambda"
	"github.com/keyward/keyward/local/stack"
	"github.com/keyward/keyward/local/wire"
)

// Server is a running place. Its methods may be called from any goroutine.
type Server struct {
	options     Options
	url         string
	token       string
	clock       *clock.Clock
	stack       *stack.Stack
	wire        *wire.Server
	keys        *wire.Credentials
	operator    wire.Key
	lambda      *lambda.Lambda
	services    services
	permissions *permissions
	data        *folder
	keepers     []kept

	http   *http.Server
	stop   context.CancelFunc
	tasks  sync.WaitGroup
	failed chan error  // the listener's error, if it ever has one
	ended  atomic.Bool // the stack was deleted
	once   sync.Once
	closed error

	mu          sync.Mutex
	machines    map[string]Machine
	machineKeys map[string]wire.Key
	people      map[string]person // by ARN
	deadLetters []DeadLetter
}

type kept struct {
	name string
	keeper
}

// Start composes the place, creates what the template declares and listens. ctx bounds the start
// alone; Close ends the place.
func Start(ctx context.Context, o Options) (*Server, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	listener, err := listen(ctx, o.Addr)
	if err != nil {
		return nil, err
	}
	s := &Server{
		options: o, url: "http://" + listener.Addr().String(), token: rand.Text(), clock: clock.New(o.Real),
		failed: make(chan error, 1), machines: map[string]Machine{}, machineKeys: map[string]wire.Key{}, people: map[string]person{},
	}
	s.clock.Restore(o.Ahead)
	if err := s.compose(); err != nil {
		_ = listener.Close() // the first error is the one to show
		s.release()
		return nil, err
	}
	s.serve(listener)
	if err := s.services.cloudformation.Create(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("starting keyward local: %w", err), s.Close())
	}
	return s, nil
}

func listen(ctx context.Context, addr string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("starting keyward local: another program listens on %s already; end it or choose another address", addr)
	}
	if err != nil {
		return nil, fmt.Errorf("starting keyward local: %w", err)
	}
	return listener, nil
}

// serve answers requests, lets time run and saves every minute.
func (s *Server) serve(listener net.Listener) {
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.http = &http.Server{Handler: wire.Guard(s.handler()), ReadHeaderTimeout: 10 * time.Second}
	s.tasks.Go(func() {
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- err
		}
	})
	s.tasks.Go(func() { s.clock.Run(ctx) })
	if s.data != nil {
		s.tasks.Go(func() { s.saveOften(ctx) })
	}
}

func (s *Server) handler() http.Handler {
	control, runtime, apis := s.control(), s.lambda.Handler(), s.services.gateway.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case strings.HasPrefix(path, metadataPrefix):
			s.serveMetadata(w, r)
		case strings.HasPrefix(path, ControlPrefix):
			control.ServeHTTP(w, r)
		case strings.HasPrefix(path, lambda.Prefix):
			runtime.ServeHTTP(w, r)
		case strings.HasPrefix(path, cloudformation.AnswerPrefix):
			s.services.cloudformation.ServeHTTP(w, r)
		case s.deleted(w, r, httpapi.Prefix):
		case strings.HasPrefix(path, httpapi.Prefix):
			apis.ServeHTTP(w, r)
		default:
			s.wire.ServeHTTP(w, r)
		}
	})
}

const (
	saveEvery   = time.Minute
	settleGrace = 5 * time.Second // for work in flight, before the state is saved at the end
)

func (s *Server) saveOften(ctx context.Context) {
	ticker := time.NewTicker(saveEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := s.save(); err != nil {
				s.options.Logger.Error("saving the state", "error", err)
			}
		}
	}
}

func (s *Server) save() error {
	var problems []error
	for _, k := range s.keepers {
		problems = append(problems, s.data.save(k.name, k))
	}
	return errors.Join(problems...)
}

// Close ends timers, waits a moment for what is in flight, saves, and ends every child process.
func (s *Server) Close() error {
	s.once.Do(func() {
		s.stop()
		ctx, cancel := context.WithTimeout(context.Background(), settleGrace)
		defer cancel()
		if err := s.clock.Settle(ctx); err != nil {
			s.options.Logger.Warn("closing while work is in flight", "error", err)
		}
		s.halt()
		if s.data != nil {
			s.closed = s.save()
		}
		s.release()
		s.closed = errors.Join(s.closed, s.http.Close())
		s.tasks.Wait()
	})
	return s.closed
}

// Failed gives the error of a listener that broke; a place that is well says nothing.
func (s *Server) Failed() <-chan error { return s.failed }

// URL is where the place answers, such as http://127.0.0.1:4566.
func (s *Server) URL() string { return s.url }

// Token opens the control API.
func (s *Server) Token() string { return s.token }

// Region is the Region of everything here.
func (s *Server) Region() string { return s.stack.Region }

// Clock is the virtual time.
func (s *Server) Clock() *clock.Clock { return s.clock }

// Stack is what the template declares.
func (s *Server) Stack() *stack.Stack { return s.stack }

// Calls says how often each AWS operation was called, as "service.operation".
func (s *Server) Calls() map[string]int { return s.wire.Calls() }

// ResetCalls starts the counts again.
func (s *Server) ResetCalls() { s.wire.ResetCalls() }

// Logs are the last lines of a function, by logical id.
func (s *Server) Logs(function string) []lambda.Line { return s.lambda.Logs(function) }
