package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/waiver"
)

// waivers has machines looked at that were in order by a waiver which has ended, and tells people of waivers
// that end soon, each end once.
func (s *sweep) waivers(ctx context.Context) error {
	var all record.Waivers
	var problems []error
	read := false
	for i := range s.machines {
		if len(s.machines[i].Waived) == 0 {
			continue
		}
		m := s.machines[i]
		if !read {
			var err error
			if all, err = s.Store.Waivers(ctx); err != nil {
				return err
			}
			read = true
		}
		end, tell, ok := waiver.End(m.Waived, all.All, m, s.now)
		var err error
		switch {
		case !ok:
			s.machines[i], err = s.unwaived(ctx, m, end)
		case !s.now.Before(tell) && !m.ToldUntil.Equal(end):
			s.machines[i], err = s.ending(ctx, m, end)
		}
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// unwaived asks for a look, which ask sees to in the same sweep.
func (s *sweep) unwaived(ctx context.Context, m record.Machine, ended time.Time) (record.Machine, error) {
	state := integrity.Unwaived(m.State, ended, s.now)
	if state == m.State {
		return m, nil
	}
	wanted := m
	wanted.State = state
	return s.changed(ctx, m, store.Change{Machine: wanted, At: s.now})
}

// ending starts the notice that a waiver ends.
func (s *sweep) ending(ctx context.Context, m record.Machine, end time.Time) (record.Machine, error) {
	in := enforcement.Input{
		Version: enforcement.Version, Kind: enforcement.Tell, Notice: string(notice.WaiverEnding), Account: s.Account, Region: s.Region,
		Machine: m.ID, Generation: m.State.Generation, Policy: m.Policy, Why: m.State.Why, DueAt: end,
	}
	text, err := json.Marshal(in)
	if err != nil {
		return m, fmt.Errorf("encoding input of an execution: %w", err)
	}
	o := record.Start{Name: enforcement.Name(in, int(m.Version)+1), Machine: m.ID, Input: text, At: s.now}
	told := m
	told.ToldUntil = end
	after, err := s.changed(ctx, m, store.Change{Machine: told, At: s.now, Start: []record.Start{o}})
	if err != nil || after.Version == m.Version {
		return after, err
	}
	return after, s.start(ctx, o)
}

// changed is the machine after a change, or as it was listed when somebody was quicker: the next sweep sees
// it as it is.
func (s *sweep) changed(ctx context.Context, m record.Machine, c store.Change) (record.Machine, error) {
	after, err := s.Store.Apply(ctx, c)
	if err != nil {
		return m, ignoreConflict(err)
	}
	return after, nil
}
