package fake

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/aws/ec2info"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/aws/schedule"
	"github.com/keyward/keyward/shared/aws/sesmail"
	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
)

// Calendars are SSM change calendars by name; one that is not there cannot be read.
type Calendars struct {
	*Calls
	Named map[string]guard.Calendar
}

// Calendar is ssmcalendar's.
func (c *Calendars) Calendar(_ context.Context, name string) (guard.Calendar, error) {
	if err := c.call("ssm.Calendar", name); err != nil {
		return guard.Calendar{}, err
	}
	calendar, there := c.Named[name]
	if !there {
		return guard.Calendar{}, fault.New(fault.Conflict, "reading change calendar: InvalidDocument")
	}
	return calendar, nil
}

// Instances is what EC2 says: running, unless said otherwise.
type Instances struct {
	*Calls
	Presence map[string]integrity.Presence
	Tags     map[string]string
	Profile  string                               // of every machine
	Launched time.Time                            // of every machine
	Impaired bool                                 // a status check of every machine fails
	Under    []guard.Disk                         // volumes and snapshots under the key
	Facts    evidence.Instance                    // of every machine
	Rules    map[string][]evidence.InboundRule    // by security group
	Attached map[string][]evidence.AttachedVolume // by machine
	Started  map[string]evidence.UserData         // by machine
}

// UserData is ec2info's.
func (i *Instances) UserData(_ context.Context, machines []string) (map[string]evidence.UserData, error) {
	return unless(i.call("ec2.UserData", machines...), i.Started)
}

// Inbound is ec2info's.
func (i *Instances) Inbound(_ context.Context, groups []string) (map[string][]evidence.InboundRule, error) {
	return unless(i.call("ec2.Inbound", groups...), i.Rules)
}

// Volumes is ec2info's.
func (i *Instances) Volumes(_ context.Context, machines []string) (map[string][]evidence.AttachedVolume, error) {
	return unless(i.call("ec2.Volumes", machines...), i.Attached)
}

// Disks is ec2info's.
func (i *Instances) Disks(_ context.Context, key string) ([]guard.Disk, error) {
	return unless(i.call("ec2.Disks", key), i.Under)
}

// Healthy is ec2info's.
func (i *Instances) Healthy(_ context.Context, machine string) (bool, error) {
	if err := i.call("ec2.Healthy", machine); err != nil {
		return false, err
	}
	return !i.Impaired, nil
}

func newInstances(c *Calls) *Instances {
	return &Instances{Calls: c, Presence: map[string]integrity.Presence{}, Tags: map[string]string{kmskey.GuardedTag: "true"}, Profile: "arn:aws:iam::" + Account + ":instance-profile/web"}
}

// Instances is ec2info's.
func (i *Instances) Instances(_ context.Context, machines []string) (map[string]ec2info.Instance, error) {
	if err := i.call("ec2.Instances", machines...); err != nil {
		return nil, err
	}
	all := map[string]ec2info.Instance{}
	for _, id := range machines {
		p, said := i.Presence[id]
		if !said {
			p = integrity.Running
		}
		all[id] = ec2info.Instance{ID: id, Presence: p, Zone: "us-east-1a", Tags: i.Tags, Launched: i.Launched, Facts: i.Facts, Profile: i.Profile}
	}
	return all, nil
}

// Mail keeps what was sent.
type Mail struct {
	*Calls
	Sent []sesmail.Mail
}

// Send is sesmail's.
func (m *Mail) Send(_ context.Context, mail sesmail.Mail) (string, error) {
	if err := m.call("ses.Send", mail.Reference); err != nil {
		return "", err
	}
	m.Sent = append(m.Sent, mail)
	return fmt.Sprintf("message-%d", len(m.Sent)), nil
}

// Flow keeps executions with their states: RUNNING, SUCCEEDED, FAILED, …
type Flow struct {
	*Calls
	Executions map[string]string
	Inputs     map[string]json.RawMessage
}

// Start is sfnflow's.
func (f *Flow) Start(_ context.Context, name string, input json.RawMessage) error {
	if err := f.call("states.Start", name); err != nil {
		return err
	}
	if s, used := f.Executions[name]; used && (s != "RUNNING" || string(f.Inputs[name]) != string(input)) {
		return fault.New(fault.Conflict, "starting execution %s: ExecutionAlreadyExists", name)
	}
	f.Executions[name], f.Inputs[name] = "RUNNING", input
	return nil
}

// Status is sfnflow's.
func (f *Flow) Status(_ context.Context, name string) (string, error) {
	if err := f.call("states.Status", name); err != nil {
		return "", err
	}
	s, ok := f.Executions[name]
	if !ok {
		return "", fault.New(fault.NotFound, "asking for execution %s: ExecutionDoesNotExist", name)
	}
	return s, nil
}

// Invoker keeps the events that another function was invoked with, as JSON.
type Invoker struct {
	*Calls
	name   string
	Events []string
}

// Invoke is lambdacall's.
func (i *Invoker) Invoke(_ context.Context, event any) error {
	if err := i.call(i.name + ".Invoke"); err != nil {
		return err
	}
	text, err := json.Marshal(event)
	i.Events = append(i.Events, string(text))
	return err
}

// Schedules keeps what Scheduler was asked.
type Schedules struct {
	*Calls
	Puts []schedule.Schedule
}

// Put is schedule's.
func (s *Schedules) Put(_ context.Context, v schedule.Schedule) error {
	if err := s.call("scheduler.Put", v.Name); err != nil {
		return err
	}
	s.Puts = append(s.Puts, v)
	return nil
}

// Delete is schedule's.
func (s *Schedules) Delete(_ context.Context, name string) error {
	if err := s.call("scheduler.Delete", name); err != nil {
		return err
	}
	s.Puts = slices.DeleteFunc(s.Puts, func(v schedule.Schedule) bool { return v.Name == name })
	return nil
}

// Inputs is schedule's.
func (s *Schedules) Inputs(context.Context) (map[string][]byte, error) {
	if err := s.call("scheduler.Inputs"); err != nil {
		return nil, err
	}
	all := map[string][]byte{}
	for _, v := range s.Puts {
		text, err := json.Marshal(v.Input)
		if err != nil {
			return nil, err
		}
		all[v.Name] = text
	}
	return all, nil
}

// coded is an error with AWS's own code, as the SDK's are.
type coded struct{ code string }

func (c coded) Error() string     { return "https response error: " + c.code }
func (c coded) ErrorCode() string { return c.code }

// AWS is what an adapter makes of AWS's error with this code.
func AWS(kind fault.Kind, code string) error {
	return fault.Wrap(kind, coded{code}, "asking AWS: %s", strings.TrimSpace(code))
}
