package world

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/keyward/keyward/shared/aws/schedule"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/record"
)

// What the people's API alone calls.

// Schedules are EventBridge Scheduler's, which the simulation fires itself. It has the calls of schedule.
type Schedules struct{ w *World }

// Put is schedule's.
func (s *Schedules) Put(context.Context, schedule.Schedule) error {
	return s.w.call("scheduler", "UpdateSchedule", func() error { return nil })
}

// Delete is schedule's.
func (s *Schedules) Delete(context.Context, string) error {
	return s.w.call("scheduler", "DeleteSchedule", func() error { return nil })
}

// MachinesFrom is the real store's.
func (s *Store) MachinesFrom(_ context.Context, after string, limit int) ([]record.Machine, error) {
	return all(s, "MachinesFrom", func() []record.Machine {
		var list []record.Machine
		for _, id := range s.order {
			if m, ok := s.machines[id].listed(s.w.now); ok && id > after && len(list) < limit {
				list = append(list, copied(*m))
			}
		}
		return list
	})
}

// EvidenceFrom is the real store's. What Keep dropped is not there.
func (s *Store) EvidenceFrom(_ context.Context, machine string, from, until time.Time, after string, limit int) ([]record.Evidence, error) {
	return all(s, "EvidenceFrom", func() []record.Evidence {
		var list []record.Evidence
		for _, e := range s.evidence[machine] {
			if !e.Sent.Before(from) && !e.Sent.After(until) && store.Cursor(e) > after && len(list) < limit {
				list = append(list, e)
			}
		}
		return list
	})
}

// Waiver is the real store's.
func (s *Store) Waiver(_ context.Context, id string) (record.Waiver, error) {
	return read(s, "Waiver", "waiver "+id, func() (record.Waiver, bool) {
		v, ok := s.waivers[id]
		return v, ok
	})
}

// RequestsFrom is the real store's.
func (s *Store) RequestsFrom(_ context.Context, after string, limit int) ([]record.Request, error) {
	return all(s, "RequestsFrom", func() []record.Request {
		var list []record.Request
		for _, id := range sortedKeys(s.requests) {
			list = append(list, s.requests[id])
		}
		slices.SortFunc(list, func(a, b record.Request) int { return cmp.Compare(store.RequestCursor(a), store.RequestCursor(b)) })
		list = slices.DeleteFunc(list, func(r record.Request) bool { return store.RequestCursor(r) <= after })
		return list[:min(limit, len(list))]
	})
}

// RequestsOf is the real store's.
func (s *Store) RequestsOf(_ context.Context, machine string) ([]record.Request, error) {
	return all(s, "RequestsOf", func() []record.Request {
		var list []record.Request
		for _, id := range sortedKeys(s.requests) {
			if s.requests[id].Machine == machine {
				list = append(list, s.requests[id])
			}
		}
		slices.SortFunc(list, func(a, b record.Request) int { return cmp.Compare(a.ID, b.ID) })
		return list
	})
}

// Drills is the real store's: there is no fire drill here.
func (s *Store) Drills(context.Context, int) ([]record.Drill, error) {
	return all(s, "Drills", func() []record.Drill { return nil })
}
