package fake

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// Store keeps records in memory under the conditions of shared/aws/store.
type Store struct {
	*Calls
	ByID     map[string]record.Machine
	Kept     []record.Evidence
	Entries  []record.Entry
	Said     map[string]record.Answer // by command and machine
	Sends    map[string]record.Command
	ByName   map[string]record.Policy
	Versions map[string]record.Policy   // by name, a space and the version in 6 digits
	Telling  map[string]record.Notifier // by name
	Held     map[record.Scope]record.Hold
	Waived   map[string]record.Waiver // by id
	Garbled  map[record.Scope]int     // waivers that are there and cannot be read
	Revised  map[record.Scope]int64   // revisions
	Waiting  []record.Start           // the outbox
	Told     map[string]record.Notice
	Asked    map[string]record.Request
	Leases   map[string]record.Lease
	Changes  []store.Change // that were applied
	Settling []string       // commands that were settled
	Counts   record.Breaker
	Rules    map[string]record.RuleBreaker // by policy
	Events   []record.BreakerEvent
	Heads    record.Head // of the chains of waivers' entries

	writing sync.Mutex // machines, changes and the breaker, which invocations reach for at once

	Watched     record.Watch // its default is never old
	EvaluatedAt time.Time

	Turns     map[string]record.Turn // by bucket and order
	UsedUntil map[string]time.Time   // by bucket

	Drilled   record.Drill   // the newest
	AllDrills []record.Drill // oldest first

	Called map[string]record.Call // with idempotency keys, by id

	Links map[string]record.ActionLink // by id

	Tellings map[string]*Tellings                 // by notifier; Of has one of each
	Storms   map[string]record.Storm              // by group
	Waits    map[string]map[string]record.Stormed // by group, a space and when they are warned, and by machine
}

func newStore(c *Calls) *Store {
	return &Store{
		Calls: c, ByID: map[string]record.Machine{}, Said: map[string]record.Answer{}, Sends: map[string]record.Command{},
		ByName: map[string]record.Policy{}, Telling: map[string]record.Notifier{}, Versions: map[string]record.Policy{}, Held: map[record.Scope]record.Hold{}, Told: map[string]record.Notice{},
		Asked: map[string]record.Request{}, Leases: map[string]record.Lease{}, Rules: map[string]record.RuleBreaker{}, Watched: record.Watch{SweptAt: fresh}, EvaluatedAt: fresh,
		Waived: map[string]record.Waiver{}, Garbled: map[record.Scope]int{}, Revised: map[record.Scope]int64{},
		Turns: map[string]record.Turn{}, UsedUntil: map[string]time.Time{}, Called: map[string]record.Call{}, Links: map[string]record.ActionLink{}, Storms: map[string]record.Storm{}, Waits: map[string]map[string]record.Stormed{},
	}
}

func missing(what string) error { return fault.New(fault.NotFound, "reading %s: there is none", what) }

func read[K comparable, T any](all map[K]T, key K, what string) (T, error) {
	v, ok := all[key]
	if !ok {
		return v, missing(what)
	}
	return clone(v), nil
}

func sorted[K cmp.Ordered, T any](all map[K]T) []T {
	var list []T
	for _, k := range slices.Sorted(maps.Keys(all)) {
		list = append(list, clone(all[k]))
	}
	return list
}

// Put writes a machine past all conditions, as somebody else did.
func (s *Store) Put(m record.Machine) {
	m.Version = s.ByID[m.ID].Version + 1
	s.ByID[m.ID] = clone(m)
}

// Change edits a machine past all conditions, as somebody else did.
func (s *Store) Change(id string, edit func(m *record.Machine)) {
	m := clone(s.ByID[id])
	edit(&m)
	s.Put(m)
}

