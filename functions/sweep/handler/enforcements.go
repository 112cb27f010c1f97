package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/waiver"
)

// outbox starts what was decided and not started, but for notices of silences that wait or are over.
func (s *sweep) outbox(ctx context.Context) error {
	waiting, err := s.Store.Outbox(ctx)
	if err != nil {
		return err
	}
	var problems []error
	for _, o := range waiting {
		switch s.silence(o) {
		case wait:
		case drop:
			problems = append(problems, s.Store.Started(ctx, o.Name))
		default:
			problems = append(problems, s.start(ctx, o))
		}
	}
	return errors.Join(problems...)
}

// start starts one execution. A name that was used before is the same decision: it is running, or
// over; one that ended badly is left to enforcements, which makes the next attempt.
func (s *sweep) start(ctx context.Context, o record.Start) error {
	err := s.Flow.Start(ctx, o.Name, o.Input)
	if err != nil && !fault.Is(err, fault.Conflict) {
		return err
	}
	if err == nil {
		s.done.Started++
	}
	return s.Store.Started(ctx, o.Name)
}

// enforcements looks at every machine that is owed an execution, and starts one where none is alive.
func (s *sweep) enforcements(ctx context.Context) error {
	var problems []error
	// Nearly all machines are in order: only what is left is put into an order, by records of a kilobyte each.
	var left []record.Machine
	for i := range s.machines {
		if owing(&s.machines[i]) {
			left = append(left, s.machines[i])
		}
	}
	for _, m := range bySeverity(left) {
		problems = append(problems, s.enforce(ctx, m.ID))
	}
	return errors.Join(problems...)
}

func owing(m *record.Machine) bool {
	st := &m.State
	return st.Standing == integrity.Bad || !st.CommandedAt.IsZero() || st.HeldFor != "" || !st.GoneAt.IsZero() ||
		st.Key == integrity.KeyRevoking || st.Key == integrity.KeyRevoked
}

// enforce lifts the machine's hold when its reason is gone and starts what is owed.
func (s *sweep) enforce(ctx context.Context, id string) error {
	m, err := s.Store.Machine(ctx, id) // the listing may be old
	if err != nil {
		return err
	}
	p := s.policies[m.Policy]
	if p == nil {
		return nil // unreadable: nothing may start under it, and recheck would hold
	}
	lifted := m.State.HeldFor != "" && guard.Lifted(s.facts(ctx, m, p), s.now)
	if lifted {
		if m.State.HeldFor == string(guard.ReasonBreakerOpen) {
			s.claimed++
		}
		m.State = integrity.Unheld(m.State, s.now)
	}
	kind, owed := owed(m.State, s.terms(m, p))
	if !owed {
		if !lifted {
			return nil
		}
		if _, err := s.Store.Apply(ctx, store.Change{Machine: m, At: s.now}); err != nil {
			return ignoreConflict(err)
		}
		s.done.Lifted++
		return nil
	}
	attempt, alive, err := s.attempt(ctx, m, kind)
	if err != nil || alive {
		return err
	}
	return s.restart(ctx, m, kind, attempt, lifted)
}

// owed is the kind of execution that has to be alive for a state.
func owed(st integrity.State, terms policy.Integrity) (enforcement.Kind, bool) {
	effect, ok := integrity.Owed(st, terms)
	if !ok {
		return "", false
	}
	switch effect {
	case integrity.Warn:
		return enforcement.Enforce, true
	case integrity.Restore:
		return enforcement.Restore, true
	default: // Revoke, Withdraw
		return enforcement.Look, true
	}
}

// attempt is the number of the next execution of this kind, or says that one is alive. An execution of an
// older generation is not: it ends without doing anything once it wakes.
func (s *sweep) attempt(ctx context.Context, m record.Machine, kind enforcement.Kind) (next int, alive bool, err error) {
	const most = 20 // names that the record does not know of: each took a write that was lost
	in := enforcement.Input{Machine: m.ID, Generation: m.State.Generation, Kind: kind}
	first, known := enforcement.Attempt(m.Execution, in)
	if !known {
		first = 1
	}
	if !known && strings.HasPrefix(m.Execution, enforcement.Prefix(m.ID, m.State.Generation)) {
		if alive, _, err = s.runs(ctx, m.Execution); alive || err != nil {
			return 0, alive, err
		}
	}
	for n := first; n < first+most; n++ {
		alive, used, err := s.runs(ctx, enforcement.Name(in, n))
		if alive || err != nil || !used {
			return n, alive, err
		}
	}
	return 0, false, fault.New(fault.Internal, "starting an execution for %s: the names from %d on are all taken", m.ID, first)
}

