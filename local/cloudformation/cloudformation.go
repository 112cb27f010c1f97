// Package cloudformation is CloudFormation inside keyward local, as far as one stack needs it that is there: it describes
// the stack and its resources, asks the functions of custom resources when the stack is created and deleted, and deletes
// it. Resources themselves are created by package local, from the template; nothing is updated, and there are no change
// sets. It is called through local/wire, and by functions that answer at a response URL.
package cloudformation

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/wire"
)

// The states of a stack, and of a resource, that are here.
const (
	Creating     = "CREATE_IN_PROGRESS"
	CreateFailed = "CREATE_FAILED"
	Created      = "CREATE_COMPLETE"
	Deleting     = "DELETE_IN_PROGRESS"
	DeleteFailed = "DELETE_FAILED"
	Deleted      = "DELETE_COMPLETE"
	skipped      = "DELETE_SKIPPED"
)

// Resource is one resource of the stack.
type Resource struct {
	LogicalID  string
	Type       string
	PhysicalID string // of a custom resource, what its function called it
	Custom     *Custom
}

// Custom is what asks for a resource that is a function's.
type Custom struct {
	Function   string // ARN
	Properties json.RawMessage
	Timeout    time.Duration // for the answer, in virtual time
}

// Config is what a stack needs. All but Parameters, Outputs, Resources and Ended are required.
type Config struct {
	Clock       *clock.Clock
	Name        string // of the stack
	Account     string
	Region      string
	Description string
	Parameters  map[string]string
	Outputs     map[string]string
	Resources   []Resource
	Invoke      func(function string, event []byte) error // hands an event to a function by its ARN
	Call        func(function string, event []byte) error // the same, and waits: the error is also the function's own
	Endpoint    string                                    // URL before AnswerPrefix
	Ended       func()                                    // the stack is deleted
}

// CloudFormation is the service with its one stack. Safe for use from several goroutines.
type CloudFormation struct {
	config Config
	id     string // ARN

	mu        sync.Mutex
	state     state
	resources []Resource
	waiting   map[string]*question // by the token in the response URL
	settled   chan struct{}        // closed when the operation that runs is over
}

// state is what survives.
type state struct {
	Status    string            `json:"status"`
	Reason    string            `json:"reason,omitempty"`
	Created   time.Time         `json:"created"`
	DeletedAt time.Time         `json:"deletedAt,omitzero"`
	Protected bool              `json:"protected,omitempty"` // from deletion
	Physical  map[string]string `json:"physical,omitempty"`  // ids of custom resources, by logical id
	Resource  map[string]string `json:"resource,omitempty"`  // status of custom resources, by logical id
	Why       map[string]string `json:"why,omitempty"`       // reason of that
	Events    []event           `json:"events,omitempty"`    // oldest first
}

// New returns the service with a stack that is not created yet.
func New(c Config) *CloudFormation {
	if c.Ended == nil {
		c.Ended = func() {}
	}
	return &CloudFormation{
		config: c, resources: c.Resources, waiting: map[string]*question{},
		id:    fmt.Sprintf("arn:aws:cloudformation:%s:%s:stack/%s/51af3dc0-da77-11e4-872e-1234567db123", c.Region, c.Account, c.Name),
		state: state{Physical: map[string]string{}, Resource: map[string]string{}, Why: map[string]string{}},
	}
}

// Service is CloudFormation on the wire.
func (c *CloudFormation) Service() wire.Service {
	return wire.Service{Name: "cloudformation", Protocol: wire.Query, Version: "2010-05-15", Operations: map[string]wire.Operation{
		"DescribeStacks":              operation(c, c.describeStacks),
		"DescribeStackEvents":         operation(c, c.describeStackEvents),
		"DescribeStackResource":       operation(c, c.describeStackResource),
		"ListStackResources":          operation(c, c.listStackResources),
		"DeleteStack":                 operation(c, c.deleteStack),
		"UpdateTerminationProtection": operation(c, c.updateTerminationProtection),
	}}
}

// Status is the stack's.
func (c *CloudFormation) Status() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.Status
}

// Save is the stack's state.
func (c *CloudFormation) Save() (json.RawMessage, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return json.Marshal(c.state)
}

// Load puts back what Save gave. An operation that was under way is over: who was asked is gone, too.
func (c *CloudFormation) Load(text json.RawMessage) error {
	in := state{Physical: map[string]string{}, Resource: map[string]string{}, Why: map[string]string{}}
	if err := json.Unmarshal(text, &in); err != nil {
		return fmt.Errorf("reading the saved stack: %w", err)
	}
	switch in.Status {
	case Created, DeleteFailed, Deleted:
	case Deleting:
		in.Status, in.Reason = DeleteFailed, "keyward local ended before the deletion did"
	default:
		return fmt.Errorf("reading the saved stack: its status is %q", in.Status)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state = in
	return nil
}
