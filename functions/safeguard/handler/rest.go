package handler

import (
	"cmp"
	"context"
	"time"

	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/safeguard"
)

const (
	resumeWithin = 2 * time.Minute
	notBrought   = "the application was not brought to rest: "
	goesOn       = "the application goes on, read back: "
)

// rest brings the application to rest by the policy's unit, has EC2 make the snapshots as soon as that was read
// back, and lets it go on. Whatever comes of it, the rest is ended before the step is.
func (h *Handler) rest(ctx context.Context, now time.Time, t enforcement.Task, p *policy.Policy) (string, string, error) {
	s := p.Integrity.Safeguard
	m, err := h.edit(ctx, now, t, func(_ *record.Machine, g *record.Safeguard) ([]record.Entry, bool) {
		if g.Rest.Open() {
			return nil, false
		}
		noSnapshots(g, "")
		g.FlushedAt, g.SnapshotsDoneAt = time.Time{}, time.Time{}
		g.Rest = &record.Rest{Unit: s.Quiesce, Execution: t.Execution, Within: s.QuiesceWithin, AskedAt: now}
		return []record.Entry{{Kind: record.EntrySnapshot, Text: "the application is brought to rest by " + s.Quiesce}}, true
	})
	if err != nil {
		return "", "", err
	}
	r := *m.Safeguard.Rest
	if r.AtRestAt.IsZero() {
		a, err := h.ask(ctx, now, t, safeguard.Quiesce, safeguard.Names{Units: []string{r.Unit}}, r.Within)
		if err != nil || a.waiting {
			return waiting, "", err
		}
		ok, why := a.failed == "", a.failed
		if ok {
			ok, why = safeguard.AtRest(r.Unit, a.answer)
		}
		never := func(text string) (string, string, error) {
			return h.ended(ctx, now, t, p, r, text, func(record.Safeguard) (string, bool) { return notBrought + why, false })
		}
		switch {
		case a.unsent:
			return never("the application was never asked to rest")
		case safeguard.LeftAlone(r.Unit, a.answer):
			return never("the application is at rest by somebody else, and is left so")
		case !ok:
			return h.end(ctx, now, t, p, r, notBrought+why)
		}
		if r, err = h.atRest(ctx, now, t, a.answer.Text()); err != nil {
			return "", "", err
		}
	}
	if now.Sub(r.AskedAt) >= r.Within {
		return h.end(ctx, now, t, p, r, "the rest was over before EC2 could be asked, after "+r.Within.String())
	}
	var why string
	_, _, err = h.snap(ctx, now, t, s.SnapshotRoot, func(because string) (string, string, error) {
		why = because
		return failed, because, nil
	})
	if err != nil {
		return "", "", err // the next attempt ends the rest first, as EC2 was asked
	}
	return h.end(ctx, now, t, p, r, why)
}

func (h *Handler) atRest(ctx context.Context, now time.Time, t enforcement.Task, text string) (record.Rest, error) {
	m, err := h.edit(ctx, now, t, func(_ *record.Machine, g *record.Safeguard) ([]record.Entry, bool) {
		r := *g.Rest
		r.AtRestAt = now
		g.Rest, g.FlushedAt, g.Command, g.Text = &r, now, nil, text
		return []record.Entry{{Kind: record.EntrySnapshot, Text: "the application is at rest, read back: " + text}}, true
	})
	if err != nil {
		return record.Rest{}, err
	}
	return *m.Safeguard.Rest, nil
}

// end writes that the rest is to end, and why there will be no snapshots of it, "" when there are; and ends it.
func (h *Handler) end(ctx context.Context, now time.Time, t enforcement.Task, p *policy.Policy, r record.Rest, why string) (string, string, error) {
	r.EndAt, r.Missed = now, why
	_, err := h.edit(ctx, now, t, func(_ *record.Machine, g *record.Safeguard) ([]record.Entry, bool) {
		next := r
		g.Rest, g.Command = &next, nil
		return []record.Entry{{Kind: record.EntrySnapshot, Text: "the application is let go on: " + r.Unit + " is stopped"}}, true
	})
	if err != nil {
		return "", "", err
	}
	return h.resume(ctx, now, t, p, r, false)
}