// runs says whether an execution runs, and whether its name was used at all.
func (s *sweep) runs(ctx context.Context, name string) (alive, used bool, err error) {
	status, err := s.Flow.Status(ctx, name)
	if fault.Is(err, fault.NotFound) {
		return false, false, nil
	}
	return status == "RUNNING", err == nil, err
}

func (s *sweep) restart(ctx context.Context, m record.Machine, kind enforcement.Kind, attempt int, lifted bool) error {
	in := enforcement.Input{
		Version: enforcement.Version, Kind: kind, Account: s.Account, Region: s.Region, Machine: m.ID,
		Generation: m.State.Generation, Policy: m.Policy, Why: m.State.Why,
	}
	if kind == enforcement.Look && m.State.CommandedAt.IsZero() {
		in.DueAt = m.State.DueAt
	}
	text, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encoding input of an execution: %w", err)
	}
	o := record.Start{Name: enforcement.Name(in, attempt), Machine: m.ID, Input: text, At: s.now}
	m.Execution = o.Name
	if _, err := s.Store.Apply(ctx, store.Change{Machine: m, At: s.now, Start: []record.Start{o}}); err != nil {
		return ignoreConflict(err)
	}
	if lifted {
		s.done.Lifted++
	}
	s.Log.InfoContext(ctx, "execution restarted", boot.KeyMachine, m.ID, boot.KeyExecution, o.Name)
	return s.start(ctx, o)
}

// facts are what guard.Lifted reads; what cannot be read stays unread and lifts nothing.
func (s *sweep) facts(ctx context.Context, m record.Machine, p *policy.Policy) guard.Facts {
	f := guard.Facts{
		State: m.State, Drift: m.Drift, Policy: guard.Policy{Read: true, Terms: p.Integrity},
		Watch: guard.Watch{Read: true, SweptAt: s.now}, Fleet: guard.Fleet{Read: true, Doubtful: s.moved(m)},
	}
	scopes := record.Scopes(m.ID, m.Policy)
	f.Holds = guard.Holds{
		Global: s.stop(ctx, scopes[0]), Policy: s.stop(ctx, scopes[1]), Machine: s.stop(ctx, scopes[2]),
	}
	f.Calendars = s.calendars(ctx, p.Integrity)
	if on, err := s.Store.WaiversOn(ctx, scopes); err == nil && on.Unread == 0 {
		f.Waivers = guard.Waivers{Read: true, Covered: waiver.Covered(m.Findings, on.All, m, s.now)}
	}
	if k, err := s.Keys.Key(ctx, m.Key.ARN); err == nil {
		f.Key = guard.Key{Read: true, Guarded: k.Guarded}
	}
	f.Breaker, f.Rule = s.breakerFacts(m, p)
	return f
}

// calendars reads the policy's change calendars, each once a sweep.
func (s *sweep) calendars(ctx context.Context, terms policy.Integrity) map[string]guard.Calendar {
	for _, name := range terms.Calendars {
		if _, asked := s.calendar[name]; asked {
			continue
		}
		c, err := s.Calendars.Calendar(ctx, name)
		if err != nil {
			s.Log.WarnContext(ctx, "change calendar cannot be read", boot.KeyError, err.Error())
		}
		s.calendar[name] = c
	}
	return s.calendar
}

func (s *sweep) stop(ctx context.Context, scope record.Scope) guard.Stop {
	held, err := s.Store.HoldsOn(ctx, []record.Scope{scope}, s.now)
	if err != nil {
		return guard.Stop{}
	}
	stop := guard.Stop{Read: true}
	for _, h := range held {
		stop.Set, stop.Expires = true, h.Expires
	}
	return stop
}

// ignoreConflict: somebody was quicker, and the next sweep sees what came of it.
func ignoreConflict(err error) error {
	if fault.Is(err, fault.Conflict) {
		return nil
	}
	return err
}
