// Package ssm is Systems Manager inside keyward local: documents, managed nodes and Run Command in
// AWS's own shapes, with the document really run on this host by local/ssm/agent.
//
// Command documents come from the template through PutDocument and from nowhere else: no call over the
// wire can register one, and only registered ones run. People create change calendars, of which nothing runs. It runs nothing on a node that is not marked as this
// host, reboots nothing, and refuses by name what it does not do (S3 and CloudWatch output, SNS,
// alarms, resource groups). It contains no Keyward logic; keyward local wires it.
package ssm

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/ssm/agent"
	"github.com/keyward/keyward/local/wire"
)

// Event is what goes onto the default event bus, which adds id, time, account and Region.
type Event struct {
	Source     string
	DetailType string
	Resources  []string
	Detail     json.RawMessage
}

// Options are what the service needs of its surroundings.
type Options struct {
	Clock   *clock.Clock
	Account string // 12 digits
	Region  string
	// Publish takes each status change, in order; nil means nobody listens.
	Publish func(Event)
	// Silent says that a node does not answer for now; nil means all answer. It is called with the
	// service locked and must not call it back.
	Silent func(node string) bool
	// TempDir holds scripts while they run; "" means the system's temporary directory.
	TempDir string
}

// SSM is the service. Its methods may be called from any goroutine.
type SSM struct {
	options Options
	host    *agent.Host

	mu        sync.Mutex
	documents map[string]*document
	calendars map[string]*change
	nodes     map[string]*Node
	commands  map[string]*command
	order     []string // of commands, oldest first
	events    []Event  // on their way out, in order

	compliance []Compliance

	publishing sync.Mutex
	running    sync.WaitGroup
}

// New returns a service without documents and nodes.
func New(o Options) *SSM {
	if o.Publish == nil {
		o.Publish = func(Event) {}
	}
	if o.Silent == nil {
		o.Silent = func(string) bool { return false }
	}
	return &SSM{
		options: o, host: agent.NewHost(o.TempDir),
		documents: map[string]*document{}, calendars: map[string]*change{}, nodes: map[string]*Node{}, commands: map[string]*command{},
	}
}

// Service is the wire's view.
func (s *SSM) Service() wire.Service {
	return wire.Service{
		Name: "ssm", Protocol: wire.JSON11, TargetPrefix: "AmazonSSM", Version: "2014-11-06",
		Operations: map[string]wire.Operation{
			"CancelCommand":               s.cancelCommand,
			"CreateDocument":              s.createDocument,
			"DeleteDocument":              s.deleteDocument,
			"DescribeDocument":            s.describeDocument,
			"DescribeInstanceInformation": s.describeInstanceInformation,
			"DescribeInstancePatchStates": s.describeInstancePatchStates,
			"GetCalendarState":            s.getCalendarState,
			"GetCommandInvocation":        s.getCommandInvocation,
			"GetDocument":                 s.getDocument,
			"ListCommandInvocations":      s.listCommandInvocations,
			"ListCommands":                s.listCommands,
			"PutComplianceItems":          s.putComplianceItems,
			"SendCommand":                 s.sendCommand,
		},
	}
}

// Close cancels what still runs on this host and waits until it is gone.
func (s *SSM) Close() {
	s.mu.Lock()
	for _, c := range s.commands {
		for _, i := range c.Invocations {
			if i.cancel != nil {
				i.cancel()
			}
		}
	}
	s.mu.Unlock()
	s.running.Wait()
}

func (s *SSM) now() time.Time { return s.options.Clock.Now() }

// refuse is an AWS error of the service.
func refuse(code, format string, args ...any) error {
	return &wire.Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// constraint is AWS's answer to a member that breaks its model.
func constraint(member string, value any, rule string) error {
	return wire.Validation("1 validation error detected: Value '%v' at '%s' failed to satisfy constraint: Member must %s", value, member, rule)
}
