package fake

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/keyward/keyward/shared/aws/store"
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
	Held     map[record.Scope]record.Hold
	Waiting  []record.Start // the outbox
	Told     map[string]record.Notice
	Asked    map[string]record.Request
	Leases   map[string]record.Lease
	Changes  []store.Change // that were applied
	Settling []string       // commands that were settled
}

func newStore(c *Calls) *Store {
	return &Store{
		Calls: c, ByID: map[string]record.Machine{}, Said: map[string]record.Answer{}, Sends: map[string]record.Command{},
		ByName: map[string]record.Policy{}, Held: map[record.Scope]record.Hold{}, Told: map[string]record.Notice{},
		Asked: map[string]record.Request{}, Leases: map[string]record.Lease{},
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
	return read(s.ByID, id, "machine "+id)
}

// Machines is the real store's.
func (s *Store) Machines(context.Context) ([]record.Machine, error) {
	return unless(s.call("store.Machines"), sorted(s.ByID))
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

// Ledger is the real store's.
func (s *Store) Ledger(_ context.Context, machine string, _ int) ([]record.Entry, error) {
	var found []record.Entry
	for _, e := range s.Entries {
		if e.Machine == machine {
			found = append(found, e)
		}
	}
	slices.Reverse(found)
	return unless(s.call("store.Ledger"), found)
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
	return read(s.ByName, name, "policy "+name)
}

// Policies is the real store's.
func (s *Store) Policies(context.Context) ([]record.Policy, error) {
	return unless(s.call("store.Policies"), sorted(s.ByName))
}

// PutPolicy is the real store's.
func (s *Store) PutPolicy(_ context.Context, p record.Policy) (record.Policy, error) {
	if err := s.call("store.PutPolicy", p.Name); err != nil {
		return record.Policy{}, err
	}
	if s.ByName[p.Name].Version != p.Version {
		return record.Policy{}, fault.New(fault.Conflict, "putting policy %s: it was changed by somebody else", p.Name)
	}
	p.Version++
	s.ByName[p.Name] = p
	return p, nil
}

// Holds is the real store's.
func (s *Store) Holds(_ context.Context, now time.Time) ([]record.Hold, error) {
	return unless(s.call("store.Holds"), slices.DeleteFunc(sorted(s.Held), func(h record.Hold) bool { return !stands(h, now) }))
}

func stands(h record.Hold, now time.Time) bool { return h.Expires.IsZero() || now.Before(h.Expires) }

// HoldsOn is the real store's.
func (s *Store) HoldsOn(_ context.Context, scopes []record.Scope, now time.Time) ([]record.Hold, error) {
	var held []record.Hold
	for _, scope := range scopes {
		if err := s.call("store.HoldsOn", string(scope)); err != nil {
			return nil, err
		}
		if h, ok := s.Held[scope]; ok && stands(h, now) {
			held = append(held, h)
		}
	}
	return held, nil
}

// SetHold is the real store's.
func (s *Store) SetHold(_ context.Context, h record.Hold) error {
	if err := s.call("store.SetHold", string(h.Scope)); err != nil {
		return err
	}
	s.Held[h.Scope] = h
	return nil
}

// LiftHold is the real store's.
func (s *Store) LiftHold(_ context.Context, scope record.Scope) error {
	if err := s.call("store.LiftHold", string(scope)); err != nil {
		return err
	}
	if _, ok := s.Held[scope]; !ok {
		return fault.New(fault.NotFound, "lifting hold on %s: there is none", scope)
	}
	delete(s.Held, scope)
	return nil
}

// BeginNotice is the real store's.
func (s *Store) BeginNotice(_ context.Context, n record.Notice) (record.Notice, error) {
	if err := s.call("store.BeginNotice", n.Reference); err != nil {
		return n, err
	}
	if earlier, ok := s.Told[n.Reference]; ok {
		if !earlier.AcceptedAt.IsZero() {
			return clone(earlier), nil
		}
		n = clone(earlier)
	}
	n.Attempts++
	s.Told[n.Reference] = clone(n)
	return n, nil
}

// EndNotice is the real store's.
func (s *Store) EndNotice(_ context.Context, n record.Notice) error {
	if err := s.call("store.EndNotice", n.Reference); err != nil {
		return err
	}
	if s.Told[n.Reference].Attempts != n.Attempts {
		return fault.New(fault.Conflict, "recording outcome of notice %s: %s", n.Reference, strconv.Itoa(n.Attempts))
	}
	s.Told[n.Reference] = clone(n)
	return nil
}

// Notices is the real store's.
func (s *Store) Notices(_ context.Context, machine string) ([]record.Notice, error) {
	told := slices.DeleteFunc(sorted(s.Told), func(n record.Notice) bool { return n.Machine != machine })
	return unless(s.call("store.Notices"), told)
}

// Request is the real store's.
func (s *Store) Request(_ context.Context, machine, id string) (record.Request, error) {
	if err := s.call("store.Request", id); err != nil {
		return record.Request{}, err
	}
	return read(s.Asked, machine+" "+id, "key request "+id)
}

// PutRequest is the real store's.
func (s *Store) PutRequest(_ context.Context, r record.Request) (record.Request, error) {
	if err := s.call("store.PutRequest", r.ID); err != nil {
		return r, err
	}
	if err := s.request(&r); err != nil {
		return r, err
	}
	s.Asked[r.Machine+" "+r.ID] = clone(r)
	return r, nil
}

func (s *Store) request(r *record.Request) error {
	if s.Asked[r.Machine+" "+r.ID].Revision != r.Revision {
		return fault.New(fault.Conflict, "recording key request %s: it was changed by somebody else", r.ID)
	}
	r.Revision++
	return nil
}

// Requests is the real store's.
func (s *Store) Requests(context.Context) ([]record.Request, error) {
	return unless(s.call("store.Requests"), sorted(s.Asked))
}