// Machine is the real store's.
func (s *Store) Machine(_ context.Context, id string) (record.Machine, error) {
	if err := s.call("store.Machine", id); err != nil {
		return record.Machine{}, err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	return read(s.ByID, id, "machine "+id)
}

// MachinesFrom is the real store's.
func (s *Store) MachinesFrom(_ context.Context, after string, limit int) ([]record.Machine, error) {
	err := s.call("store.MachinesFrom")
	s.writing.Lock()
	defer s.writing.Unlock()
	all := slices.DeleteFunc(sorted(s.ByID), func(m record.Machine) bool { return drill.Is(m.ID) || m.ID <= after })
	return unless(err, all[:min(limit, len(all))])
}

// Machines is the real store's.
func (s *Store) Machines(context.Context) ([]record.Machine, error) {
	err := s.call("store.Machines")
	s.writing.Lock()
	defer s.writing.Unlock()
	return unless(err, slices.DeleteFunc(sorted(s.ByID), func(m record.Machine) bool { return drill.Is(m.ID) }))
}

// Evidence is the real store's.
func (s *Store) Evidence(_ context.Context, machine string, limit int) ([]record.Evidence, error) {
	var found []record.Evidence
	for _, e := range s.Kept {
		if e.Machine == machine {
			found = append(found, clone(e))
		}
	}
	slices.SortFunc(found, func(a, b record.Evidence) int { return b.Sent.Compare(a.Sent) })
	if limit > 0 && len(found) > limit {
		found = found[:limit]
	}
	return unless(s.call("store.Evidence"), found)
}

// EvidenceFrom is the real store's.
func (s *Store) EvidenceFrom(_ context.Context, machine string, from, until time.Time, after string, limit int) ([]record.Evidence, error) {
	var found []record.Evidence
	for _, e := range s.Kept {
		if e.Machine == machine && !e.Sent.Before(from) && !e.Sent.After(until) && store.Cursor(e) > after {
			found = append(found, clone(e))
		}
	}
	slices.SortFunc(found, func(a, b record.Evidence) int { return cmp.Compare(store.Cursor(a), store.Cursor(b)) })
	return unless(s.call("store.EvidenceFrom", machine), found[:min(limit, len(found))])
}

// Kinds are the kinds of the ledger's entries, oldest first.
func (s *Store) Kinds() []record.EntryKind {
	var kinds []record.EntryKind
	for _, e := range s.Entries {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

// Command is the real store's.
func (s *Store) Command(_ context.Context, id string) (record.Command, error) {
	if err := s.call("store.Command", id); err != nil {
		return record.Command{}, err
	}
	return read(s.Sends, id, "command "+id)
}

// Sent is the real store's.
func (s *Store) Sent(_ context.Context, c record.Command) error {
	if err := s.call("store.Sent", c.ID); err != nil {
		return err
	}
	c.Open = true
	s.Sends[c.ID] = clone(c)
	return nil
}

// Settled is the real store's.
func (s *Store) Settled(_ context.Context, c record.Command) error {
	if err := s.call("store.Settled", c.ID); err != nil {
		return err
	}
	c.Open = false
	s.Sends[c.ID], s.Settling = clone(c), append(s.Settling, c.ID)
	return nil
}

// OpenCommands is the real store's.
func (s *Store) OpenCommands(context.Context) ([]record.Command, error) {
	open := slices.DeleteFunc(sorted(s.Sends), func(c record.Command) bool { return !c.Open })
	return unless(s.call("store.OpenCommands"), open)
}

// Answers is the real store's.
func (s *Store) Answers(_ context.Context, command string) ([]record.Answer, error) {
	answers := slices.DeleteFunc(sorted(s.Said), func(a record.Answer) bool { return a.Command != command })
	return unless(s.call("store.Answers"), answers)
}

// Answer is the real store's.
func (s *Store) Answer(_ context.Context, command, machine string) (record.Answer, error) {
	if err := s.call("store.Answer"); err != nil {
		return record.Answer{}, err
	}
	return read(s.Said, command+" "+machine, "answer of "+machine)
}

// Outbox is the real store's.
func (s *Store) Outbox(context.Context) ([]record.Start, error) {
	return unless(s.call("store.Outbox"), slices.Clone(s.Waiting))
}

// Started is the real store's.
func (s *Store) Started(_ context.Context, name string) error {
	if err := s.call("store.Started", name); err != nil {
		return err
	}
	s.Waiting = slices.DeleteFunc(s.Waiting, func(o record.Start) bool { return o.Name == name })
	return nil
}

// Policy is the real store's.
func (s *Store) Policy(_ context.Context, name string) (record.Policy, error) {
	if err := s.call("store.Policy", name); err != nil {
		return record.Policy{}, err
	}
	p, err := read(s.ByName, name, "policy "+name)
	if err == nil && p.Deleted != nil {
		err = fault.New(fault.NotFound, "reading policy %s: it was deleted", name)
	}
	return p, err
}

// Policies is the real store's.
func (s *Store) Policies(context.Context) ([]record.Policy, error) {
	there := slices.DeleteFunc(sorted(s.ByName), func(p record.Policy) bool { return p.Deleted != nil })
	return unless(s.call("store.Policies"), there)
}

// PolicyVersion is the real store's.
func (s *Store) PolicyVersion(_ context.Context, name string, version int) (record.Policy, error) {
	if err := s.call("store.PolicyVersion", name); err != nil {
		return record.Policy{}, err
	}
	return read(s.Versions, fmt.Sprintf("%s %06d", name, version), "policy "+name)
}

// PolicyVersions is the real store's.
func (s *Store) PolicyVersions(_ context.Context, name string, before, limit int) ([]record.Policy, error) {
	if err := s.call("store.PolicyVersions", name); err != nil {
		return nil, err
	}
	all := slices.DeleteFunc(sorted(s.Versions), func(p record.Policy) bool { return p.Name != name || before > 0 && p.Version >= before })
	slices.Reverse(all)
	return all[:min(len(all), limit)], nil
}

// DeletePolicy is the real store's.
func (s *Store) DeletePolicy(ctx context.Context, p record.Policy, told ...record.Start) (record.Policy, error) {
	if err := s.call("store.DeletePolicy", p.Name); err != nil {
		return record.Policy{}, err
	}
	p.Text, p.Digest, p.PutAt, p.PutBy = "", "", p.Deleted.At, p.Deleted.By
	return s.PutPolicy(ctx, p, told...)
}

// PutPolicy is the real store's.
func (s *Store) PutPolicy(_ context.Context, p record.Policy, told ...record.Start) (record.Policy, error) {
	if err := s.call("store.PutPolicy", p.Name); err != nil {
		return record.Policy{}, err
	}
	if s.ByName[p.Name].Version != p.Version {
		return record.Policy{}, fault.New(fault.Conflict, "putting policy %s: it was changed by somebody else", p.Name)
	}
	p.Version++
	s.ByName[p.Name], s.Versions[fmt.Sprintf("%s %06d", p.Name, p.Version)] = p, p
	s.Waiting = append(s.Waiting, told...)
	return p, nil
}