// resume ends a rest, of this attempt or of an earlier one, and believes only the read-back.
func (h *Handler) resume(ctx context.Context, now time.Time, t enforcement.Task, p *policy.Policy, r record.Rest, newer bool) (string, string, error) {
	if r.EndAt.IsZero() {
		return h.end(ctx, now, t, p, r, "")
	}
	a, err := h.ask(ctx, now, t, safeguard.Resume, safeguard.Names{Units: []string{r.Unit}}, resumeWithin)
	if err != nil || a.waiting {
		return waiting, "", err
	}
	ok, why := a.failed == "", a.failed
	if ok {
		ok, why = safeguard.Resumed(r.Unit, !r.AtRestAt.IsZero(), a.answer)
	}
	if !ok {
		return h.stillAtRest(ctx, now, t, p, why)
	}
	outcome, text, err := h.ended(ctx, now, t, p, r, goesOn+a.answer.Text(), func(g record.Safeguard) (string, bool) {
		switch {
		case r.Missed != "" || newer || r.Execution != t.Execution:
			return r.Missed, false
		case len(g.Snapshots) == 0:
			return "EC2 was asked for snapshots while the application was at rest, and its answer was lost", true
		case !safeguard.Lasted(r.Unit, a.answer):
			return "the rest was over before it was ended: nobody knows whether the snapshots are of an application at rest", false
		}
		return "", false
	})
	if newer && err == nil {
		return superseded, "", nil
	}
	return outcome, text, err
}

// ended closes a rest, with why no snapshots come of it, and whether that is a failure of AWS or of our own, in one
// write. After a rest of an earlier attempt this one begins anew.
func (h *Handler) ended(ctx context.Context, now time.Time, t enforcement.Task, p *policy.Policy, r record.Rest, text string, judge func(record.Safeguard) (string, bool)) (string, string, error) {
	r.EndedAt = now
	_, err := h.edit(ctx, now, t, func(_ *record.Machine, g *record.Safeguard) ([]record.Entry, bool) {
		r.Missed, r.Ours = judge(*g)
		entries := []record.Entry{{Kind: record.EntrySnapshot, Text: text}}
		g.Command, g.Rest = nil, nil
		if r.Execution == t.Execution {
			closed := r
			g.Rest = &closed
			if r.Missed != "" {
				noSnapshots(g, r.Missed)
				entries = append(entries, record.Entry{Kind: record.EntryFailed, Text: "no snapshots: " + r.Missed})
			}
		}
		return entries, true
	})
	if err != nil || r.Execution != t.Execution || r.Missed == "" {
		return waiting, "", err
	}
	return missedRest(p, r), r.Missed, nil
}

// stillAtRest tells that a rest did not end as far as anybody knows. That is an outage for its owner, so that the first
// attempt of a violation to which this happens holds whatever the policy says. Later ones go on as the policy says, since
// people were told: the machine could hold its revocation for ever by it.
func (h *Handler) stillAtRest(ctx context.Context, now time.Time, t enforcement.Task, p *policy.Policy, why string) (string, string, error) {
	m, err := h.edit(ctx, now, t, func(_ *record.Machine, g *record.Safeguard) ([]record.Entry, bool) {
		return []record.Entry{atRestStill(g, t, why)}, true
	})
	if err != nil {
		return "", "", err
	}
	if g := m.Safeguard; g.HeldAtRest != t.Execution {
		return missed(p), g.Failed, nil
	}
	return failed, m.Safeguard.Failed, nil
}

func atRestStill(g *record.Safeguard, t enforcement.Task, why string) record.Entry {
	g.Command, g.Failed = nil, "the application may be at rest still: "+why
	g.HeldAtRest = cmp.Or(g.HeldAtRest, t.Execution)
	return record.Entry{Kind: record.EntryFailed, Text: g.Failed}
}

// letGo is what an unlock does about a rest that did not end before, once: what comes of it is told, and the rest of
// the unlock does not depend on it.
func (h *Handler) letGo(ctx context.Context, now time.Time, t enforcement.Task, r record.Rest) error {
	a, err := h.ask(ctx, now, t, safeguard.Resume, safeguard.Names{Units: []string{r.Unit}}, resumeWithin)
	if err != nil || a.waiting {
		return err
	}
	ok, why := a.failed == "", a.failed
	if ok {
		ok, why = safeguard.Resumed(r.Unit, !r.AtRestAt.IsZero(), a.answer)
	}
	_, err = h.edit(ctx, now, t, func(_ *record.Machine, g *record.Safeguard) ([]record.Entry, bool) {
		r.UnlockedBy, g.Command = t.Execution, nil
		tried := r
		g.Rest = &tried
		if !ok {
			return []record.Entry{atRestStill(g, t, why)}, true
		}
		tried.EndedAt = now
		return []record.Entry{{Kind: record.EntryUnlock, Text: goesOn + a.answer.Text()}}, true
	})
	return err
}

// missedRest is how a rest of which no snapshots come goes on.
func missedRest(p *policy.Policy, r record.Rest) string {
	if r.Ours {
		return failed
	}
	return missed(p)
}
