// Package sfn is Step Functions as far as our programs and people call it: Standard workflows that run
// the definitions local/sfn/asl can read, with their history, and invoke functions through what it is
// given.
//
// Waits and the delays of retries are timers of the clock; everything else that an execution does
// belongs to its instant and holds the clock. What is read is always the latest, also where AWS would
// only promise it in the end. There are no Express workflows, activities, task tokens, versions,
// aliases and redrives: who asks for one is told so with status 501. local/stack creates the state
// machines, local/wire hands it the calls.
package sfn

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/sfn/asl"
	"github.com/keyward/keyward/local/wire"
)

// Result is what an invocation of a function came to. FunctionError is "" after success; otherwise
// Payload is the error document, and ErrorType and ErrorMessage are what it says.
type Result struct {
	Payload []byte
	FunctionError,
	ErrorType,
	ErrorMessage string
}

// InvokeError is an error of Lambda itself, by the name that Retry and Catch see, such as
// Lambda.TooManyRequestsException. Any other error of Invoke is a Lambda.SdkClientException.
type InvokeError struct {
	Name    string
	Message string
}

func (e *InvokeError) Error() string { return e.Name + ": " + e.Message }

// Options are what SFN needs. All but Random are required.
type Options struct {
	Clock   *clock.Clock
	Region  string
	Account string
	// Invoke runs a function as a role; it is named by name or ARN. It waits for its answer or the end of ctx.
	Invoke func(ctx context.Context, role, function string, payload []byte) (Result, error)
	// Random is at least 0 and less than 1, for JitterStrategy FULL; nil is a random number.
	Random func() float64
}

// SFN is the state machines and executions of one account and Region. All methods may be called from
// any goroutine.
type SFN struct {
	options Options

	mu         sync.Mutex
	machines   map[string]*machine   // by ARN
	executions map[string]*execution // by ARN
	sequence   int64                 // of executions
	closed     bool
}

type machine struct {
	name, arn, role string
	definition      string
	created         time.Time
	parsed          *asl.Machine
}

// New returns an SFN without state machines.
func New(o Options) *SFN {
	if o.Random == nil {
		o.Random = rand.Float64
	}
	return &SFN{options: o, machines: map[string]*machine{}, executions: map[string]*execution{}}
}

// CreateStateMachine makes or replaces a Standard state machine and returns its ARN. The definition is
// JSON after all substitutions; what it says that is not known here is an error. Executions that run
// keep the definition that they were started with.
func (s *SFN) CreateStateMachine(name, role string, definition []byte) (arn string, err error) {
	parsed, err := asl.Parse(definition)
	if err != nil {
		return "", fmt.Errorf("creating state machine %s: %w", name, err)
	}
	m := &machine{
		name: name, role: role, definition: string(definition), parsed: parsed,
		arn: s.arn("stateMachine:" + name), created: s.options.Clock.Now(),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.machines[m.arn]; old != nil {
		m.created = old.created
	}
	s.machines[m.arn] = m
	return m.arn, nil
}

// Close stops every execution where it is: nothing that an invocation still answers counts. What Save
// returns afterwards goes on from there.
func (s *SFN) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, e := range s.executions {
		e.quiet()
	}
}

// Service is what local/wire dispatches to.
func (s *SFN) Service() wire.Service {
	return wire.Service{
		Name: "states", Protocol: wire.JSON10, TargetPrefix: "AWSStepFunctions",
		Operations: map[string]wire.Operation{
			"StartExecution": operation(s.startExecution), "StopExecution": operation(s.stopExecution),
			"DescribeExecution": operation(s.describeExecution), "ListExecutions": operation(s.listExecutions),
			"GetExecutionHistory": operation(s.getExecutionHistory), "DescribeStateMachine": operation(s.describeStateMachine),
		},
	}
}

func operation[In, Out any](run func(In) (Out, error)) wire.Operation {
	return func(_ context.Context, r *wire.Request) (any, error) {
		if r.Caller.Kind == wire.Machine {
			return nil, refused("AccessDeniedException", "User: %s is not authorized to perform: states:%s", r.Caller.ARN, r.Operation)
		}
		in, err := wire.Decode[In](r)
		if err != nil {
			return nil, err
		}
		out, err := run(in)
		if err != nil {
			return nil, err
		}
		return out, nil
	}
}

func refused(code, format string, args ...any) error {
	return &wire.Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

func (s *SFN) arn(resource string) string {
	return "arn:aws:states:" + s.options.Region + ":" + s.options.Account + ":" + resource
}

// machine finds a state machine by its ARN.
func (s *SFN) machine(arn string) (*machine, error) {
	if !strings.HasPrefix(arn, "arn:aws:states:") || !strings.Contains(arn, ":stateMachine:") {
		return nil, refused("InvalidArn", "Invalid Arn: '%s'", arn)
	}
	m := s.machines[arn]
	if m == nil {
		return nil, refused("StateMachineDoesNotExist", "State Machine Does Not Exist: '%s'", arn)
	}
	return m, nil
}

// execution finds an execution by its ARN.
func (s *SFN) execution(arn string) (*execution, error) {
	if !strings.HasPrefix(arn, "arn:aws:states:") || !strings.Contains(arn, ":execution:") {
		return nil, refused("InvalidArn", "Invalid Arn: '%s'", arn)
	}
	if e := s.kept(arn); e != nil {
		return e, nil
	}
	return nil, refused("ExecutionDoesNotExist", "Execution Does Not Exist: '%s'", arn)
}
