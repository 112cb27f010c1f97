package world

import (
	"context"
	"slices"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// SetWaiver is the real store's.
func (s *Store) SetWaiver(_ context.Context, v record.Waiver, told []record.Start, ledger ...record.Entry) error {
	return s.write("SetWaiver", func() error {
		if _, there := s.waivers[v.ID]; there {
			return fault.New(fault.Conflict, "setting waiver %s: it is there already", v.ID)
		}
		s.waive(v, ledger)
		for _, o := range told {
			s.outbox[o.Name] = o
		}
		return nil
	})
}

// LiftWaiver is the real store's.
func (s *Store) LiftWaiver(_ context.Context, v record.Waiver, ledger ...record.Entry) error {
	return s.write("LiftWaiver", func() error {
		before, there := s.waivers[v.ID]
		switch {
		case !there:
			return missing("waiver " + v.ID)
		case before.Lifted != nil:
			return fault.New(fault.Conflict, "lifting waiver %s: it was lifted already", v.ID)
		}
		s.waive(v, ledger)
		return nil
	})
}

func (s *Store) waive(v record.Waiver, ledger []record.Entry) {
	if _, there := s.waivers[v.ID]; !there { // a waiver keeps its scope
		ids := s.waiversOn[v.Scope]
		at, _ := slices.BinarySearch(ids, v.ID)
		s.waiversOn[v.Scope] = slices.Insert(ids, at, v.ID)
	}
	s.waivers[v.ID] = v
	s.revisions[v.Scope]++
	ledger, s.heads[v.Scope] = record.Link(s.heads[v.Scope], record.ChainWaivers, ledger)
	for _, e := range ledger {
		s.ledger[e.Machine] = trimmed(append(s.ledger[e.Machine], e), s.Keep)
	}
	if s.w.Watch != nil {
		s.w.Watch.Waived(v)
	}
}

// Waivers is the real store's.
func (s *Store) Waivers(context.Context) (v record.Waivers, err error) {
	err = s.w.call("dynamodb", "Waivers", func() error {
		for _, id := range sortedKeys(s.waivers) {
			v.All = append(v.All, s.waivers[id])
		}
		return nil
	})
	return v, err
}

// WaiversOn is the real store's.
func (s *Store) WaiversOn(_ context.Context, scopes []record.Scope) (v record.Waivers, err error) {
	err = s.w.call("dynamodb", "WaiversOn", func() error {
		for _, scope := range scopes {
			for _, id := range s.waiversOn[scope] {
				v.All = append(v.All, s.waivers[id])
			}
			v.Revisions = append(v.Revisions, record.Revision{Scope: scope, Number: s.revisions[scope]})
		}
		return nil
	})
	return v, err
}

// WaiverHead is the real store's.
func (s *Store) WaiverHead(_ context.Context, machine string) (head record.Head, err error) {
	err = s.w.call("dynamodb", "WaiverHead", func() error {
		head = s.heads[record.Scope("machine:"+machine)]
		return nil
	})
	return head, err
}
