package world

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// Store is the table: the records and the conditions of shared/aws/store, in memory. Reads of one row
// and of one partition show everything; lists may be late by Faults.Lag.
type Store struct {
	w *World

	// Keep is how many evidence records and ledger entries of a machine stay; 0 is all. Handlers read the
	// newest alone, and a long simulation needs the room.
	Keep int

	machines  map[string]*row[record.Machine]
	order     []string               // ids of the machines, sorted
	rows      []*row[record.Machine] // of the machines, in that order
	policies  map[string]record.Policy
	versions  map[string][]record.Policy // of policies, oldest first
	notifiers map[string]record.Notifier
	holds     map[record.Scope]*row[record.Hold]
	commands  map[string]*record.Command
	open      []string                            // commands that lack an answer, oldest first
	answers   map[string]map[string]record.Answer // by command and machine
	evidence  map[string][]record.Evidence        // by machine, oldest first
	ledger    map[string][]record.Entry           // by machine, oldest first
	notices   map[string]map[string]record.Notice // by machine and reference
	requests  map[string]record.Request           // by machine and id
	outbox    map[string]record.Start
	leases    map[string]record.Lease
	calls     map[string]record.Call // with idempotency keys, by id
	links     map[string]int64       // versions of mails' links, by id
	tellings  map[string]*telling    // by notifier
	storms    map[string]record.Storm
	waits     map[string]map[string]record.Stormed // by group and when they are warned, and by machine
	breaker   record.Breaker
	rules     map[string]record.RuleBreaker // by policy
	events    []record.BreakerEvent

	waivers   map[string]record.Waiver  // by id
	waiversOn map[record.Scope][]string // their ids, sorted
	revisions map[record.Scope]int64
	heads     map[record.Scope]record.Head // of the chains of waivers' ledger entries
	watch     record.Watch
	evaluated time.Time

	used  map[string]time.Time              // until when buckets are used, by name
	turns map[string]map[string]record.Turn // that are waited for, by bucket and order

	writes, dumpedAt int               // calls that may have changed something: in all, and when dumped was made
	dumped           map[string]string // Dump's last
}

// row is a record with what it was, for lists that are late.
type row[T any] struct {
	now, before T
	is, was     bool // there is one, there was one
	shown       time.Time
}

func newStore(w *World) *Store {
	return &Store{
		w: w, machines: map[string]*row[record.Machine]{}, policies: map[string]record.Policy{}, versions: map[string][]record.Policy{}, notifiers: map[string]record.Notifier{},
		holds: map[record.Scope]*row[record.Hold]{}, commands: map[string]*record.Command{},
		answers: map[string]map[string]record.Answer{}, evidence: map[string][]record.Evidence{},
		ledger: map[string][]record.Entry{}, notices: map[string]map[string]record.Notice{},
		requests: map[string]record.Request{}, outbox: map[string]record.Start{}, leases: map[string]record.Lease{}, calls: map[string]record.Call{}, links: map[string]int64{}, storms: map[string]record.Storm{}, waits: map[string]map[string]record.Stormed{}, tellings: map[string]*telling{},
		rules: map[string]record.RuleBreaker{}, waivers: map[string]record.Waiver{}, waiversOn: map[record.Scope][]string{}, revisions: map[record.Scope]int64{}, heads: map[record.Scope]record.Head{},
		used: map[string]time.Time{}, turns: map[string]map[string]record.Turn{},
	}
}

// set writes a row; is says whether there is one from now on.
func set[K comparable, T any](w *World, rows map[K]*row[T], key K, v T, is bool) {
	r := rows[key]
	if r == nil {
		r = &row[T]{}
		rows[key] = r
	}
	r.before, r.was = r.now, r.is
	r.now, r.is, r.shown = v, is, w.now.Add(w.lag())
}

// listed is what a list shows of a row.
func (r *row[T]) listed(now time.Time) (*T, bool) {
	if now.Before(r.shown) {
		return &r.before, r.was
	}
	return &r.now, r.is
}

func missing(what string) error { return fault.New(fault.NotFound, "reading %s: there is none", what) }

// read makes a call that reads one row, and gives a copy of it.
func read[T any](s *Store, operation, what string, find func() (T, bool)) (v T, err error) {
	err = s.w.call("dynamodb", operation, func() error {
		s.w.seq++
		found, ok := find()
		if !ok {
			return missing(what)
		}
		v = found
		return nil
	})
	return v, err
}

// all makes a call that reads many rows.
func all[T any](s *Store, operation string, find func() []T) (list []T, err error) {
	err = s.w.call("dynamodb", operation, func() error {
		s.w.seq++
		list = find()
		return nil
	})
	return list, err
}

// write makes a call that changes something.
func (s *Store) write(operation string, change func() error) error {
	return s.w.call("dynamodb", operation, func() error {
		s.w.seq++
		s.writes++
		return change()
	})
}

// saw notes that the current invocation knows a machine's record as it is.
func (s *Store) saw() {
	if inv := s.w.current; inv != nil {
		inv.Saw = s.w.seq
	}
}

// Machine is the real store's.
func (s *Store) Machine(_ context.Context, id string) (record.Machine, error) {
	return read(s, "Machine", "machine "+id, func() (record.Machine, bool) {
		s.saw()
		return s.machine(id)
	})
}

