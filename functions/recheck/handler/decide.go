package handler

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/delivery"
	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/safeguard"
	"github.com/keyward/keyward/shared/waiver"
)

// answerWithin is how long a look may take: SSM gives up after 3 minutes, and when its event is lost
// the sweep, every 5 minutes, has the answer read.
const answerWithin = 12 * time.Minute

// leaseFor is longer than the timeouts of all tasks from here to the second read-back.
const leaseFor = 10 * time.Minute

// lockOverhead is what a command to the machine may take beside its work: delivery and answer.
const lockOverhead = 4 * time.Minute

// decide weighs the conditions on what evaluate stored for this look and, when all hold, reserves the
// revocation. What changed between reading and writing is read and weighed again.
func (h *Handler) decide(ctx context.Context, now time.Time, t enforcement.Task) (enforcement.Decision, error) {
	const tries = 5
	var d guard.Decision
	var conflict error
	var first, last int64 // versions of the breaker that were met
	var due safeguard.Due
	var effect policy.Effect
	for n := range tries {
		// Read before the machine: whoever moves its deadline after this changes its version.
		watch, unread := h.Store.Watch(ctx)
		m, err := h.Store.Machine(ctx, t.Input.Machine)
		if err != nil {
			return enforcement.Decision{}, err
		}
		facts, k, err := h.facts(ctx, now, t, m)
		if err != nil {
			return enforcement.Decision{}, err
		}
		facts.Watch = guard.Watch{Read: unread == nil, SweptAt: watch.SweptAt}
		if k.watch = watch; silentLook(facts, now) {
			facts.Fleet = h.fleet(ctx, m, watch)
		}
		if last = k.breaker.Version; n == 0 {
			first = last
		}
		d, conflict = h.weigh(ctx, now, t, m, facts, &k)
		if facts.Look.Locked {
			d = guard.Locked(d)
		}
		if conflict == nil && d.Outcome == guard.Revoke {
			terms := facts.Policy.Terms
			if due, effect = safeguard.Next(terms, snapshotAt(t), now), terms.Effect; facts.Look.Locked {
				due = safeguard.DueRevoke
			}
			switch {
			case safeguard.Wanted(terms) && !t.Safeguards:
				d = guard.Outdated(d)
			case due != safeguard.DueSnapshot: // after which everything is weighed again
				conflict = h.reserve(ctx, now, t, m, k, terms)
			}
		}
		if conflict == nil {
			break
		}
		if !fault.Is(conflict, fault.Conflict) {
			return enforcement.Decision{}, conflict
		}
		d = guard.Unwritten(d)
	}
	if err := contended(conflict, t.Input.Machine, first, last); err != nil {
		return enforcement.Decision{}, err
	}
	answer := enforcement.Decision{Outcome: string(d.Outcome), Reason: string(d.Reason), Text: d.Text, DueAt: d.DueAt}
	if d.Outcome == guard.Revoke {
		answer.Outcome, answer.Effect = string(due), string(effect)
	}
	h.Log.InfoContext(ctx, "enforcement decided", boot.KeyMachine, t.Input.Machine, boot.KeyKind, answer.Outcome,
		boot.KeyReason, string(d.Reason), boot.KeyExecution, t.Execution)
	return answer, nil
}

// longestLock is how long a lock may take: what is in use is read, then it is locked.
func longestLock(t policy.Integrity) time.Duration {
	return 2 * (t.Safeguard.LockWithin + lockOverhead)
}

// snapshotAt is when this execution was done with its snapshots, zero when it was not.
func snapshotAt(t enforcement.Task) time.Time {
	if s := t.Input.Snapshot; s != nil && (s.Outcome == "done" || s.Outcome == "goOn") {
		return s.At
	}
	return time.Time{}
}

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
	if f.Look.Answered {
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

// reserve writes the intent in the one transaction that checks the machine's version, every hold, that no
// waiver was set since they were read, and the breakers, counts the revocation and takes the lease of the key. Without this record nothing is asked of KMS.
func (h *Handler) reserve(ctx context.Context, now time.Time, t enforcement.Task, m record.Machine, k known, terms policy.Integrity) error {
	lease := &record.Lease{
		Name:   record.LeaseName(m.Key.Mode, m.Key.ARN, m.ID),
		Holder: record.LeaseHolder("revoke", m.ID, m.State.Generation), Until: now.Add(leaseFor),
	}
	if terms.Lock {
		lease.Until = lease.Until.Add(longestLock(terms))
	}
	change := store.Change{
		Machine: m, At: now, NotHeld: record.Scopes(m.ID, m.Policy), Waivers: k.waivers, TakeLease: lease, Rules: &k.rules,
	}
	if !drill.Is(m.ID) { // which takes no room from a machine
		counted := guard.Spend(k.breaker, m.ID, m.State.Generation, h.Limits, now)
		change.Breaker = &counted
	}
	if m.State.Key == integrity.KeyRevoking && m.Taken != nil && m.Taken.Generation == m.State.Generation {
		taken := *m.Taken
		taken.Waivers, change.Machine.Taken = k.waivers, &taken
		_, err := h.Store.Apply(ctx, change) // an attempt that was cut off wrote the intent; what guards it is asked anew
		return err
	}
	taken, err := h.taking(ctx, now, m, k.key)
	if err != nil {
		return err
	}
	if m.Taken != nil {
		taken = resumed(taken, *m.Taken)
	}
	taken.Waivers = k.waivers
	state := integrity.Ordered(m.State, now)
	if state.Key != integrity.KeyRevoking {
		return fault.New(fault.Conflict, "reserving the revocation of %s: its state does not allow it", m.ID)
	}
	change.Machine.State, change.Machine.Taken = state, &taken
	change.Ledger = []record.Entry{{
		Machine: m.ID, At: now, Kind: record.EntryIntent, Generation: m.State.Generation, Execution: t.Execution,
		Text: "intent to revoke: " + m.State.Why, Detail: strings.Join(taken.Grants, " "),
	}}
	_, err = h.Store.Apply(ctx, change)
	return err
}

// taking is what this revocation will take, so that exactly that can be given back.
func (h *Handler) taking(ctx context.Context, now time.Time, m record.Machine, k kmskey.Key) (record.Taken, error) {
	taken := record.Taken{
		Generation: m.State.Generation, Mode: m.Key.Mode, KeyARN: k.ARN, Grantee: m.SessionARN, IntentAt: now,
	}
	if m.Key.Mode == policy.DisableKey {
		taken.HadNone = k.State == "Disabled"
		return taken, nil
	}
	grants, err := h.Keys.Grants(ctx, k.ARN, m.SessionARN)
	if err != nil {
		return taken, err
	}
	for _, g := range grants {
		if g.ID == m.Grant || g.Ours(m.ID) {
			taken.Grants = append(taken.Grants, g.ID)
		}
	}
	taken.HadNone = len(taken.Grants) == 0
	if m.Grant != "" && !slices.Contains(taken.Grants, m.Grant) {
		taken.Grants = append(taken.Grants, m.Grant) // KMS lists a new grant up to five minutes late: it is revoked unseen
	}
	return taken, nil
}

// resumed adds what an earlier revocation took that was not given back: the key that is disabled by now
// was disabled by us, and is ours to enable.
func resumed(taken, earlier record.Taken) record.Taken {
	taken.HadNone = taken.HadNone && earlier.HadNone
	for _, id := range earlier.Grants {
		if !slices.Contains(taken.Grants, id) {
			taken.Grants = append(taken.Grants, id)
		}
	}
	return taken
}
