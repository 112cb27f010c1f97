// Package stack reads the project's SAM template and says what keyward local has to create: functions,
// schedules, rules, HTTP APIs, the state machine, the table, the document, mail settings and queues.
//
// It understands the resource types, properties and intrinsic functions that the template uses, and
// refuses every other with resource, property and line, so that nothing the template says is ignored
// in silence; what it takes without acting on it stands in one table, in inert.go. It creates
// nothing; package local does.
package stack

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Options are what a deployment chooses. Zero values get keyward local's defaults.
type Options struct {
	Name       string            // of the stack; keyward
	Account    string            // 123456789012
	Region     string            // us-east-1
	Endpoint   string            // URL under which the HTTP APIs are reached
	Parameters map[string]string // template parameters that differ from their defaults
}

// Stack is a template with everything resolved.
type Stack struct {
	Name              string
	Description       string
	Account           string
	Region            string
	Functions         []Function
	Schedules         []Schedule
	ScheduleGroups    []Named
	Rules             []Rule
	APIs              []API
	StateMachines     []StateMachine
	Tables            []Table
	Mappings          []Mapping
	Documents         []Document
	Identities        []string // addresses
	Buckets           []Bucket
	ConfigurationSets []ConfigurationSet
	EventDestinations []EventDestination
	Topics            []Named
	Subscriptions     []Subscription
	Emails            []Email
	Queues            []Named
	Keys              []KMSKey
	Roles             []Role
	CallPolicies      []CallPolicy
	Custom            []CustomResource
	Resources         []Resource
	Parameters        map[string]string
	Outputs           map[string]string
}

// Named is a resource of which only the name matters here.
type Named struct {
	LogicalID string
	Name      string
	ARN       string
}

// Bucket is one AWS::S3::Bucket, with its objects' default lock.
type Bucket struct {
	Name string
	Mode string // GOVERNANCE, COMPLIANCE; "" is no lock
	Days int
}

// Function is one AWS::Serverless::Function.
type Function struct {
	Named
	Role        Named
	Timeout     time.Duration
	MemoryMB    int
	Environment map[string]string
	DeadLetter  string // ARN of the queue, "" for none
}

// Retry is how often and how long a schedule or a rule tries to reach its target.
type Retry struct {
	Attempts int           // -1: the service's default
	Age      time.Duration // 0: the service's default
}

// Schedule is one EventBridge schedule.
type Schedule struct {
	Named
	Group      string
	Expression string // cron(…), rate(…), at(…)
	TimeZone   string // IANA; UTC when the template names none
	Window     time.Duration
	Function   string // ARN
	Role       string // ARN
	Input      string
	Retry      Retry
	DeadLetter string // ARN of the queue
	Disabled   bool
}

// Rule is one EventBridge rule on the default bus.
type Rule struct {
	Named
	Pattern    json.RawMessage
	Function   string // ARN
	Retry      Retry
	DeadLetter string
}

// API is one HTTP API, or one REST API, with IAM authorization unless it is Open.
type API struct {
	LogicalID string
	Stage     string // of a REST API; "" for an HTTP API
	Open      bool   // it has no authorizer
	ID        string
	URL       string
	Routes    []Route
}

// Route leads a method and a path of an API to a function.
type Route struct {
	Method   string
	Path     string
	Function string // ARN
}

// StateMachine is one standard workflow with its substitutions made.
type StateMachine struct {
	Named
	Role       Named
	Definition json.RawMessage
}

// Key is an attribute of a key schema.
type Key struct {
	Name string
	Type string // S, N or B
}

// Index is a global secondary index that projects everything.
type Index struct {
	Name            string
	Partition, Sort Key
}

// Table is one DynamoDB table, on demand.
type Table struct {
	Named
	Partition, Sort Key // Sort.Name is "" for a table without
	Indexes         []Index
	Expiry          string // the attribute of TimeToLive, "" for none
	Stream          string // view type of its stream, "" for none
	StreamARN       string
}

// Document is one SSM command document.
type Document struct {
	Named
	Content      json.RawMessage
	TargetType   string
	UpdateMethod string // NewVersion or Replace; "" is Replace
}

// KMSKey is one symmetric key of KMS with its alias.
type KMSKey struct {
	LogicalID   string
	Alias       string // alias/NAME
	Description string
	Policy      json.RawMessage
	Tags        map[string]string
}

// ConfigurationSet is one of SES.
type ConfigurationSet struct {
	Name       string
	Suppressed []string // BOUNCE, COMPLAINT
}

// EventDestination is where a configuration set's events go: to a topic.
type EventDestination struct {
	Set   string
	Types []string // as events call themselves: Bounce, DeliveryDelay, …
	Topic string   // ARN
}

// Subscription is a function that gets a topic's messages.
type Subscription struct {
	Topic      string // ARN
	Function   string // ARN
	DeadLetter string // ARN of the queue, "" for none
}

// Email is an address that is subscribed to a topic.
type Email struct {
	Topic   string // ARN
	Address string
}

// Load reads a template and the files that it names, which lie below its folder. The error joins
// everything that is wrong, each with file and line.
func Load(path string, o Options) (*Stack, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the template: %w", err)
	}
	return Parse(filepath.Base(path), data, os.DirFS(filepath.Dir(path)), o)
}

// Parse is Load with the text and the files at hand; name is what errors call the template.
func Parse(name string, data []byte, files fs.FS, o Options) (*Stack, error) {
	o = o.withDefaults()
	root, err := parseYAML(name, data)
	if err != nil {
		return nil, err
	}
	r := &reader{name: name, files: files, options: o, stack: &Stack{
		Name: o.Name, Account: o.Account, Region: o.Region, Outputs: map[string]string{},
	}}
	r.template(root)
	if err := errors.Join(r.problems...); err != nil {
		return nil, err
	}
	return r.stack, nil
}

func (o Options) withDefaults() Options {
	set := func(s *string, to string) {
		if *s == "" {
			*s = to
		}
	}
	set(&o.Name, "keyward")
	set(&o.Account, "123456789012")
	set(&o.Region, "us-east-1")
	set(&o.Endpoint, "http://127.0.0.1:4566")
	return o
}

// Function finds a function by its ARN.
func (s *Stack) Function(arn string) (Function, bool) {
	for _, f := range s.Functions {
		if f.ARN == arn {
			return f, true
		}
	}
	return Function{}, false
}
