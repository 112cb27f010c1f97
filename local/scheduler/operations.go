package scheduler

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/local/wire"
)

// maxPage is the largest page of ListSchedules (API reference).
const maxPage = 100

// Service is what local/wire dispatches to.
func (s *Scheduler) Service() wire.Service {
	names := map[string]string{"groupName": "GroupName", "clientToken": "ClientToken"}
	return wire.Service{
		Name: "scheduler", Protocol: wire.RESTJSON,
		Operations: map[string]wire.Operation{
			"CreateSchedule": operation(s.createSchedule), "GetSchedule": operation(s.getSchedule), "UpdateSchedule": operation(s.updateSchedule),
			"DeleteSchedule": operation(s.deleteSchedule), "ListSchedules": operation(s.listSchedules),
		},
		Routes: []wire.Route{
			{Pattern: "POST /schedules/{Name}", Operation: "CreateSchedule"},
			{Pattern: "GET /schedules/{Name}", Operation: "GetSchedule", Names: names},
			{Pattern: "PUT /schedules/{Name}", Operation: "UpdateSchedule"},
			{Pattern: "DELETE /schedules/{Name}", Operation: "DeleteSchedule", Names: names},
			{Pattern: "GET /schedules", Operation: "ListSchedules"},
		},
	}
}

// operation adapts a typed method to local/wire.
func operation[In, Out any](f func(In) (Out, error)) wire.Operation {
	return func(_ context.Context, r *wire.Request) (any, error) {
		in, err := wire.Decode[In](r)
		if err != nil {
			return nil, err
		}
		out, err := f(in)
		if err != nil {
			return nil, err
		}
		return out, nil
	}
}

type scheduleInput struct {
	Schedule
	ClientToken string
}

type arnOutput struct{ ScheduleArn string }

func (s *Scheduler) createSchedule(in scheduleInput) (arnOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	request := []any{"create", in.Schedule}
	done, err := s.repeated(in.ClientToken, request)
	if err != nil {
		return arnOutput{}, err
	}
	if done {
		return arnOutput{s.arn(&entry{Schedule: in.withDefaults()})}, nil
	}
	arn, err := s.create(in.Schedule)
	if err == nil {
		s.remember(in.ClientToken, request)
	}
	return arnOutput{arn}, err
}

func (s *Scheduler) updateSchedule(in scheduleInput) (arnOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	request := []any{"update", in.Schedule}
	done, err := s.repeated(in.ClientToken, request)
	if err != nil {
		return arnOutput{}, err
	}
	old, err := s.find(in.GroupName, in.Name)
	if err != nil {
		return arnOutput{}, err
	}
	if done {
		return arnOutput{s.arn(old)}, nil
	}
	now := s.config.Clock.Now()
	e, err := s.build(in.Schedule, now)
	if err != nil {
		return arnOutput{}, err
	}
	e.Created = old.Created
	old.stop()
	s.schedules[e.id()] = e
	s.plan(e, now)
	s.remember(in.ClientToken, request)
	return arnOutput{s.arn(e)}, nil
}

type nameInput struct {
	Name        string
	GroupName   string
	ClientToken string
}

func (s *Scheduler) find(group, name string) (*entry, error) {
	if group == "" {
		group = "default"
	}
	if err := s.hasGroup(group); err != nil {
		return nil, err
	}
	e := s.schedules[group+"/"+name]
	if e == nil {
		return nil, notFound("Schedule %s does not exist.", name)
	}
	return e, nil
}

type getOutput struct {
	Schedule
	Arn                  string
	CreationDate         wire.Time
	LastModificationDate wire.Time
}

func (s *Scheduler) getSchedule(in nameInput) (getOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.find(in.GroupName, in.Name)
	if err != nil {
		return getOutput{}, err
	}
	return getOutput{Schedule: e.Schedule, Arn: s.arn(e), CreationDate: wire.Time{Time: e.Created}, LastModificationDate: wire.Time{Time: e.Modified}}, nil
}

func (s *Scheduler) deleteSchedule(in nameInput) (struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	request := []any{"delete", in.GroupName, in.Name}
	if done, err := s.repeated(in.ClientToken, request); done || err != nil {
		return struct{}{}, err
	}
	e, err := s.find(in.GroupName, in.Name)
	if err != nil {
		return struct{}{}, err
	}
	e.stop()
	delete(s.schedules, e.id())
	s.remember(in.ClientToken, request)
	return struct{}{}, nil
}

type listInput struct {
	ScheduleGroup string
	NamePrefix    string
	State         string
	NextToken     string
	MaxResults    *int
}

type listOutput struct {
	Schedules []summary
	NextToken string `json:",omitempty"`
}

type summary struct {
	Arn                  string
	Name                 string
	GroupName            string
	State                string
	CreationDate         wire.Time
	LastModificationDate wire.Time
	Target               struct{ Arn string }
}

func (s *Scheduler) listSchedules(in listInput) (listOutput, error) {
	limit := maxPage
	if in.MaxResults != nil {
		limit = *in.MaxResults
	}
	after, err := base64.RawURLEncoding.DecodeString(in.NextToken)
	switch {
	case limit < 1 || limit > maxPage:
		return listOutput{}, constraint(false, "…", "maxResults", "have value between 1 and 100")
	case err != nil:
		return listOutput{}, wire.Validation("Invalid NextToken.")
	case in.State != "" && in.State != "ENABLED" && in.State != "DISABLED":
		return listOutput{}, constraint(false, in.State, "state", "satisfy enum value set: [ENABLED, DISABLED]")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if in.ScheduleGroup != "" {
		if err := s.hasGroup(in.ScheduleGroup); err != nil {
			return listOutput{}, err
		}
	}
	out := listOutput{Schedules: []summary{}}
	for _, e := range s.sorted(in.ScheduleGroup, in.NamePrefix) {
		if e.id() <= string(after) || (in.State != "" && e.State != in.State) {
			continue
		}
		if len(out.Schedules) == limit {
			last := out.Schedules[limit-1]
			out.NextToken = base64.RawURLEncoding.EncodeToString([]byte(last.GroupName + "/" + last.Name))
			break
		}
		out.Schedules = append(out.Schedules, s.summarise(e))
	}
	return out, nil
}

func (s *Scheduler) summarise(e *entry) summary {
	out := summary{Arn: s.arn(e), Name: e.Name, GroupName: e.GroupName, State: e.State,
		CreationDate: at(e.Created), LastModificationDate: at(e.Modified)}
	out.Target.Arn = e.Target.Arn
	return out
}

func at(t time.Time) wire.Time { return wire.Time{Time: t} }

// sorted is the schedules of a group (or all) with a prefix, in the order of group and name.
func (s *Scheduler) sorted(group, prefix string) []*entry {
	var all []*entry
	for _, e := range s.schedules {
		if (group == "" || e.GroupName == group) && strings.HasPrefix(e.Name, prefix) {
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b *entry) int { return strings.Compare(a.id(), b.id()) })
	return all
}
