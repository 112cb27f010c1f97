package fake

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// Tellings are what notifiers gathered and tell, by notifier.
type Tellings struct {
	Gathered   record.Gathering
	Said       map[string]bool // references
	Waiting    []record.Occurrence
	Deliveries map[string]record.Delivery // by id
}

// Of is what a notifier gathered and tells.
func (s *Store) Of(notifier string) *Tellings {
	if s.Tellings == nil {
		s.Tellings = map[string]*Tellings{}
	}
	if s.Tellings[notifier] == nil {
		s.Tellings[notifier] = &Tellings{Gathered: record.Gathering{Notifier: notifier}, Said: map[string]bool{}, Deliveries: map[string]record.Delivery{}}
	}
	return s.Tellings[notifier]
}

// AddOccurrence is the real store's.
func (s *Store) AddOccurrence(_ context.Context, notifier string, o record.Occurrence, due time.Time) (record.Gathering, error) {
	if err := s.call("store.AddOccurrence", notifier, o.Reference); err != nil {
		return record.Gathering{}, err
	}
	t := s.Of(notifier)
	if !t.Said[o.Reference] {
		t.Said[o.Reference], t.Waiting = true, append(t.Waiting, clone(o))
		slices.SortStableFunc(t.Waiting, func(a, b record.Occurrence) int {
			return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Reference, b.Reference))
		})
	}
	g := &t.Gathered
	g.Count++
	if g.First.IsZero() {
		g.First = o.At
	}
	if g.Due.IsZero() {
		g.Due = due
	}
	return *g, nil
}

// Gathering is the real store's.
func (s *Store) Gathering(_ context.Context, notifier string) (record.Gathering, error) {
	return unless(s.call("store.Gathering", notifier), s.Of(notifier).Gathered)
}

// PutDue is the real store's.
func (s *Store) PutDue(_ context.Context, before record.Gathering, due time.Time) error {
	if err := s.call("store.PutDue", before.Notifier); err != nil {
		return err
	}
	g := &s.Of(before.Notifier).Gathered
	if g.Count != before.Count || g.Begun != before.Begun {
		return fault.New(fault.Conflict, "noting when notifier %s is due: ConditionalCheckFailedException", before.Notifier)
	}
	if g.Due = due; due.IsZero() {
		g.Count, g.First = 0, time.Time{}
	}
	return nil
}

// DueNotifiers is the real store's.
func (s *Store) DueNotifiers(_ context.Context, now time.Time) ([]string, error) {
	var names []string
	for name, t := range s.Tellings {
		due := !t.Gathered.Due.IsZero() && !t.Gathered.Due.After(now)
		for _, d := range t.Deliveries {
			due = due || !d.Next.After(now)
		}
		if due {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return unless(s.call("store.DueNotifiers"), names)
}

// Occurrences is the real store's.
func (s *Store) Occurrences(_ context.Context, notifier string, limit int) ([]record.Occurrence, error) {
	all := clone(s.Of(notifier).Waiting)
	return unless(s.call("store.Occurrences", notifier), all[:min(limit, len(all))])
}

// Deliveries is the real store's.
func (s *Store) Deliveries(_ context.Context, notifier string) ([]record.Delivery, error) {
	return unless(s.call("store.Deliveries", notifier), sorted(s.Of(notifier).Deliveries))
}

// BeginDelivery is the real store's.
func (s *Store) BeginDelivery(_ context.Context, g record.Gathering, d record.Delivery) (record.Delivery, error) {
	if err := s.call("store.BeginDelivery", d.Notifier); err != nil {
		return d, err
	}
	t := s.Of(d.Notifier)
	if _, there := t.Deliveries[d.ID]; there || t.Gathered.Begun != g.Begun {
		return d, fault.New(fault.Conflict, "beginning a delivery of notifier %s: another was begun", d.Notifier)
	}
	t.Gathered.Begun++
	t.Gathered.Count -= len(d.Occurrences)
	d.Version++
	t.Deliveries[d.ID] = clone(d)
	return d, nil
}

// TakeOccurrences is the real store's.
func (s *Store) TakeOccurrences(_ context.Context, d record.Delivery) error {
	if err := s.call("store.TakeOccurrences", d.Notifier); err != nil {
		return err
	}
	t := s.Of(d.Notifier)
	t.Waiting = slices.DeleteFunc(t.Waiting, func(o record.Occurrence) bool {
		return slices.ContainsFunc(d.Occurrences, func(of record.Occurrence) bool { return of.Reference == o.Reference })
	})
	return nil
}

// PutDelivery is the real store's.
func (s *Store) PutDelivery(_ context.Context, d record.Delivery) (record.Delivery, error) {
	if err := s.call("store.PutDelivery", d.Notifier); err != nil {
		return d, err
	}
	if s.Of(d.Notifier).Deliveries[d.ID].Version != d.Version {
		return d, fault.New(fault.Conflict, "recording a delivery of notifier %s: another is at it", d.Notifier)
	}
	d.Version++
	s.Of(d.Notifier).Deliveries[d.ID] = clone(d)
	return d, nil
}

// EndDelivery is the real store's.
func (s *Store) EndDelivery(_ context.Context, d record.Delivery) error {
	if err := s.call("store.EndDelivery", d.Notifier); err != nil {
		return err
	}
	if s.Of(d.Notifier).Deliveries[d.ID].Version != d.Version {
		return fault.New(fault.Conflict, "ending a delivery of notifier %s: another is at it", d.Notifier)
	}
	delete(s.Of(d.Notifier).Deliveries, d.ID)
	return nil
}
