package handler

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/safeguard"
)

const (
	flushWithin = time.Minute
	// settled is after how long snapshots that EC2 was asked for and does not list were never made: what it
	// lists is eventually consistent.
	settled = time.Minute
)

// snapshot has the machine write out its buffers, has EC2 make snapshots of its volumes, and waits until
// each is complete: only then can the data be had without the volume. Where the policy names a unit for it, the
// application is at rest meanwhile, and goes on before anything is waited for. Snapshots of the same violation that
// are not old stand for it, so that an attempt every half hour does not pile them up.
func (h *Handler) snapshot(ctx context.Context, now time.Time, t enforcement.Task) (outcome, text string, err error) {
	m, err := h.Store.Machine(ctx, t.Input.Machine)
	if err != nil {
		return "", "", err
	}
	g := mine(m, t)
	newer := m.State.Generation != t.Input.Generation
	if newer && !(g.Rest.Open() && g.Rest.Execution == t.Execution) {
		return superseded, "", nil
	}
	p, err := h.policy(ctx, m.Policy)
	if err != nil {
		return "", "", err
	}
	s := p.Integrity.Safeguard
	switch r := g.Rest; {
	case r.Open() && (newer || r.Execution != t.Execution || !r.EndAt.IsZero() || !g.SnapshotsAskedAt.IsZero()):
		return h.resume(ctx, now, t, p, *r, newer)
	case r.Open():
		return h.rest(ctx, now, t, p)
	case r != nil && r.Missed != "":
		return missedRest(p, *r), r.Missed, nil
	case !g.SnapshotsDoneAt.IsZero() && now.Sub(g.SnapshotsDoneAt) < safeguard.KeepSnapshot:
		return done, ids(g), nil
	}
	miss := h.miss(ctx, now, t, p)
	if !strings.HasPrefix(m.ID, "i-") {
		return miss("a hybrid node has no EBS volumes")
	}
	if g.FlushedAt.IsZero() || !g.SnapshotsDoneAt.IsZero() {
		if s.Quiesce != "" {
			return h.rest(ctx, now, t, p)
		}
		r, err := h.ask(ctx, now, t, safeguard.Flush, safeguard.Names{}, flushWithin)
		switch {
		case err != nil || r.waiting:
			return waiting, "", err
		case r.failed != "":
			return miss("buffers were not written out: " + r.failed)
		case !r.answer.Flushed():
			return miss("buffers were not written out: sync failed on the machine")
		}
		_, err = h.edit(ctx, now, t, func(_ *record.Machine, g *record.Safeguard) ([]record.Entry, bool) {
			g.FlushedAt, g.Command, g.SnapshotsDoneAt, g.SnapshotsAskedAt, g.Snapshots = now, nil, time.Time{}, time.Time{}, nil
			return nil, true
		})
		if err != nil {
			return "", "", err
		}
		g.SnapshotsAskedAt = time.Time{}
	}
	if g.SnapshotsAskedAt.IsZero() {
		return h.snap(ctx, now, t, s.SnapshotRoot, miss)
	}
	return h.complete(ctx, now, t, g, s.SnapshotRoot, s.SnapshotWithin, miss)
}

// miss writes why there are no snapshots, and says how it goes on.
func (h *Handler) miss(ctx context.Context, now time.Time, t enforcement.Task, p *policy.Policy) miss {
	return func(why string) (string, string, error) {
		_, err := h.edit(ctx, now, t, func(_ *record.Machine, g *record.Safeguard) ([]record.Entry, bool) {
			noSnapshots(g, why)
			return []record.Entry{{Kind: record.EntryFailed, Text: "no snapshots: " + why}}, true
		})
		return missed(p), why, err
	}
}

func noSnapshots(g *record.Safeguard, why string) {
	g.Command, g.Failed, g.SnapshotsAskedAt, g.Snapshots = nil, why, time.Time{}, nil
	if g.Rest != nil && why != "" { // an attempt that is repeated brings nothing to rest twice
		r := *g.Rest
		r.Missed = why
		g.Rest = &r
	}
}

type miss func(why string) (outcome, text string, err error)

