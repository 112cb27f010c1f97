// Package handler finds what is owed and asks for it. It is what the program sweep serves, apart from its wiring, so
// that the simulation runs the same code.
package handler

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// event is empty: the schedule says nothing but that it is time.
type Event struct{}

// Summary is what a sweep did. It is logged every time, so that its absence can be alarmed on.
type Summary struct {
	Machines int `json:"machines"`
	Settled  int `json:"settled"` // commands whose answers evaluate was asked to read
	Asked    int `json:"asked"`   // machines that inspect was asked to look at
	Started  int `json:"started"` // executions
	Lifted   int `json:"lifted"`  // holds whose reason is gone
}

type records interface {
	Machines(ctx context.Context) ([]record.Machine, error)
	Machine(ctx context.Context, id string) (record.Machine, error)
	Policies(ctx context.Context) ([]record.Policy, error)
	OpenCommands(ctx context.Context) ([]record.Command, error)
	HoldsOn(ctx context.Context, scopes []record.Scope, now time.Time) ([]record.Hold, error)
	Waivers(ctx context.Context) (record.Waivers, error)
	WaiversOn(ctx context.Context, scopes []record.Scope) (record.Waivers, error)
	Request(ctx context.Context, machine, id string) (record.Request, error)
	Outbox(ctx context.Context) ([]record.Start, error)
	Started(ctx context.Context, name string) error
	Watch(ctx context.Context) (record.Watch, error)
	PutWatch(ctx context.Context, w record.Watch) error
	Evaluated(ctx context.Context) (time.Time, error)
	Apply(ctx context.Context, c store.Change) (record.Machine, error)
	Breaker(ctx context.Context) (record.Breaker, error)
	RuleBreakers(ctx context.Context) ([]record.RuleBreaker, error)
	ChangeBreaker(ctx context.Context, c record.BreakerChange) error
	Drill(ctx context.Context) (record.Drill, error)
}

type flow interface {
	Start(ctx context.Context, name string, input json.RawMessage) error
	Status(ctx context.Context, name string) (string, error)
}

type invoker interface {
	Invoke(ctx context.Context, event any) error
}

type keys interface {
	Key(ctx context.Context, id string) (kmskey.Key, error)
	Grants(ctx context.Context, key, grantee string) ([]kmskey.Grant, error)
	KeyPolicy(ctx context.Context, key string) (string, error)
}

type calendars interface {
	Calendar(ctx context.Context, name string) (guard.Calendar, error)
}

// Handler sweeps. All fields but Notifiers are required.
type Handler struct {
	Store             records
	Flow              flow
	Keys              keys
	Calendars         calendars
	Inspect, Evaluate invoker
	Drill             invoker
	Account, Region   string
	Limits            guard.Limits
	Log               *slog.Logger
	Notifiers         *Notifiers // nil: there are none
}

// sweep is one run, with what it read at its start.
type sweep struct {
	*Handler
	now         time.Time
	machines    []record.Machine
	policies    map[string]*policy.Policy  // those that compile
	keyPolicies map[string]guard.KeyPolicy // that were read in this run, by their text
	open        []record.Command
	calendar    map[string]guard.Calendar // that were asked for in this run; those that could not be read are the zero value
	breaker     record.Breaker
	rules       map[string]record.RuleBreaker // by policy
	claimed     int                           // places in the breaker that machines on their way will take
	done        Summary

	watch     record.Watch            // as the last completed sweep left it
	evaluated time.Time               // when an evaluation was last completed
	paused    map[string]record.Pause // as this sweep found it
	at        map[string]int          // where a machine is in machines; nil until one is asked for
}

// Handle is one sweep. One part that fails keeps no other from being done.
func (h *Handler) Handle(ctx context.Context, now time.Time, _ Event) (Summary, error) {
	s := &sweep{Handler: h, now: now, policies: map[string]*policy.Policy{}, keyPolicies: map[string]guard.KeyPolicy{}, calendar: map[string]guard.Calendar{}, rules: map[string]record.RuleBreaker{}}
	if err := s.read(ctx); err != nil {
		return s.done, err
	}
	// Nothing may start by a deadline that was not moved.
	if err := s.clocks(ctx); err != nil {
		return s.done, errors.Join(err, s.settle(ctx), s.ask(ctx), s.outbox(ctx))
	}
	// One part that fails must not keep the others from being done.
	err := errors.Join(s.settle(ctx), s.waivers(ctx), s.requests(ctx), s.soon(ctx), s.climb(ctx), s.ask(ctx), s.breakers(ctx), s.outbox(ctx), s.reconcile(ctx), s.enforcements(ctx), s.drill(ctx), s.telling(ctx), s.completed(ctx))
	h.Log.InfoContext(ctx, "swept", boot.KeyCount, s.done.Machines, "settled", s.done.Settled, "asked", s.done.Asked,
		"started", s.done.Started, "lifted", s.done.Lifted, "looking", s.looking())
	s.standing(ctx)
	return s.done, err
}

