package handler

import (
	"context"
	"errors"

	"github.com/keyward/keyward/functions/internal/tell"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/keyrequest"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/record"
)

// requests writes down which key requests have expired, and tells people of them.
func (s *sweep) requests(ctx context.Context) error {
	var problems []error
	for i, m := range s.machines {
		if m.Asking == nil || s.now.Before(m.Asking.Until) {
			continue
		}
		after, err := s.expired(ctx, m)
		s.machines[i] = after
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// expired ends the request that a machine waits for, when its time is over. One that was decided since it was noted, or
// asked again, is no business of this sweep any more.
func (s *sweep) expired(ctx context.Context, m record.Machine) (record.Machine, error) {
	r, err := s.Store.Request(ctx, m.ID, m.Asking.Request)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return m, err
	}
	shown := keyrequest.View(r, m, s.now)
	after := m
	after.Asking = nil
	change := store.Change{Machine: after, At: s.now}
	if shown.State == string(keyrequest.Expired) && r.State != shown.State {
		move := shown.Moves[len(shown.Moves)-1]
		r.State, r.Reason, r.Moves, r.DecidedAt = shown.State, shown.Reason, shown.Moves, move.At
		told, err := tell.Machine(tell.Place{Account: s.Account, Region: s.Region}, after, notice.RequestExpired, enforcement.Input{Why: shown.Reason, Request: r.ID}, s.now)
		if err != nil {
			return m, err
		}
		change.Request, change.Start = &r, []record.Start{told}
		change.Ledger = []record.Entry{{
			Machine: m.ID, At: s.now, Kind: record.EntryRequest, Generation: m.State.Generation, By: move.By, Text: "key request " + r.ID + " has expired: " + shown.Reason,
		}}
	}
	written, err := s.changed(ctx, m, change)
	if err != nil || written.Version == m.Version {
		return written, err
	}
	for _, o := range change.Start {
		if err := s.start(ctx, o); err != nil {
			return written, err
		}
	}
	return written, nil
}
