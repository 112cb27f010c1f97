package handler

import (
	"context"
	"strings"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/delivery"
	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/waiver"
)

// known is what was read beside the facts and is needed to write.
type known struct {
	key     kmskey.Key
	version int // of the policy
	breaker record.Breaker
	rules   record.RuleBreaker
	watch   record.Watch
	waivers []record.Revision
}

// facts reads everything that a decision rests on. What cannot be read stays unread in the facts and
// so never lets a revocation pass; only a store that does not answer is an error of the task.
func (h *Handler) facts(ctx context.Context, now time.Time, t enforcement.Task, m record.Machine) (guard.Facts, known, error) {
	var k known
	f := guard.Facts{Generation: t.Input.Generation, State: m.State, Drift: m.Drift, Fleet: guard.Fleet{Read: true}}
	w := delivery.Of(m)
	f.Delivery = guard.Delivery{Counts: w.Counts, Lost: w.Lost}
	stored, err := h.Store.Policy(ctx, m.Policy)
	switch {
	case err == nil:
		if p, err := stored.Compile(); err == nil {
			f.Policy, k.version = guard.Policy{Read: true, Terms: p.Integrity}, p.Version
		}
	case fault.Is(err, fault.NotFound):
		f.Policy = guard.Policy{Read: true, Terms: policy.Default().Integrity}
	}
	if l := t.Input.Look; l != nil && l.CommandID != "" {
		f.Look = guard.Look{AskedAt: l.AskedAt, AnswerBy: l.AskedAt.Add(answerWithin)}
		a, err := h.Store.Answer(ctx, l.CommandID, m.ID)
		switch {
		case err == nil:
			f.Look.Answered, f.Look.Verdict, f.Look.Sent = true, a.Verdict, a.Sent
			f.Look.Presence, f.Look.Effects = a.Presence, a.Effects
		case !fault.Is(err, fault.NotFound):
			return f, k, err
		}
	}
	if l := t.Input.Lock; l != nil && (l.Outcome == "locked" || l.Outcome == "goOn") {
		f.Look.Locked, f.Look.LockTook = true, longestLock(f.Policy.Terms)
	}
	f.Look.StoodDown = m.StoodDown == t.Execution && t.Execution != ""
	if f.Look.Answered || !m.State.CommandedAt.IsZero() {
		f.Holds, f.Calendars = h.holds(ctx, now, m), h.calendars(ctx, m, f.Policy.Terms)
		f.Waivers = h.waivers(ctx, now, m, &k)
	}
	if f.Look.Answered && f.Look.Verdict == policy.Unknown && m.State.Silence && !h.silentAlone(ctx, m) {
		f.Look.Presence = integrity.PresenceUnknown
	}
	f.Key = h.dependants(ctx, f, m)
	if k.key, err = h.Keys.Key(ctx, m.Key.ARN); err == nil {
		f.Key.Read, f.Key.Guarded = true, k.key.Guarded && k.key.Drill == drill.Is(m.ID)
	} else {
		h.Log.WarnContext(ctx, "key cannot be read", boot.KeyMachine, m.ID, boot.KeyError, err.Error())
	}
	f.Breaker, f.Rule = h.breakers(ctx, now, m, &k)
	return f, k, nil
}

// silentAlone says whether the silence can only be the machine's own: EC2 reports its status checks as ok,
// and others of the account answered since it fell silent. What cannot be asked counts against it; a
// hybrid node has no status checks, so that its silence never costs its key.
func (h *Handler) silentAlone(ctx context.Context, m record.Machine) bool {
	if !strings.HasPrefix(m.ID, "i-") {
		return false
	}
	ok, err := h.Instances.Healthy(ctx, m.ID)
	if err != nil || !ok {
		h.Log.WarnContext(ctx, "silence is not proven the machine's own", boot.KeyMachine, m.ID)
		return false
	}
	all, err := h.Store.Machines(ctx)
	if err != nil {
		return false
	}
	others, answered := 0, 0
	for _, other := range all {
		if other.ID == m.ID {
			continue
		}
		others++
		known := other.State.LastVerdict == policy.Pass.String() || other.State.LastVerdict == policy.Fail.String()
		if known && other.State.LastEvidence.After(m.State.SilentSince) {
			answered++
		}
	}
	return others == 0 || answered > 0
}

// calendars reads the policy's change calendars; one that cannot be read is not in the map.
func (h *Handler) calendars(ctx context.Context, m record.Machine, terms policy.Integrity) map[string]guard.Calendar {
	read := map[string]guard.Calendar{}
	for _, name := range terms.Calendars {
		c, err := h.Calendars.Calendar(ctx, name)
		if err != nil {
			h.Log.WarnContext(ctx, "change calendar cannot be read", boot.KeyMachine, m.ID, boot.KeyError, err.Error())
			continue
		}
		read[name] = c
	}
	return read
}

func (h *Handler) holds(ctx context.Context, now time.Time, m record.Machine) guard.Holds {
	stop := func(scope record.Scope) guard.Stop {
		held, err := h.Store.HoldsOn(ctx, []record.Scope{scope}, now)
		if err != nil {
			return guard.Stop{}
		}
		if len(held) == 0 {
			return guard.Stop{Read: true}
		}
		return guard.Stop{Read: true, Set: true, Expires: held[0].Expires}
	}
	scopes := record.Scopes(m.ID, m.Policy)
	return guard.Holds{Global: stop(scopes[0]), Policy: stop(scopes[1]), Machine: stop(scopes[2])}
}

// waivers are read anew, so that one that was set since the look was judged counts, with the revisions that
// the reservation asks to be unchanged.
func (h *Handler) waivers(ctx context.Context, now time.Time, m record.Machine, k *known) guard.Waivers {
	on, err := h.Store.WaiversOn(ctx, record.Scopes(m.ID, m.Policy))
	if err != nil || on.Unread > 0 {
		h.Log.WarnContext(ctx, "waivers cannot be read", boot.KeyMachine, m.ID, boot.KeyCount, on.Unread)
		return guard.Waivers{}
	}
	k.waivers = on.Revisions
	return guard.Waivers{Read: true, Covered: waiver.Covered(m.Findings, on.All, m, now)}
}
