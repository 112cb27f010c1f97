package sfn

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/sfn/asl"
	"github.com/keyward/keyward/local/sfn/expression"
	"github.com/keyward/keyward/local/wire"
)

// Statuses of an execution.
const (
	running   = "RUNNING"
	succeeded = "SUCCEEDED"
	failed    = "FAILED"
	timedOut  = "TIMED_OUT"
	aborted   = "ABORTED"
)

const (
	keptFor = 90 * 24 * time.Hour  // how long a closed execution and its name are kept
	longest = 365 * 24 * time.Hour // an execution may run
	maxName = 80                   // characters
)

// execution is one run. What is exported is saved.
type execution struct {
	ARN, Name, Machine, Role string
	Definition               string // the one it was started with
	Sequence                 int64  // in which it was started
	Status                   string
	Started, Stopped         time.Time
	Input, Output            string
	Error, Cause             string
	Events                   []event

	State   string    // where it is; "" before the first
	Data    any       // the input of State
	Entered time.Time // when it came to State
	Wake    time.Time // until when it waits in State; zero when it does not
	Made    []int     // retries in this visit of State, by entry of Retry

	parsed *asl.Machine
	timer  *clock.Timer
}

type startInput struct {
	StateMachineArn string  `json:"stateMachineArn"`
	Name            string  `json:"name"`
	Input           *string `json:"input"`
}

type startOutput struct {
	ExecutionArn string    `json:"executionArn"`
	StartDate    wire.Time `json:"startDate"`
}

func (s *SFN) startExecution(in startInput) (startOutput, error) {
	if in.Name == "" {
		in.Name = newID()
	}
	input := "{}"
	if in.Input != nil {
		input = *in.Input
	}
	if err := checkName(in.Name); err != nil {
		return startOutput{}, err
	}
	data, err := checkInput(input)
	if err != nil {
		return startOutput{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.machine(in.StateMachineArn)
	if err != nil {
		return startOutput{}, err
	}
	arn := s.arn("execution:" + m.name + ":" + in.Name)
	if e := s.kept(arn); e != nil {
		if e.Status != running || e.Input != input {
			return startOutput{}, refused("ExecutionAlreadyExists", "Execution Already Exists: '%s'", arn)
		}
		return startOutput{ExecutionArn: arn, StartDate: wire.Time{Time: e.Started}}, nil
	}
	s.sequence++
	e := &execution{
		ARN: arn, Name: in.Name, Machine: m.arn, Role: m.role, Definition: m.definition, parsed: m.parsed,
		Sequence: s.sequence, Status: running, Started: s.options.Clock.Now(), Input: input, Data: data,
	}
	s.executions[arn] = e
	s.note(e, "ExecutionStarted", details{Input: input, RoleARN: m.role})
	s.resume(e)
	return startOutput{ExecutionArn: arn, StartDate: wire.Time{Time: e.Started}}, nil
}

// kept is the execution of this ARN, nil when there is none or AWS would have forgotten it by now.
func (s *SFN) kept(arn string) *execution {
	e := s.executions[arn]
	if e != nil && e.Status != running && s.options.Clock.Now().Sub(e.Stopped) >= keptFor {
		delete(s.executions, arn)
		return nil
	}
	return e
}

// checkName refuses what the API reference of StartExecution does not allow in a name.
func checkName(name string) error {
	if utf8.RuneCountInString(name) > maxName {
		return wire.Validation("1 validation error detected: Value '%s' at 'name' failed to satisfy constraint: Member must have length less than or equal to %d", name, maxName)
	}
	bad := func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || r == utf8.RuneError || strings.ContainsRune("<>{}[]?*\"#%\\^|~`$&,;:/", r)
	}
	if strings.ContainsFunc(name, bad) {
		return refused("InvalidName", "Invalid Name: '%s'", name)
	}
	return nil
}

func checkInput(input string) (any, error) {
	if len(input) > asl.MaxData {
		return nil, refused("InvalidExecutionInput", "Invalid State Machine Execution Input: it is %d bytes long, and %d are the most", len(input), asl.MaxData)
	}
	data, err := expression.Decode([]byte(input))
	if err != nil {
		return nil, refused("InvalidExecutionInput", "Invalid State Machine Execution Input: '%v'", err)
	}
	return data, nil
}

// stopExecution ends an execution; one that has ended stays as it is.
func (s *SFN) stopExecution(in struct{ ExecutionArn, Error, Cause string }) (map[string]wire.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.execution(in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	s.end(e, aborted, "", &asl.Error{Name: in.Error, Cause: in.Cause})
	return map[string]wire.Time{"stopDate": {Time: e.Stopped}}, nil
}

var endings = map[string]string{
	succeeded: "ExecutionSucceeded", failed: "ExecutionFailed", timedOut: "ExecutionTimedOut", aborted: "ExecutionAborted",
}

// end closes a running execution; failure is nil after success.
func (s *SFN) end(e *execution, status, output string, failure *asl.Error) {
	if e.Status != running {
		return
	}
	e.quiet()
	d := details{Output: output}
	if failure != nil {
		e.Error, e.Cause = failure.Name, failure.Cause
		d = details{Error: e.Error, Cause: e.Cause}
	}
	s.append(e, endings[status], d)
	e.Status, e.Output, e.Stopped = status, output, s.options.Clock.Now()
	e.Data, e.Made, e.Definition = nil, nil, ""
}

// quiet takes back the timer.
func (e *execution) quiet() {
	if e.timer != nil {
		e.timer.Stop()
		e.timer = nil
	}
}

// newID is a random UUID, version 4.
func newID() string {
	b := make([]byte, 16)
	rand.Read(b) // never fails since Go 1.24: it ends the process instead
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
