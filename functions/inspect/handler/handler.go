// Package handler asks machines for evidence. It is what the program inspect serves, apart from its wiring, so that
// the simulation runs the same code.
package handler

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/functions/internal/send"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// Summary is what an invocation did.
type Summary struct {
	Asked    int      `json:"asked"` // machines
	Commands []string `json:"commands"`
}

// machines is where the enrolled machines and the policies are.
type machines interface {
	Machine(ctx context.Context, id string) (record.Machine, error)
	Machines(ctx context.Context) ([]record.Machine, error)
	Policies(ctx context.Context) ([]record.Policy, error)
	send.Policies
}

// Handler sends inspections. All fields are required.
type Handler struct {
	Machines machines
	Send     func(ctx context.Context, machines []string, needs policy.Needs, purpose record.Purpose, execution string, now time.Time) ([]record.Command, error)
	Log      *slog.Logger
}

// Handle asks the machines that an event means. What goes wrong with some of them keeps no other from being looked at.
func (h *Handler) Handle(ctx context.Context, now time.Time, e Event) (Summary, error) {
	var s Summary
	chosen, purpose, err := h.chosen(ctx, e)
	if len(chosen) == 0 {
		if err == nil {
			h.Log.InfoContext(ctx, "nothing to inspect", boot.KeyPolicy, e.Policy)
		}
		return s, err
	}
	groups, unread := h.grouped(ctx, chosen)
	problems := []error{err, unread}
	for _, g := range groups {
		commands, err := h.Send(ctx, g.ids, g.needs, purpose, "", now)
		for _, c := range commands {
			s.Asked += len(c.Machines)
			s.Commands = append(s.Commands, c.ID)
			h.Log.InfoContext(ctx, "inspection sent", boot.KeyCommand, c.ID, boot.KeyCount, len(c.Machines), boot.KeyKind, string(purpose))
		}
		problems = append(problems, err)
	}
	return s, errors.Join(problems...)
}

// group is machines that are asked for the same.
type group struct {
	needs policy.Needs
	ids   []string
}

// unread is where the machines of a policy are that cannot be read now.
const unread = -1

// grouped puts the machines together whose policies need the same, so that they share commands. Those of a policy that
// cannot be read are left out and told in the error.
func (h *Handler) grouped(ctx context.Context, all []record.Machine) ([]group, error) {
	var groups []group
	var problems []error
	of := map[string]int{} // by policy: where its machines are
	for _, m := range all {
		at, known := of[m.Policy]
		if !known {
			needs, err := send.Needs(ctx, h.Machines, m.Policy)
			if err != nil {
				problems = append(problems, err)
				of[m.Policy] = unread
				continue
			}
			at = slices.IndexFunc(groups, func(g group) bool { return g.needs.Same(needs) })
			if at < 0 {
				at, groups = len(groups), append(groups, group{needs: needs})
			}
			of[m.Policy] = at
		}
		if at != unread {
			groups[at].ids = append(groups[at].ids, m.ID)
		}
	}
	return groups, errors.Join(problems...)
}

// chosen are the enrolled machines that an event is about. With an error, those that could be read.
func (h *Handler) chosen(ctx context.Context, e Event) ([]record.Machine, record.Purpose, error) {
	if e.Source != "" {
		return h.started(ctx, e)
	}
	if e.Version != inspection.Version && e.Scope == "" || e.Version > inspection.Version {
		return nil, "", fault.New(fault.Invalid, "reading the event: version is %d, expected %d", e.Version, inspection.Version)
	}
	if e.Scope != "" {
		return h.scoped(ctx, e.Scope)
	}
	if len(e.Machines) > 0 {
		return h.named(ctx, e.Machines, e.Purpose)
	}
	if e.Purpose != record.Scheduled {
		return nil, "", fault.New(fault.Invalid, "reading the event: purpose is %q, expected %q without machines", e.Purpose, record.Scheduled)
	}
	all, err := h.Machines.Machines(ctx)
	if err != nil {
		return nil, "", err
	}
	if e.Policy == "" {
		return h.unscheduled(ctx, all)
	}
	return of(all, e.Policy), record.Scheduled, nil
}

