package world

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// telling is what a notifier gathered and tells.
type telling struct {
	gathering  record.Gathering
	said       map[string]bool // references
	waiting    []record.Occurrence
	deliveries map[string]record.Delivery // by id
}

func (s *Store) tellingOf(notifier string) *telling {
	if s.tellings[notifier] == nil {
		s.tellings[notifier] = &telling{gathering: record.Gathering{Notifier: notifier}, said: map[string]bool{}, deliveries: map[string]record.Delivery{}}
	}
	return s.tellings[notifier]
}

// AddOccurrence is the real store's.
func (s *Store) AddOccurrence(_ context.Context, notifier string, o record.Occurrence, due time.Time) (g record.Gathering, err error) {
	err = s.write("AddOccurrence", func() error {
		t := s.tellingOf(notifier)
		if !t.said[o.Reference] {
			t.said[o.Reference], t.waiting = true, append(t.waiting, o)
			slices.SortFunc(t.waiting, func(a, b record.Occurrence) int {
				return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Reference, b.Reference))
			})
		}
		t.gathering.Count++
		if t.gathering.First.IsZero() {
			t.gathering.First = o.At
		}
		if t.gathering.Due.IsZero() {
			t.gathering.Due = due
		}
		g = t.gathering
		return nil
	})
	return g, err
}

// Gathering is the real store's.
func (s *Store) Gathering(_ context.Context, notifier string) (record.Gathering, error) {
	return read(s, "Gathering", "notifier "+notifier, func() (record.Gathering, bool) { return s.tellingOf(notifier).gathering, true })
}

// PutDue is the real store's.
func (s *Store) PutDue(_ context.Context, before record.Gathering, due time.Time) error {
	return s.write("PutDue", func() error {
		g := &s.tellingOf(before.Notifier).gathering
		if g.Count != before.Count || g.Begun != before.Begun {
			return fault.New(fault.Conflict, "noting when notifier %s is due: it was changed by somebody else", before.Notifier)
		}
		if g.Due = due; due.IsZero() {
			g.Count, g.First = 0, time.Time{}
		}
		return nil
	})
}

// DueNotifiers is the real store's, by name.
func (s *Store) DueNotifiers(_ context.Context, now time.Time) ([]string, error) {
	return all(s, "DueNotifiers", func() (names []string) {
		for _, name := range sortedKeys(s.tellings) {
			t := s.tellings[name]
			due := !t.gathering.Due.IsZero() && !t.gathering.Due.After(now)
			for _, d := range t.deliveries {
				due = due || !d.Next.After(now)
			}
			if due {
				names = append(names, name)
			}
		}
		return names
	})
}

// Occurrences is the real store's.
func (s *Store) Occurrences(_ context.Context, notifier string, limit int) ([]record.Occurrence, error) {
	return all(s, "Occurrences", func() []record.Occurrence {
		waiting := s.tellingOf(notifier).waiting
		return slices.Clone(waiting[:min(limit, len(waiting))])
	})
}

// Deliveries is the real store's.
func (s *Store) Deliveries(_ context.Context, notifier string) ([]record.Delivery, error) {
	return all(s, "Deliveries", func() (list []record.Delivery) {
		t := s.tellingOf(notifier)
		for _, id := range sortedKeys(t.deliveries) {
			list = append(list, alone(t.deliveries[id]))
		}
		return list
	})
}

func alone(d record.Delivery) record.Delivery {
	d.Occurrences, d.Done = slices.Clone(d.Occurrences), slices.Clone(d.Done)
	return d
}

// BeginDelivery is the real store's.
func (s *Store) BeginDelivery(_ context.Context, g record.Gathering, d record.Delivery) (record.Delivery, error) {
	err := s.write("BeginDelivery", func() error {
		t := s.tellingOf(d.Notifier)
		if _, there := t.deliveries[d.ID]; there || t.gathering.Begun != g.Begun {
			return fault.New(fault.Conflict, "beginning a delivery of notifier %s: another was begun", d.Notifier)
		}
		t.gathering.Begun++
		t.gathering.Count -= len(d.Occurrences)
		d.Version++
		t.deliveries[d.ID] = alone(d)
		return nil
	})
	return d, err
}

// TakeOccurrences is the real store's.
func (s *Store) TakeOccurrences(_ context.Context, d record.Delivery) error {
	return s.write("TakeOccurrences", func() error {
		t := s.tellingOf(d.Notifier)
		t.waiting = slices.DeleteFunc(t.waiting, func(o record.Occurrence) bool {
			return slices.ContainsFunc(d.Occurrences, func(of record.Occurrence) bool { return of.Reference == o.Reference && of.At.Equal(o.At) })
		})
		return nil
	})
}

// PutDelivery is the real store's.
func (s *Store) PutDelivery(_ context.Context, d record.Delivery) (record.Delivery, error) {
	err := s.write("PutDelivery", func() error {
		t := s.tellingOf(d.Notifier)
		if t.deliveries[d.ID].Version != d.Version {
			return fault.New(fault.Conflict, "recording a delivery of notifier %s: another is at it", d.Notifier)
		}
		d.Version++
		t.deliveries[d.ID] = alone(d)
		return nil
	})
	return d, err
}

// EndDelivery is the real store's.
func (s *Store) EndDelivery(_ context.Context, d record.Delivery) error {
	return s.write("EndDelivery", func() error {
		t := s.tellingOf(d.Notifier)
		if now, there := t.deliveries[d.ID]; !there || now.Version != d.Version {
			return fault.New(fault.Conflict, "ending a delivery of notifier %s: another is at it", d.Notifier)
		}
		delete(t.deliveries, d.ID)
		return nil
	})
}
