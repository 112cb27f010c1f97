package cloudformation

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/keyward/keyward/local/wire"
)

// operation decodes the input and holds the lock. A machine's role has no rights in CloudFormation here.
func operation[In any](c *CloudFormation, run func(In) (any, error)) wire.Operation {
	return func(_ context.Context, r *wire.Request) (any, error) {
		if r.Caller.Kind == wire.Machine || r.Caller.Kind == "" {
			return nil, &wire.Error{Code: "AccessDenied", Status: http.StatusForbidden, Message: fmt.Sprintf(
				"User: %s is not authorized to perform: cloudformation:%s", r.Caller.ARN, r.Operation)}
		}
		in, err := wire.Decode[In](r)
		if err != nil {
			return nil, err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		return run(in)
	}
}

func invalid(format string, args ...any) error {
	return &wire.Error{Code: "ValidationError", Message: fmt.Sprintf(format, args...)}
}

// there is whether a name is the stack's. A deleted stack is found by its id alone.
func (c *CloudFormation) there(name string) error {
	if name == c.id || name == c.config.Name && c.state.Status != Deleted {
		return nil
	}
	return invalid("Stack with id %s does not exist", name)
}

type parameter struct{ ParameterKey, ParameterValue string }

type output struct{ OutputKey, OutputValue string }

type stack struct {
	StackId, StackName          string
	Description                 string      `xml:",omitempty"`
	Parameters                  []parameter `xml:"Parameters>member"`
	CreationTime                string
	DeletionTime                string `xml:",omitempty"`
	StackStatus                 string
	StackStatusReason           string `xml:",omitempty"`
	DisableRollback             bool
	Capabilities                []string `xml:"Capabilities>member"`
	Outputs                     []output `xml:"Outputs>member"`
	EnableTerminationProtection bool
}

func (c *CloudFormation) describeStacks(in struct{ StackName, NextToken string }) (any, error) {
	if in.StackName != "" {
		if err := c.there(in.StackName); err != nil {
			return nil, err
		}
	}
	all := []stack{}
	if in.StackName != "" || c.state.Status != Deleted {
		s := stack{
			StackId: c.id, StackName: c.config.Name, Description: c.config.Description, CreationTime: stamp(c.state.Created), StackStatus: c.state.Status,
			StackStatusReason: c.state.Reason, Capabilities: []string{"CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"}, EnableTerminationProtection: c.state.Protected,
		}
		if !c.state.DeletedAt.IsZero() {
			s.DeletionTime = stamp(c.state.DeletedAt)
		}
		for _, key := range slices.Sorted(maps.Keys(c.config.Parameters)) {
			s.Parameters = append(s.Parameters, parameter{key, c.config.Parameters[key]})
		}
		for _, key := range slices.Sorted(maps.Keys(c.config.Outputs)) {
			s.Outputs = append(s.Outputs, output{key, c.config.Outputs[key]})
		}
		all = append(all, s)
	}
	return struct {
		Stacks []stack `xml:"Stacks>member"`
	}{all}, nil
}

type summary struct {
	LogicalResourceId    string
	PhysicalResourceId   string `xml:",omitempty"`
	ResourceType         string
	LastUpdatedTimestamp string
	ResourceStatus       string
	ResourceStatusReason string `xml:",omitempty"`
}

func (c *CloudFormation) summarise(r Resource) summary {
	status := Created
	switch {
	case r.Custom != nil:
		status = c.state.Resource[r.LogicalID]
		r.PhysicalID = c.state.Physical[r.LogicalID]
	case c.state.Status == Deleted:
		status = Deleted
	}
	return summary{
		LogicalResourceId: r.LogicalID, PhysicalResourceId: r.PhysicalID, ResourceType: r.Type, LastUpdatedTimestamp: stamp(c.state.Created),
		ResourceStatus: status, ResourceStatusReason: c.state.Why[r.LogicalID],
	}
}

// pageSize is how many resources are on a page: CloudFormation says 100 and more of its own choice.
const pageSize = 100

func (c *CloudFormation) listStackResources(in struct{ StackName, NextToken string }) (any, error) {
	if err := c.there(in.StackName); err != nil {
		return nil, err
	}
	first, err := place(in.NextToken, len(c.resources))
	if err != nil {
		return nil, err
	}
	last := min(first+pageSize, len(c.resources))
	page := []summary{}
	for _, r := range c.resources[first:last] {
		page = append(page, c.summarise(r))
	}
	return struct {
		StackResourceSummaries []summary `xml:"StackResourceSummaries>member"`
		NextToken              string    `xml:",omitempty"`
	}{page, next(last, len(c.resources))}, nil
}

func place(token string, most int) (int, error) {
	if token == "" {
		return 0, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(token)
	n, wrong := strconv.Atoi(string(text))
	if err != nil || wrong != nil || n < 0 || n > most {
		return 0, invalid("Invalid NextToken")
	}
	return n, nil
}

func next(last, most int) string {
	if last == most {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(last)))
}

type detail struct {
	StackName, StackId   string
	LogicalResourceId    string
	PhysicalResourceId   string `xml:",omitempty"`
	ResourceType         string
	LastUpdatedTimestamp string
	ResourceStatus       string
	ResourceStatusReason string `xml:",omitempty"`
}

func (c *CloudFormation) describeStackResource(in struct{ StackName, LogicalResourceId string }) (any, error) {
	if err := c.there(in.StackName); err != nil {
		return nil, err
	}
	for _, r := range c.resources {
		if r.LogicalID == in.LogicalResourceId {
			s := c.summarise(r)
			return struct{ StackResourceDetail detail }{detail{
				c.config.Name, c.id, s.LogicalResourceId, s.PhysicalResourceId, s.ResourceType, s.LastUpdatedTimestamp, s.ResourceStatus, s.ResourceStatusReason,
			}}, nil
		}
	}
	return nil, invalid("Resource %s does not exist for stack %s", in.LogicalResourceId, in.StackName)
}

// event is one line of what became of the stack and its custom resources.
type event struct {
	StackId, EventId, StackName string
	LogicalResourceId           string
	PhysicalResourceId          string `xml:",omitempty"`
	ResourceType                string
	Timestamp                   string
	ResourceStatus              string
	ResourceStatusReason        string `xml:",omitempty"`
}

func (c *CloudFormation) describeStackEvents(in struct{ StackName, NextToken string }) (any, error) {
	if err := c.there(in.StackName); err != nil {
		return nil, err
	}
	first, err := place(in.NextToken, len(c.state.Events))
	if err != nil {
		return nil, err
	}
	newest := slices.Clone(c.state.Events)
	slices.Reverse(newest)
	last := min(first+pageSize, len(newest))
	return struct {
		StackEvents []event `xml:"StackEvents>member"`
		NextToken   string  `xml:",omitempty"`
	}{newest[first:last], next(last, len(newest))}, nil
}

func (c *CloudFormation) deleteStack(in struct {
	StackName, ClientRequestToken string
	RetainResources               []string
}) (any, error) {
	switch {
	case c.there(in.StackName) != nil, c.state.Status == Deleted, c.state.Status == Deleting:
		return nil, nil // CloudFormation says nothing of a stack that is not there, or on its way
	case c.state.Protected:
		return nil, invalid("Stack [%s] cannot be deleted while TerminationProtection is enabled", c.config.Name)
	case len(in.RetainResources) > 0 && c.state.Status != DeleteFailed:
		return nil, invalid("Invalid operation on stack [%s]. Specify which resources to retain only when the stack is in the DELETE_FAILED state.", c.id)
	}
	for _, id := range in.RetainResources {
		if c.state.Resource[id] != DeleteFailed {
			return nil, invalid("The specified resources to retain must be in a valid state: [%s]", id)
		}
	}
	c.begin(Deleting, remove, in.RetainResources)
	return nil, nil
}

func (c *CloudFormation) updateTerminationProtection(in struct {
	StackName                   string
	EnableTerminationProtection bool
}) (any, error) {
	if err := c.there(in.StackName); err != nil || c.state.Status == Deleted {
		return nil, invalid("Stack with id %s does not exist", in.StackName)
	}
	c.state.Protected = in.EnableTerminationProtection
	return struct{ StackId string }{c.id}, nil
}

// move changes the stack's status. The lock is held.
func (c *CloudFormation) move(status, reason string) {
	c.state.Status, c.state.Reason = status, reason
	c.tell(c.config.Name, c.id, "AWS::CloudFormation::Stack", status, reason)
}

// resource changes a custom resource's status. The lock is held.
func (c *CloudFormation) resource(r Resource, status, reason string) {
	c.state.Resource[r.LogicalID], c.state.Why[r.LogicalID] = status, reason
	c.tell(r.LogicalID, c.state.Physical[r.LogicalID], r.Type, status, reason)
}

func (c *CloudFormation) tell(logical, physical, kind, status, reason string) {
	c.state.Events = append(c.state.Events, event{
		StackId: c.id, EventId: uuid(), StackName: c.config.Name, LogicalResourceId: logical, PhysicalResourceId: physical, ResourceType: kind,
		Timestamp: stamp(c.config.Clock.Now()), ResourceStatus: status, ResourceStatusReason: reason,
	})
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// uuid is a random UUID of version 4.
func uuid() string {
	var b [16]byte
	rand.Read(b[:]) // never fails since Go 1.24
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
