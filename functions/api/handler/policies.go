package handler

import (
	"context"
	"errors"
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
	for i := range policies {
		policies[i].Text = "" // one policy alone is asked for its text
	}
	return http.StatusOK, list("policies", policies), err
}

func (h *Handler) showPolicy(ctx context.Context, c boot.Call) (int, any, error) {
	p, err := h.Store.Policy(ctx, c.PathValue("name"))
	return http.StatusOK, p, err
}

// putPolicy stores the next version of a policy and keeps its schedule. The body is the YAML text. The
// same text again changes nothing.
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
	if before.Digest == p.Digest && before.Version > 0 {
		return http.StatusOK, before, h.reschedule(ctx, p)
	}
	stored, err := h.Store.PutPolicy(ctx, record.Policy{
		Name: name, Version: before.Version, Text: string(c.Body), Digest: p.Digest, PutAt: c.Now, PutBy: c.Caller,
	})
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, stored, h.reschedule(ctx, p)
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
		Name: p.Name, Expression: plan.Expression, TimeZone: plan.TimeZone, Spread: plan.WindowMinutes,
		Input: inspection.Request{Version: inspection.Version, Purpose: record.Scheduled, Policy: p.Name},
	})
}
