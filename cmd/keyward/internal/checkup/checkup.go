// Package checkup reads what shared/doctor judges: of AWS with the caller's own credentials, and of the people's API where it
// has it. It changes nothing. What cannot be read is a fact, too; only a stack that is not there is an error.
package checkup

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/keyward/keyward/cmd/keyward/internal/people"
	"github.com/keyward/keyward/documents"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/aws/queue"
	"github.com/keyward/keyward/shared/aws/quota"
	"github.com/keyward/keyward/shared/aws/schedule"
	"github.com/keyward/keyward/shared/aws/sesmail"
	"github.com/keyward/keyward/shared/aws/ssmrun"
	"github.com/keyward/keyward/shared/aws/stackinfo"
	"github.com/keyward/keyward/shared/aws/topic"
	"github.com/keyward/keyward/shared/doctor"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/release"
)

// Examine reads a stack by its name and judges it. api is the people's API at a URL.
func Examine(ctx context.Context, cfg aws.Config, stack string, api func(url string) (*people.Client, error)) ([]doctor.Line, error) {
	read, err := stackinfo.New(cfg).Stack(ctx, stack)
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Invalid) {
		return nil, err
	}
	e := examination{cfg: cfg, facts: doctor.Facts{Version: release.Version, Commit: release.Commit(), Stack: fact(read, err)}}
	e.mail(ctx)
	e.deployed(ctx)
	client, err := api(read.Outputs["PeopleApiUrl"])
	e.people(ctx, client, err)
	e.fleet(ctx)
	return doctor.Judge(e.facts), nil
}

type examination struct {
	cfg   aws.Config
	facts doctor.Facts
}

// fact is a value or why there is none, in words that may be shown.
func fact[T any](v T, err error) doctor.Fact[T] {
	if err == nil {
		return doctor.Fact[T]{Value: v}
	}
	var refused *people.Refusal
	if errors.As(err, &refused) {
		return doctor.Fact[T]{Err: refused.Error()}
	}
	var named *fault.Error
	if errors.As(err, &named) {
		return doctor.Fact[T]{Err: fault.Safe(err)}
	}
	return doctor.Fact[T]{Err: err.Error()}
}

// without is a fact that was not asked for, since another one is missing.
func without[T, Other any](missing doctor.Fact[Other]) doctor.Fact[T] {
	return doctor.Fact[T]{Err: missing.Err}
}

func (e *examination) mail(ctx context.Context) {
	f, account := &e.facts, sesmail.NewAccount(e.cfg)
	f.Mail = fact(account.Standing(ctx))
	f.Quotas = fact(quota.New(e.cfg).Of(ctx, "kms"))
	if f.Stack.Err != "" {
		f.Sender = without[bool](f.Stack)
		return
	}
	f.Sender = fact(account.Verified(ctx, f.Stack.Value.Parameters["SenderAddress"]))
}

// deployed reads what has a name in the stack.
func (e *examination) deployed(ctx context.Context) {
	f := &e.facts
	f.Schedules, f.Documents = map[string]doctor.Fact[doctor.Schedule]{}, map[string]doctor.Fact[bool]{}
	if f.Stack.Err != "" {
		f.Alarms, f.Letters = without[[]doctor.Subscription](f.Stack), without[int](f.Stack)
		return
	}
	s := f.Stack.Value
	f.Alarms = fact(topic.New(e.cfg).Subscriptions(ctx, s.Resources["Alarms"]))
	f.Letters = fact(queue.New(e.cfg).Waiting(ctx, s.Outputs["DeadLettersUrl"]))
	schedules := schedule.NewReader(e.cfg)
	for _, id := range doctor.StackSchedules() {
		f.Schedules[id] = fact(schedules.Schedule(ctx, schedule.Default, s.Resources[id]))
	}
	for id, digest := range map[string]string{"InspectDocument": documents.InspectDigest(), "LockDocument": documents.LockDigest()} {
		f.Documents[id] = fact(e.same(ctx, s.Resources[id], digest))
	}
}