// snap writes that EC2 is asked, and asks.
func (h *Handler) snap(ctx context.Context, now time.Time, t enforcement.Task, root bool, missed miss) (string, string, error) {
	_, err := h.edit(ctx, now, t, func(_ *record.Machine, g *record.Safeguard) ([]record.Entry, bool) {
		g.SnapshotsAskedAt = now
		return []record.Entry{{Kind: record.EntrySnapshot, Text: "EC2 is asked for snapshots"}}, true
	})
	if err != nil {
		return "", "", err
	}
	made, err := h.EC2.Snap(ctx, t.Input.Machine, t.Execution, root)
	switch {
	case fault.Is(err, fault.Transient):
		return "", "", err
	case err != nil:
		return missed("EC2 refuses: " + fault.Safe(err))
	case len(made) == 0:
		return missed("the instance has no volumes but its root volume")
	}
	return waiting, "", h.keep(ctx, now, t, made)
}

func (h *Handler) keep(ctx context.Context, now time.Time, t enforcement.Task, found []safeguard.Snapshot) error {
	_, err := h.edit(ctx, now, t, func(_ *record.Machine, g *record.Safeguard) ([]record.Entry, bool) {
		var kept []record.Snapshot
		for _, s := range found {
			kept = append(kept, record.Snapshot{ID: s.ID, Volume: s.Volume, State: s.State})
		}
		if slices.Equal(kept, g.Snapshots) {
			return nil, false
		}
		g.Snapshots = kept
		return nil, true
	})
	return err
}

// complete waits until every snapshot is.
func (h *Handler) complete(ctx context.Context, now time.Time, t enforcement.Task, g record.Safeguard, root bool, within time.Duration, missed miss) (string, string, error) {
	all, err := h.EC2.Snapshots(ctx, t.Execution)
	if err != nil {
		return "", "", err
	}
	found := these(all, g)
	late := now.Sub(g.SnapshotsAskedAt) > within
	switch {
	case len(found) == 0 && len(g.Snapshots) == 0 && now.Sub(g.SnapshotsAskedAt) > settled && !late:
		return h.snap(ctx, now, t, root, missed) // an attempt that was cut off before EC2 heard of it
	case len(found) == 0 && late:
		return missed(fmt.Sprintf("EC2 does not list the snapshots %s after it was asked", within))
	case len(found) == 0:
		return waiting, "", nil
	}
	if err := h.keep(ctx, now, t, found); err != nil {
		return "", "", err
	}
	for _, s := range found {
		switch {
		case s.State == "error":
			return missed("EC2 says that snapshot " + s.ID + " failed")
		case s.State != "completed" && late:
			return missed(fmt.Sprintf("snapshot %s is %s after %s", s.ID, s.State, within))
		case s.State != "completed":
			return waiting, "", nil
		}
	}
	m, err := h.edit(ctx, now, t, func(_ *record.Machine, g *record.Safeguard) ([]record.Entry, bool) {
		g.SnapshotsDoneAt, g.Failed = now, ""
		return []record.Entry{{Kind: record.EntrySnapshot, Text: "snapshots are complete", Detail: ids(*g)}}, true
	})
	if err != nil {
		return "", "", err
	}
	return done, ids(*m.Safeguard), nil
}

// these are the snapshots that were asked for last: those that EC2 answered with, once all are listed, or those
// that began since when its answer was lost.
func these(all []safeguard.Snapshot, g record.Safeguard) []safeguard.Snapshot {
	found := slices.DeleteFunc(slices.Clone(all), func(s safeguard.Snapshot) bool {
		if len(g.Snapshots) == 0 {
			return s.Begun.Before(g.SnapshotsAskedAt.Add(-settled))
		}
		return !slices.ContainsFunc(g.Snapshots, func(kept record.Snapshot) bool { return kept.ID == s.ID })
	})
	if len(found) < len(g.Snapshots) {
		return nil
	}
	return found
}

func ids(g record.Safeguard) string {
	var all []string
	for _, s := range g.Snapshots {
		all = append(all, s.ID+" of "+s.Volume)
	}
	return strings.Join(all, ", ")
}
