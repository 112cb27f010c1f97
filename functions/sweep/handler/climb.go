package handler

import (
	"context"
	"errors"

	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/record"
)

// climb tells those of violations that nobody corrects whom the policy names for that: of each step once, and of one step
// at a time. While a person's hold covers the machine, deadlines of its policy are moved, or a person has to say whether what
// it fails by counts at all, the steps wait.
func (s *sweep) climb(ctx context.Context) error {
	var problems []error
	for i, m := range s.machines {
		p := s.policies[m.Policy]
		if p == nil || !integrity.Climbs(m.State, p.Notify.Escalate, m.Climbed(), p.Integrity, s.now) || s.moved(m) || guard.Stopped(m, s.rulesOf(m.Policy)) {
			continue
		}
		holds, err := s.Store.HoldsOn(ctx, record.Scopes(m.ID, m.Policy), s.now)
		if err == nil && len(holds) == 0 {
			s.machines[i], err = s.escalate(ctx, m)
		}
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// escalate tells the next step.
func (s *sweep) escalate(ctx context.Context, m record.Machine) (record.Machine, error) {
	told := m
	told.Escalated = record.Escalation{Violation: m.State.Since, Steps: m.Climbed() + 1}
	return s.tellOnce(ctx, m, told, notice.Escalated, enforcement.Input{Step: told.Escalated.Steps})
}
