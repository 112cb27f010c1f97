package handler

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/schedule"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

func (h *Handler) listPolicies(ctx context.Context, _ boot.Call) (int, any, error) {
	policies, err := h.Store.Policies(ctx)
	return http.StatusOK, list("policies", withoutTexts(policies)), err
}

// builtIn is what people see of the policy that nobody put.
const builtIn = "# Built in, for machines that no other policy matches: it has no rules, and every key request waits for a person.\n"

func (h *Handler) showPolicy(ctx context.Context, c boot.Call) (int, any, error) {
	name := c.PathValue("name")
	if name == policy.DefaultName {
		return http.StatusOK, boot.Tagged{Tag: "0", Value: record.Policy{Name: name, Text: builtIn}}, nil
	}
	p, err := h.Store.Policy(ctx, name)
	return http.StatusOK, boot.Tagged{Tag: policyTag(p), Value: p}, err
}

// putPolicy stores the next version of a policy and keeps its schedule. The body is the YAML text. The
// same text again changes nothing. A caller who names the version that he read (If-Match) is refused when there is another.
func (h *Handler) putPolicy(ctx context.Context, c boot.Call) (int, any, error) {
	name := c.PathValue("name")
	p, err := candidate(c)
	if err != nil {
		return 0, nil, err
	}
	if err := h.ambiguous(ctx, p); err != nil {
		return 0, nil, err
	}
	before, err := h.Store.Policy(ctx, name)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return 0, nil, err
	}
	if err := c.Matches(policyTag(before)); err != nil {
		return 0, nil, err
	}
	if before.Digest == p.Digest && policyTag(before) != "" {
		return http.StatusOK, boot.Tagged{Tag: policyTag(before), Value: before}, h.reschedule(ctx, p)
	}
	var told []record.Start
	if before.Version > 0 { // the first version is asked of no machine yet
		start, err := h.policyChanged(c, name, before.Version+1, fmt.Sprintf("put as version %d, after version %d", before.Version+1, before.Version))
		if err != nil {
			return 0, nil, err
		}
		told = append(told, start)
	}
	stored, err := h.Store.PutPolicy(ctx, record.Policy{
		Name: name, Version: before.Version, Text: string(c.Body), Digest: p.Digest, PutAt: c.Now, PutBy: c.Caller,
	}, told...)
	if err != nil {
		return 0, nil, h.outdated(ctx, c, name, err)
	}
	for _, o := range told {
		h.start(ctx, o)
	}
	return http.StatusOK, boot.Tagged{Tag: policyTag(stored), Value: stored}, h.reschedule(ctx, p)
}

// ambiguous refuses a policy that could claim the same machine as another of the same priority.
func (h *Handler) ambiguous(ctx context.Context, p *policy.Policy) error {
	all, err := h.Store.Policies(ctx)
	if err != nil {
		return err
	}
	var problems []error
	for _, stored := range all {
		other, err := stored.Compile()
		if err != nil || other.Name == p.Name {
			continue
		}
		if policy.Ambiguous(p, other) {
			problems = append(problems, fault.New(fault.Conflict,
				"putting policy %s: policy %s has the same priority %d and could match the same machine", p.Name, other.Name, p.Machines.Priority))
		}
	}
	return errors.Join(problems...)
}

func (h *Handler) reschedule(ctx context.Context, p *policy.Policy) error {
	plan, ok := p.Schedule.Plan()
	if !ok {
		return h.Schedules.Delete(ctx, p.Name)
	}
	return h.Schedules.Put(ctx, schedule.Schedule{
		Name: p.Name, Description: "Inspects the machines of policy " + p.Name + "; putting the policy makes this schedule anew",
		Expression: plan.Expression, TimeZone: plan.TimeZone, Spread: plan.WindowMinutes,
		Input: inspection.Request{Version: inspection.Version, Purpose: record.Scheduled, Policy: p.Name},
	})
}
