package handler

import (
	"context"
	"errors"

	"github.com/keyward/keyward/functions/internal/tell"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/record"
)

// soon reminds people of deadlines that are near, of each once. While a person's hold covers the machine, or deadlines of
// its policy are moved, nothing is said that may not come.
func (s *sweep) soon(ctx context.Context) error {
	var problems []error
	for i, m := range s.machines {
		p := s.policies[m.Policy]
		if p == nil || m.ToldDue.Equal(m.State.DueAt) || !integrity.Soon(m.State, s.now) || !integrity.Revokes(m.State, s.terms(m, p)) || s.moved(m) {
			continue
		}
		holds, err := s.Store.HoldsOn(ctx, record.Scopes(m.ID, m.Policy), s.now)
		if err == nil && len(holds) == 0 {
			s.machines[i], err = s.remind(ctx, m)
		}
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// moved is whether deadlines of the machine's policy are moved now.
func (s *sweep) moved(m record.Machine) bool {
	_, silent := s.paused[m.Policy]
	_, stuck := s.paused[record.Everything]
	return silent || stuck
}

func (s *sweep) remind(ctx context.Context, m record.Machine) (record.Machine, error) {
	told := m
	told.ToldDue = m.State.DueAt
	return s.tellOnce(ctx, m, told, notice.DueSoon, enforcement.Input{DueAt: m.State.DueAt})
}

// tellOnce writes that a machine was told of, in one transaction with the execution that tells, and starts that.
func (s *sweep) tellOnce(ctx context.Context, m, told record.Machine, kind notice.Kind, in enforcement.Input) (record.Machine, error) {
	start, err := tell.Machine(tell.Place{Account: s.Account, Region: s.Region}, told, kind, in, s.now)
	if err != nil {
		return m, err
	}
	after, err := s.changed(ctx, m, store.Change{Machine: told, At: s.now, Start: []record.Start{start}})
	if err != nil || after.Version == m.Version {
		return after, err
	}
	return after, s.start(ctx, start)
}
