// Package ec2 is the part of EC2 of keyward local that looks: instances, their status, volumes and tags,
// from a small inventory whose machines tests and faults start, stop and terminate. It runs nothing and
// refuses operations, filters and parameters that it does not know. It is called through local/wire.
package ec2

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/keyward/keyward/local/wire"
)

// Event is what EC2 puts onto the default event bus.
type Event struct {
	Source     string
	DetailType string
	Resources  []string
	Detail     json.RawMessage
}

// Config is what an EC2 needs.
type Config struct {
	Account, Region string
	Now             func() time.Time // virtual time; nil means time.Now
	Publish         func(Event)      // takes state changes; nil drops them. Called without any lock held
	Stop            func(id string)  // has an instance that is stopping stopped later; it must not call back before it returns. Nil never does
}

// EC2 holds the inventory. Safe for use from several goroutines.
type EC2 struct {
	config Config

	mu       sync.Mutex
	machines map[string]*Machine
	snaps    map[string]*Snapshot
}

// New returns an EC2 with these machines, which ParseInventory has checked.
func New(c Config, machines ...Machine) *EC2 {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Publish == nil {
		c.Publish = func(Event) {}
	}
	if c.Stop == nil {
		c.Stop = func(string) {}
	}
	e := &EC2{config: c, machines: map[string]*Machine{}, snaps: map[string]*Snapshot{}}
	for _, m := range machines {
		e.machines[m.ID] = m.clone()
	}
	return e
}

func (m Machine) clone() *Machine {
	m.Tags = maps.Clone(m.Tags)
	m.Volumes, m.Groups = slices.Clone(m.Volumes), slices.Clone(m.Groups)
	for i := range m.Volumes {
		m.Volumes[i].Tags = maps.Clone(m.Volumes[i].Tags)
	}
	return &m
}

// Service is EC2 on the wire.
func (e *EC2) Service() wire.Service {
	return wire.Service{Name: "ec2", Protocol: wire.EC2, Version: "2016-11-15", Operations: map[string]wire.Operation{
		"DescribeInstances":         operation(e, e.describeInstances),
		"DescribeInstanceAttribute": operation(e, e.describeInstanceAttribute),
		"DescribeInstanceStatus":    operation(e, e.describeInstanceStatus),
		"DescribeVolumes":           operation(e, e.describeVolumes),
		"DescribeSnapshots":         operation(e, e.describeSnapshots),
		"DescribeSecurityGroups":    operation(e, e.describeSecurityGroups),
		"DescribeTags":              operation(e, e.describeTags),
		"CreateTags":                operation(e, e.createTags),
		"CreateSnapshots":           operation(e, e.createSnapshots),
		"StopInstances":             operation(e, e.stopInstances),
	}}
}

// operation decodes the input and holds the lock. A machine's role has no rights in EC2 here.
func operation[In any](e *EC2, run func(In) (any, error)) wire.Operation {
	return func(_ context.Context, r *wire.Request) (any, error) {
		if r.Caller.Kind == wire.Machine || r.Caller.Kind == "" {
			return nil, &wire.Error{Code: "UnauthorizedOperation", Status: 403,
				Message: fmt.Sprintf("You are not authorized to perform this operation. User: %s is not authorized to perform: ec2:%s because no identity-based policy allows the ec2:%s action", r.Caller.ARN, r.Operation, r.Operation)}
		}
		in, err := wire.Decode[In](r)
		if err != nil {
			return nil, err
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		return run(in)
	}
}

// Add puts a machine into the inventory, or another one in its place.
func (e *EC2) Add(m Machine) error {
	if err := m.check(); err != nil {
		return fmt.Errorf("adding a machine: %w", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.machines[m.ID] = m.clone()
	return nil
}

// Machine returns a copy of a machine.
func (e *EC2) Machine(id string) (Machine, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m := e.machines[id]
	if m == nil {
		return Machine{}, false
	}
	return *m.clone(), true
}

// Remove forgets a machine, as EC2 does about an hour after its end.
func (e *EC2) Remove(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.machines, id)
}

// SetState starts, stops or terminates a machine at once and publishes EC2's event. A start sets the
// launch time, as EC2 does; a machine that is terminated stays so.
func (e *EC2) SetState(id, state string) error {
	changed, err := e.setState(id, state)
	if err != nil {
		return fmt.Errorf("changing the state of machine %q: %w", id, err)
	}
	if changed {
		e.config.Publish(Event{
			Source:     "aws.ec2",
			DetailType: "EC2 Instance State-change Notification",
			Resources:  []string{fmt.Sprintf("arn:aws:ec2:%s:%s:instance/%s", e.config.Region, e.config.Account, id)},
			Detail:     fmt.Appendf(nil, `{"instance-id":%q,"state":%q}`, id, state),
		})
	}
	return nil
}

func (e *EC2) setState(id, state string) (changed bool, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m := e.machines[id]
	if m == nil {
		return false, fmt.Errorf("it is not in the inventory")
	}
	if _, ok := codes[state]; !ok {
		return false, fmt.Errorf("state %q, expected pending, running, shutting-down, terminated, stopping or stopped", state)
	}
	if m.State == state {
		return false, nil
	}
	if m.State == "terminated" {
		return false, fmt.Errorf("it is terminated")
	}
	if state == "running" && m.State == "stopped" {
		m.Launched = e.config.Now()
	}
	m.State = state
	return true, nil
}

// SetStatus sets what the status checks of a running machine say: ok, impaired, initializing,
// insufficient-data or not-applicable.
func (e *EC2) SetStatus(id, status string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	m := e.machines[id]
	if m == nil || !slices.Contains(statuses, status) {
		return fmt.Errorf("setting the status of machine %q to %q: expected a machine of the inventory and one of %v", id, status, statuses)
	}
	m.Status = status
	return nil
}

func (e *EC2) sorted() []*Machine {
	list := make([]*Machine, 0, len(e.machines))
	for _, id := range slices.Sorted(maps.Keys(e.machines)) {
		list = append(list, e.machines[id])
	}
	return list
}
