package fake

import (
	"context"
	"slices"
	"time"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// Waive sets a waiver past all conditions, as somebody else did.
func (s *Store) Waive(w record.Waiver) {
	s.Waived[w.ID] = clone(w)
	s.Revised[w.Scope]++
}

// SetWaiver is the real store's.
func (s *Store) SetWaiver(_ context.Context, w record.Waiver, told []record.Start, ledger ...record.Entry) error {
	if err := s.call("store.SetWaiver", w.ID); err != nil {
		return err
	}
	if _, ok := s.Waived[w.ID]; ok {
		return fault.New(fault.Conflict, "setting waiver %s: it is there already", w.ID)
	}
	s.Waive(w)
	s.Waiting = append(s.Waiting, told...)
	s.Entries = append(s.Entries, ledger...)
	return nil
}

// LiftWaiver is the real store's.
func (s *Store) LiftWaiver(_ context.Context, w record.Waiver, ledger ...record.Entry) error {
	if err := s.call("store.LiftWaiver", w.ID); err != nil {
		return err
	}
	before, ok := s.Waived[w.ID]
	if !ok {
		return missing("waiver " + w.ID)
	}
	if before.Lifted != nil {
		return fault.New(fault.Conflict, "lifting waiver %s: it was lifted already", w.ID)
	}
	s.Waive(w)
	s.Entries = append(s.Entries, ledger...)
	return nil
}

// Waivers is the real store's.
func (s *Store) Waivers(context.Context) (record.Waivers, error) {
	all := record.Waivers{All: sorted(s.Waived)}
	for _, n := range s.Garbled {
		all.Unread += n
	}
	return unless(s.call("store.Waivers"), all)
}

// WaiversOn is the real store's.
func (s *Store) WaiversOn(_ context.Context, scopes []record.Scope) (record.Waivers, error) {
	var all record.Waivers
	for _, scope := range scopes {
		if err := s.call("store.WaiversOn", string(scope)); err != nil {
			return record.Waivers{}, err
		}
		on := slices.DeleteFunc(sorted(s.Waived), func(w record.Waiver) bool { return w.Scope != scope })
		all.All = append(all.All, on...)
		all.Unread += s.Garbled[scope]
		all.Revisions = append(all.Revisions, record.Revision{Scope: scope, Number: s.Revised[scope]})
	}
	return all, nil
}

// Waiver is the real store's.
func (s *Store) Waiver(_ context.Context, id string) (record.Waiver, error) {
	if err := s.call("store.Waiver", id); err != nil {
		return record.Waiver{}, err
	}
	return read(s.Waived, id, "waiver "+id)
}

// Unrevised are the revisions of the machine's scopes when no waiver was ever set.
func Unrevised() []record.Revision {
	var all []record.Revision
	for _, scope := range record.Scopes(ID, "web-tier") {
		all = append(all, record.Revision{Scope: scope})
	}
	return all
}

// OldKernelValue is what a machine with OldKernel fails by, as waivers are pinned to it.
const OldKernelValue = "system kernel " + OldKernel

// Waiver is one of OldKernel on the machine for a day from Start, with edits.
func Waiver(edits ...func(*record.Waiver)) record.Waiver {
	w := record.Waiver{
		ID: "w-0123456789ab", Scope: "machine:" + ID, Policy: "web-tier", Rule: "kernel is supported", Values: []string{OldKernelValue},
		Reason: "until the maintenance window", By: "arn:aws:iam::123456789012:user/alice", SetAt: Start.Add(-time.Hour), Expires: Start.Add(24 * time.Hour),
	}
	for _, e := range edits {
		e(&w)
	}
	return w
}