func (s *Store) machine(id string) (record.Machine, bool) {
	r := s.machines[id]
	if r == nil || !r.is {
		return record.Machine{}, false
	}
	return copied(r.now), true
}

// Peek is a machine's record for those who watch: no call is made. It must not be changed.
func (s *Store) Peek(id string) *record.Machine {
	if r := s.machines[id]; r != nil && r.is {
		return &r.now
	}
	return nil
}

// Machines is the real store's.
func (s *Store) Machines(context.Context) ([]record.Machine, error) {
	return all(s, "Machines", func() []record.Machine {
		list := make([]record.Machine, 0, len(s.rows))
		for _, r := range s.rows {
			if m, ok := r.listed(s.w.now); ok {
				list = append(list, *m)
				own(&list[len(list)-1])
			}
		}
		return list
	})
}

// Evidence is the real store's.
func (s *Store) Evidence(_ context.Context, machine string, limit int) ([]record.Evidence, error) {
	return all(s, "Evidence", func() []record.Evidence { return newest(s.evidence[machine], limit) })
}

// Forget drops the commands that were settled and sent before an instant, with their answers: nobody asks for them any
// more, and a long simulation needs the room.
func (s *Store) Forget(before time.Time) {
	for id, c := range s.commands {
		if !c.Open && c.SentAt.Before(before) {
			delete(s.commands, id)
			delete(s.answers, id)
		}
	}
}

// Command is the real store's.
func (s *Store) Command(_ context.Context, id string) (record.Command, error) {
	return read(s, "Command", "command "+id, func() (record.Command, bool) {
		if c := s.commands[id]; c != nil {
			return *c, true
		}
		return record.Command{}, false
	})
}

// OpenCommands is the real store's. Commands of one instant come in the order in which they were sent.
func (s *Store) OpenCommands(context.Context) ([]record.Command, error) {
	return all(s, "OpenCommands", func() []record.Command {
		var list []record.Command
		for _, id := range s.open {
			list = append(list, *s.commands[id])
		}
		slices.SortStableFunc(list, func(a, b record.Command) int { return a.SentAt.Compare(b.SentAt) })
		return list
	})
}

// Answers is the real store's.
func (s *Store) Answers(_ context.Context, command string) ([]record.Answer, error) {
	return all(s, "Answers", func() []record.Answer {
		list := slices.Collect(maps.Values(s.answers[command]))
		slices.SortFunc(list, func(a, b record.Answer) int { return cmp.Compare(a.Machine, b.Machine) })
		return list
	})
}

// Answer is the real store's.
func (s *Store) Answer(_ context.Context, command, machine string) (record.Answer, error) {
	return read(s, "Answer", "answer of "+machine, func() (record.Answer, bool) {
		a, ok := s.answers[command][machine]
		return a, ok
	})
}

// Outbox is the real store's.
func (s *Store) Outbox(context.Context) ([]record.Start, error) {
	return all(s, "Outbox", func() []record.Start {
		var list []record.Start
		for _, name := range slices.Sorted(maps.Keys(s.outbox)) {
			list = append(list, s.outbox[name])
		}
		return list
	})
}

// Policy is the real store's.
func (s *Store) Policy(_ context.Context, name string) (record.Policy, error) {
	p, err := read(s, "Policy", "policy "+name, func() (record.Policy, bool) {
		p, ok := s.policies[name]
		return p, ok && p.Deleted == nil
	})
	if fault.Is(err, fault.NotFound) {
		p = s.policies[name] // one that was deleted comes with the error
	}
	return p, err
}

// Policies is the real store's.
func (s *Store) Policies(context.Context) ([]record.Policy, error) {
	return all(s, "Policies", func() []record.Policy {
		var list []record.Policy
		for _, name := range slices.Sorted(maps.Keys(s.policies)) {
			if p := s.policies[name]; p.Deleted == nil {
				list = append(list, p)
			}
		}
		return list
	})
}

// Dump is everything that a call could show, as text, in parts: machine, breaker, holds, and the rest.
func (s *Store) Dump() map[string]string {
	if s.dumped != nil && s.dumpedAt == s.writes {
		return maps.Clone(s.dumped)
	}
	text := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			panic("encoding a record: " + err.Error())
		}
		return string(b)
	}
	var machines, holds []any
	for _, id := range s.order {
		m := s.machines[id].now
		m.Ledger = record.Head{} // says in which order things were written, which nobody decides by
		machines = append(machines, m)
	}
	for _, scope := range sortedKeys(s.holds) {
		if s.holds[scope].is {
			holds = append(holds, s.holds[scope].now)
		}
	}
	s.dumped, s.dumpedAt = map[string]string{
		"machine": text(machines), "holds": text(holds), "breaker": text(s.breaker) + text(s.rules),
		"rest": text(s.leases) + text(s.answers) + text(s.open) + text(s.outbox) + text(s.watch) + text(s.waivers) + text(s.used) + text(s.turns) + text(s.calls) + text(s.storms) + text(s.waits),
	}, s.writes
	return maps.Clone(s.dumped)
}
