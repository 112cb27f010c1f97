package handler

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/keyrequest"
	"github.com/keyward/keyward/shared/record"
)

// source reads the store at a moment. Its errors say what may leave the account.
type source struct {
	Store
	now time.Time
}

// pageSize is how many records are read at once.
const pageSize = 200

// safe is an error with nothing in it but its safe text.
func safe(err error) error {
	if err == nil {
		return nil
	}
	return errors.New(fault.Safe(err))
}

// Machines fails as it is: without them there is no report.
func (s source) Machines(ctx context.Context) ([]record.Machine, error) { return s.Store.Machines(ctx) }

// Ledger reads the heads before any entry, as the API does.
func (s source) Ledger(ctx context.Context, id string) ([]record.Entry, map[string]record.Head, error) {
	m, err := s.Machine(ctx, id)
	if err != nil {
		return nil, nil, safe(err)
	}
	waivers, err := s.WaiverHead(ctx, id)
	if err != nil {
		return nil, nil, safe(err)
	}
	var all []record.Entry
	for after := ""; ; {
		entries, next, err := s.LedgerFrom(ctx, id, after, pageSize)
		if err != nil {
			return nil, nil, safe(err)
		}
		if all = append(all, entries...); next == "" {
			return all, map[string]record.Head{"": m.Ledger, record.ChainWaivers: waivers}, nil
		}
		after = next
	}
}

func (s source) Looks(ctx context.Context, id string, since, until time.Time, each func(record.Evidence)) error {
	const some = 20 // each may have hundreds of kilobytes
	for after := ""; ; {
		kept, err := s.EvidenceFrom(ctx, id, since, until, after, some)
		if err != nil {
			return safe(err)
		}
		for _, e := range kept {
			each(e)
		}
		if len(kept) < some {
			return nil
		}
		after = store.Cursor(kept[len(kept)-1])
	}
}

// Requests are shown as the API shows them: with what became of their machines' keys.
func (s source) Requests(ctx context.Context) ([]record.Request, error) {
	machines, err := s.Store.Machines(ctx)
	if err != nil {
		return nil, safe(err)
	}
	byID := map[string]record.Machine{}
	for _, m := range machines {
		byID[m.ID] = m
	}
	var all []record.Request
	for after := ""; ; {
		kept, err := s.RequestsFrom(ctx, after, pageSize)
		if err != nil {
			return nil, safe(err)
		}
		for _, r := range kept {
			if m, ok := byID[r.Machine]; ok {
				r = keyrequest.View(r, m, s.now)
			}
			all = append(all, r)
		}
		if len(kept) < pageSize {
			return all, nil
		}
		after = store.RequestCursor(kept[len(kept)-1])
	}
}

func (s source) PolicyNames(ctx context.Context) ([]string, error) {
	all, err := s.Policies(ctx)
	var names []string
	for _, p := range all {
		names = append(names, p.Name)
	}
	return names, safe(err)
}

func (s source) PolicyVersions(ctx context.Context, name string) ([]record.Policy, error) {
	var all []record.Policy
	for before := 0; ; {
		some, err := s.Store.PolicyVersions(ctx, name, before, pageSize)
		if err != nil {
			return nil, safe(err)
		}
		if all = append(all, some...); len(some) < pageSize {
			return all, nil
		}
		before = some[len(some)-1].Version
	}
}

func (s source) Holds(ctx context.Context) ([]record.Hold, error) {
	all, err := s.Store.Holds(ctx, s.now)
	return all, safe(err)
}

func (s source) Waivers(ctx context.Context) (record.WaiverList, error) {
	all, err := s.Store.Waivers(ctx)
	return record.WaiverList{Waivers: all.All, Unread: all.Unread}, safe(err)
}

func (s source) BreakerEvents(ctx context.Context) ([]record.BreakerEvent, error) {
	const newest = 50
	all, err := s.Store.BreakerEvents(ctx, newest)
	slices.Reverse(all)
	return all, safe(err)
}