// same is whether a registered document runs what was compiled in.
func (e *examination) same(ctx context.Context, name, digest string) (bool, error) {
	d, err := ssmrun.New(e.cfg).Document(ctx, name)
	if err != nil {
		return false, err
	}
	script, err := documents.Script(d.Content)
	return err == nil && documents.Digest(script) == digest, nil // a document without a script is another one
}

// people asks the API.
func (e *examination) people(ctx context.Context, api *people.Client, err error) {
	f := &e.facts
	if err != nil {
		f.Status = fact(record.Status{}, err)
		f.Machines, f.Policies, f.Holds, f.Drills = without[[]record.Machine](f.Status), without[[]record.Policy](f.Status), without[[]record.Hold](f.Status), without[[]record.Drill](f.Status)
		return
	}
	f.Status = fact(api.Status(ctx))
	f.Machines = fact(api.Machines(ctx, people.Asked{}))
	f.Holds = fact(api.Holds(ctx))
	f.Drills = fact(api.Drills(ctx))
	f.Policies = fact(e.policies(ctx, api))
	f.Own = map[string]doctor.Fact[doctor.Schedule]{}
	group, schedules := f.Stack.Value.Resources["PolicySchedules"], schedule.NewReader(e.cfg)
	for _, p := range f.Policies.Value {
		f.Own[p.Name] = without[doctor.Schedule](f.Stack)
		if f.Stack.Err == "" {
			f.Own[p.Name] = fact(schedules.Schedule(ctx, group, p.Name))
		}
	}
}

// policies are all with their texts, which the list leaves out.
func (e *examination) policies(ctx context.Context, api *people.Client) ([]record.Policy, error) {
	all, err := api.Policies(ctx)
	for i := range all {
		if err == nil && all[i].Text == "" {
			all[i], err = api.Policy(ctx, all[i].Name)
		}
	}
	return all, err
}

// fleet reads agents and keys of the machines.
func (e *examination) fleet(ctx context.Context) {
	f := &e.facts
	if f.Machines.Err != "" {
		f.Online = without[map[string]bool](f.Machines)
		return
	}
	var ids []string
	byKey, order := map[string][]record.Machine{}, []string{}
	for _, m := range f.Machines.Value {
		ids = append(ids, m.ID)
		if byKey[m.Key.ARN] == nil {
			order = append(order, m.Key.ARN)
		}
		byKey[m.Key.ARN] = append(byKey[m.Key.ARN], m)
	}
	f.Online = fact(e.online(ctx, ids))
	for _, key := range order {
		f.Keys = append(f.Keys, e.key(ctx, key, byKey[key]))
	}
}

func (e *examination) online(ctx context.Context, ids []string) (map[string]bool, error) {
	client, all := ssmrun.New(e.cfg), map[string]bool{}
	for len(ids) > 0 {
		n := min(len(ids), inspection.BatchSize)
		online, err := client.Online(ctx, ids[:n])
		if err != nil {
			return nil, err
		}
		for id, is := range online {
			all[id] = is
		}
		ids = ids[n:]
	}
	return all, nil
}

func (e *examination) key(ctx context.Context, arn string, machines []record.Machine) doctor.Key {
	k := doctor.Key{ARN: arn, Machines: len(machines)}
	var ids []string
	for _, m := range machines {
		ids = append(ids, m.ID)
		k.Revoked = k.Revoked || m.State.Key == integrity.KeyRevoked || m.State.Key == integrity.KeyRevoking
	}
	k.Read = fact(e.seen(ctx, arn, machines[0].Key.Mode, ids))
	return k
}

func (e *examination) seen(ctx context.Context, arn string, mode policy.Mode, machines []string) (doctor.KeySeen, error) {
	client := kmskey.New(e.cfg)
	key, err := client.Key(ctx, arn)
	if err != nil {
		return doctor.KeySeen{}, err
	}
	around, err := client.Users(ctx, arn)
	if err != nil {
		return doctor.KeySeen{}, err
	}
	s := doctor.KeySeen{Guarded: key.Guarded, Enabled: key.Enabled, State: key.State}
	for _, o := range guard.Openings(guard.Guarding{Mode: mode, Machines: machines, Key: arn, Around: around}) {
		s.Ways = append(s.Ways, o.How)
	}
	return s, nil
}
