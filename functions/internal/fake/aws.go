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
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
)

// Keys are KMS keys with their grants.
type Keys struct {
	*Calls
	ByARN  map[string]kmskey.Key
	Listed map[string][]kmskey.Grant
	Late   bool // KMS takes what it is asked and shows nothing of it

	Policies map[string]string // those that are not AloneWith the machine
	Aliases  []string
	LastUse  guard.Use
}

// AloneWith is a key policy that leaves administration to the account and admits sessions.
func AloneWith(sessions ...string) string {
	text := `{"Version":"2012-10-17","Statement":[{"Sid":"Administration","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":["kms:Describe*","kms:CreateGrant"],"Resource":"*"}`
	for _, s := range sessions {
		text += `,{"Effect":"Allow","Principal":{"AWS":"` + s + `"},"Action":["kms:Decrypt","kms:GenerateDataKey"],"Resource":"*"}`
	}
	return text + "]}"
}

// Users is kmskey's.
func (k *Keys) Users(ctx context.Context, key string) (guard.Around, error) {
	if err := k.call("kms.Users", key); err != nil {
		return guard.Around{}, err
	}
	policy, err := k.policy(key)
	a := guard.Around{Policy: policy, Aliases: k.Aliases, LastUse: k.LastUse}
	for _, g := range k.Listed[key] {
		a.Grants = append(a.Grants, guard.KeyGrant{Name: g.Name, Grantee: g.Grantee, Operations: g.Operations})
	}
	return a, err
}

// KeyPolicy is kmskey's.
func (k *Keys) KeyPolicy(_ context.Context, key string) (string, error) {
	if err := k.call("kms.KeyPolicy", key); err != nil {
		return "", err
	}
	return k.policy(key)
}

func (k *Keys) policy(key string) (string, error) {
	if text, ok := k.Policies[key]; ok {
		return text, nil
	}
	if _, ok := k.ByARN[key]; !ok {
		return "", fault.New(fault.NotFound, "reading key policy: NotFoundException")
	}
	return AloneWith(Session), nil
}

func newKeys(c *Calls) *Keys {
	return &Keys{
		Calls: c, ByARN: map[string]kmskey.Key{KeyARN: {ARN: KeyARN, State: "Enabled", Enabled: true, Guarded: true}},
		Listed: map[string][]kmskey.Grant{}, Policies: map[string]string{},
	}
}

// Set changes one key.
func (k *Keys) Set(arn string, edit func(*kmskey.Key)) {
	key := k.ByARN[arn]
	edit(&key)
	k.ByARN[arn] = key
}

// State puts a key into a state.
func (k *Keys) State(arn, state string) {
	k.Set(arn, func(key *kmskey.Key) { key.State, key.Enabled = state, state == "Enabled" })
}

// Key is kmskey's.
func (k *Keys) Key(_ context.Context, id string) (kmskey.Key, error) {
	if err := k.call("kms.Key", id); err != nil {
		return kmskey.Key{}, err
	}
	key, ok := k.ByARN[id]
	if !ok {
		return key, fault.New(fault.NotFound, "describing key: NotFoundException")
	}
	return key, nil
}

// Grants is kmskey's.
func (k *Keys) Grants(_ context.Context, key, grantee string) ([]kmskey.Grant, error) {
	if err := k.call("kms.Grants", key); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(k.Listed[key]), func(g kmskey.Grant) bool { return grantee != "" && g.Grantee != grantee }), nil
}

// Grant is kmskey/release's.
func (k *Keys) Grant(_ context.Context, key, machine, session string, generation int64) (kmskey.Granted, error) {
	name := kmskey.GrantName(machine, generation)
	if err := k.call("kms.Grant", name); err != nil {
		return kmskey.Granted{}, err
	}
	for _, g := range k.Listed[key] {
		if g.Name == name {
			return kmskey.Granted{ID: g.ID, Token: "token-again"}, nil
		}
	}
	id := fmt.Sprintf("grant-%d", len(k.Made("kms.Grant keyward-")))
	k.Listed[key] = append(k.Listed[key], kmskey.Grant{ID: id, Name: name, Grantee: session})
	return kmskey.Granted{ID: id, Token: "token"}, nil
}

// EnableKey is kmskey/release's.
func (k *Keys) EnableKey(_ context.Context, key string) error {
	if err := k.call("kms.EnableKey", key); err != nil {
		return err
	}
	if !k.Late {
		k.State(key, "Enabled")
	}
	return nil
}

// DisableKey is kmskey/revoke's.
func (k *Keys) DisableKey(_ context.Context, key string) error {
	if err := k.call("kms.DisableKey", key); err != nil {
		return err
	}
	if !k.Late {
		k.State(key, "Disabled")
	}
	return nil
}

// RevokeGrant is kmskey/revoke's.
func (k *Keys) RevokeGrant(_ context.Context, key, grant string) error {
	if err := k.call("kms.RevokeGrant", grant); err != nil {
		return err
	}
	if !k.Late {
		k.Listed[key] = slices.DeleteFunc(k.Listed[key], func(g kmskey.Grant) bool { return g.ID == grant })
	}
	return nil
}

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
	Launched time.Time    // of every machine
	Impaired bool         // a status check of every machine fails
	Under    []guard.Disk // volumes and snapshots under the key
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
	return &Instances{Calls: c, Presence: map[string]integrity.Presence{}, Tags: map[string]string{kmskey.GuardedTag: "true"}}
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
		all[id] = ec2info.Instance{ID: id, Presence: p, Zone: "us-east-1a", Tags: i.Tags, Launched: i.Launched}
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
	return s.call("scheduler.Delete", name)
}

// coded is an error with AWS's own code, as the SDK's are.
type coded struct{ code string }

func (c coded) Error() string     { return "https response error: " + c.code }
func (c coded) ErrorCode() string { return c.code }

// AWS is what an adapter makes of AWS's error with this code.
func AWS(kind fault.Kind, code string) error {
	return fault.Wrap(kind, coded{code}, "asking AWS: %s", strings.TrimSpace(code))
}
