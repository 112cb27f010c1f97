package handler

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/safeguard"
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
	by, why := "", m.State.Why
	if o := m.Order; o != nil && !m.State.CommandedAt.IsZero() {
		by, why = o.By, "ordered by a person, whatever its verdict: "+o.Reason
	}
	change.Ledger = []record.Entry{{
		Machine: m.ID, At: now, Kind: record.EntryIntent, Generation: m.State.Generation, Execution: t.Execution, By: by,
		Text: "intent to revoke: " + why, Detail: strings.Join(taken.Grants, " "),
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