// drill wakes the fire drill that runs, until it has ended.
func (s *sweep) drill(ctx context.Context) error {
	d, err := s.Store.Drill(ctx)
	if err != nil || !d.Runs() {
		return err
	}
	return s.Drill.Invoke(ctx, drill.Event{Version: drill.Version, Op: drill.Step})
}

// completed notes the heartbeat. Another sweep that was quicker noted its own.
func (s *sweep) completed(ctx context.Context) error {
	w := s.watch
	w.SweptAt, w.Paused = s.now, s.paused
	return ignoreConflict(s.Store.PutWatch(ctx, w))
}

func (s *sweep) read(ctx context.Context) (err error) {
	if s.machines, err = s.Store.Machines(ctx); err != nil {
		return err
	}
	s.done.Machines = len(s.machines)
	if s.open, err = s.Store.OpenCommands(ctx); err != nil {
		return err
	}
	if s.watch, err = s.Store.Watch(ctx); err != nil {
		return err
	}
	if s.evaluated, err = s.Store.Evaluated(ctx); err != nil {
		return err
	}
	stored, err := s.Store.Policies(ctx)
	if err != nil {
		return err
	}
	s.policies[policy.DefaultName] = policy.Default()
	for _, p := range stored {
		compiled, err := p.Compile()
		if err != nil {
			s.Log.ErrorContext(ctx, "policy does not compile", boot.KeyPolicy, p.Name, boot.KeyError, err.Error())
			continue
		}
		s.policies[p.Name] = compiled
	}
	return s.readBreakers(ctx)
}

// settle has evaluate read the answers of commands that are over. SSM's events are best effort, so
// this is where a lost one is made up for.
func (s *sweep) settle(ctx context.Context) error {
	const batch = 20
	var over []string
	var problems []error
	for _, c := range s.open {
		if !s.now.Before(c.TotalBy) {
			over = append(over, c.ID)
		}
	}
	for len(over) > 0 {
		n := min(len(over), batch)
		err := s.Evaluate.Invoke(ctx, inspection.Settle{Version: inspection.Version, Commands: over[:n]})
		if err == nil {
			s.done.Settled += n
		}
		problems = append(problems, err)
		over = over[n:]
	}
	return errors.Join(problems...)
}

// ask asks for the extra looks whose time has come, and for machines that the schedule forgot.
func (s *sweep) ask(ctx context.Context) error {
	asked := map[string]bool{}
	for _, c := range s.open {
		if s.now.Sub(c.SentAt) > inspection.TooOld {
			continue // its answers move nothing any more
		}
		for _, id := range c.Machines {
			asked[id] = true
		}
	}
	var wanted []string
	var problems []error
	for i := range s.machines {
		m := &s.machines[i]
		if asked[m.ID] || !s.wanted(m) {
			continue
		}
		ok, err := s.noteAsked(ctx, *m)
		problems = append(problems, err)
		if ok {
			wanted = append(wanted, m.ID)
		}
	}
	s.done.Asked = len(wanted)
	for some := range slices.Chunk(wanted, inspection.BatchSize) { // one that fails takes no other with it
		problems = append(problems, s.Inspect.Invoke(ctx, inspection.Request{Version: inspection.Version, Purpose: record.Retry, Machines: some}))
	}
	return errors.Join(problems...)
}

// noteAsked writes that a look was asked for before it is, so that it is asked for once. It says no
// when the machine was changed since it was listed: the next sweep sees it as it is.
func (s *sweep) noteAsked(ctx context.Context, m record.Machine) (bool, error) {
	p := s.policies[m.Policy]
	if p == nil || m.State.LookAt.IsZero() {
		return true, nil
	}
	m.State = integrity.Asked(m.State, s.now, p.Integrity)
	_, err := s.Store.Apply(ctx, store.Change{Machine: m, At: s.now})
	return err == nil, ignoreConflict(err)
}

func (s *sweep) wanted(m *record.Machine) bool {
	if at := m.State.LookAt; !at.IsZero() && !s.now.Before(at) {
		return true
	}
	last := m.EnrolledAt
	if m.State.LastNews.After(last) {
		last = m.State.LastNews
	}
	p := s.policies[m.Policy]
	if p != nil && m.State.Standing == integrity.Bad && m.PolicyUsed < p.Version && guard.Stopped(*m, s.rulesOf(m.Policy)) {
		return true // a new version may have put right what the old one was stopped for
	}
	return !s.now.Before(inspection.Overdue(last, p != nil && p.Schedule.WeeklyOn != ""))
}