// scoped are the machines that a person means. What there is not is refused: a schedule that looks at nothing, by a name
// that is misspelt, would look like one that works.
func (h *Handler) scoped(ctx context.Context, scope record.Scope) ([]record.Machine, record.Purpose, error) {
	kind, name, _ := strings.Cut(string(scope), ":")
	if kind == "machine" && name != "" {
		return h.named(ctx, []string{name}, record.Check)
	}
	if scope != "global" && scope != Unscheduled && (kind != "policy" || name == "") {
		return nil, "", fault.New(fault.Invalid, "reading the event: scope is %q, %s", scope, expected)
	}
	all, err := h.Machines.Machines(ctx)
	switch {
	case err != nil:
		return nil, "", err
	case scope == "global":
		return all, record.Scheduled, nil
	case scope == Unscheduled:
		return h.unscheduled(ctx, all)
	}
	if chosen := of(all, name); len(chosen) > 0 || name == policy.DefaultName {
		return chosen, record.Scheduled, nil
	}
	stored, err := h.Machines.Policies(ctx)
	if err != nil {
		return nil, "", err
	}
	if !slices.ContainsFunc(stored, func(p record.Policy) bool { return p.Name == name }) {
		return nil, "", fault.New(fault.NotFound, "reading the event: scope is %q, and there is no policy of this name", scope)
	}
	return nil, record.Scheduled, nil
}

// of are the machines of a policy.
func of(all []record.Machine, name string) []record.Machine {
	return slices.DeleteFunc(slices.Clone(all), func(m record.Machine) bool { return m.Policy != name })
}

func (h *Handler) unscheduled(ctx context.Context, all []record.Machine) ([]record.Machine, record.Purpose, error) {
	scheduled, err := h.scheduled(ctx)
	if err != nil {
		return nil, "", err
	}
	return slices.DeleteFunc(all, func(m record.Machine) bool { return scheduled[m.Policy] }), record.Scheduled, nil
}

func (h *Handler) named(ctx context.Context, ids []string, purpose record.Purpose) ([]record.Machine, record.Purpose, error) {
	if purpose != record.Check && purpose != record.Retry {
		return nil, "", fault.New(fault.Invalid, "reading the event: purpose is %q, expected %q or %q with machines", purpose, record.Check, record.Retry)
	}
	var all []record.Machine
	var problems []error
	for _, id := range ids {
		m, err := h.Machines.Machine(ctx, id)
		switch {
		case err == nil:
			all = append(all, m)
		case fault.Is(err, fault.NotFound) && len(ids) > 1:
			h.Log.InfoContext(ctx, "machine is not enrolled any more", boot.KeyMachine, id)
		default:
			problems = append(problems, err)
		}
	}
	return all, purpose, errors.Join(problems...)
}

// started is the instance that began to run, if it is one of ours.
func (h *Handler) started(ctx context.Context, e Event) ([]record.Machine, record.Purpose, error) {
	if e.Source != "aws.ec2" || e.Detail.State != "running" || e.Detail.InstanceID == "" {
		return nil, "", fault.New(fault.Invalid, "reading the event: source %q state %q, expected aws.ec2 running", e.Source, e.Detail.State)
	}
	m, err := h.Machines.Machine(ctx, e.Detail.InstanceID)
	switch {
	case fault.Is(err, fault.NotFound):
		return nil, record.Check, nil
	case err != nil:
		return nil, "", err
	}
	return []record.Machine{m}, record.Check, nil
}

// scheduled are the policies that have a schedule of their own. The machines of one that does not
// compile are looked at with all others, since looking harms nobody.
func (h *Handler) scheduled(ctx context.Context) (map[string]bool, error) {
	stored, err := h.Machines.Policies(ctx)
	if err != nil {
		return nil, err
	}
	has := map[string]bool{}
	for _, p := range stored {
		compiled, err := p.Compile()
		if err != nil {
			h.Log.ErrorContext(ctx, "policy does not compile", boot.KeyPolicy, p.Name, boot.KeyError, err.Error())
			continue
		}
		_, has[p.Name] = compiled.Schedule.Plan()
	}
	return has, nil
}
