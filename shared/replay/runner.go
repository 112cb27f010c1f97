package replay

import (
	"time"

	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/waiver"
)

// runner moves one machine through the window.
type runner struct {
	terms   policy.Integrity
	limit   *breaker
	rules   *rules
	index   int // among the machines of rules
	state   integrity.State
	machine record.Machine // what its last judgement found, for the next
	looks   []Look         // that are to come
	last    Look           // the newest that moved the machine; zero before the first
	stuck   bool           // a supposed look moved nothing, and would not the next time: the next is a real one
	at      time.Time      // of the next step
	out     Outcome
}

func newRunner(h History, terms policy.Integrity, limit *breaker, fleet *rules, index int) *runner {
	return &runner{
		terms: terms, limit: limit, rules: fleet, index: index, looks: inOrder(h.Looks), state: integrity.State{Key: integrity.KeyReleased},
		out: Outcome{Machine: h.Machine, Events: []Event{}, Verdicts: map[string]int{}},
	}
}

// next is when the machine moves next: at a look that is supposed, or when the next one that was kept was judged. False is
// the end.
func (r *runner) next() (time.Time, bool) {
	if len(r.looks) == 0 {
		return time.Time{}, false
	}
	if at, _ := r.supposed(); !at.IsZero() {
		return at, true
	}
	return r.looks[0].Judged, true
}

// step is the move that next announced.
func (r *runner) step() {
	if at, _ := r.next(); at.After(r.at) {
		return // others took the room that it waited for
	}
	l, seen := r.looks[0], r.state.LastEvidence
	if at, asked := r.supposed(); !at.IsZero() {
		if asked {
			r.state = integrity.Asked(r.state, at, r.terms)
		}
		l.Sent, l.Judged = at, at
		r.unblock(at)
		r.move(l, true)
		r.stuck = r.state.LastEvidence.Equal(seen)
		return
	}
	r.looks, r.stuck = r.looks[1:], false
	r.unblock(l.Judged)
	r.move(l, false)
	r.count(l)
}

// unblock lets a machine go on that waits for room in the breaker, once there is some.
func (r *runner) unblock(now time.Time) {
	if r.blocked() && r.limit.free(now).Equal(now) {
		r.state = integrity.Unheld(r.state, now)
	}
}

func (r *runner) blocked() bool { return r.state.HeldFor == string(guard.ReasonBreakerOpen) }

func (r *runner) end() Outcome {
	r.out.Standing, r.out.Key = r.state.Standing, r.state.Key
	if r.waiting() {
		r.out.Due = r.state.DueAt
	}
	return r.out
}

func (r *runner) count(l Look) {
	if r.out.Looks == 0 || l.Sent.Before(r.out.First) {
		r.out.First = l.Sent
	}
	if l.Sent.After(r.out.Last) {
		r.out.Last = l.Sent
	}
	r.out.Looks++
	r.out.Verdicts[l.Verdict.String()]++
}

// supposed is a look that Keyward would have asked for before the next inspection that was kept, if that one says what the
// last one said; zero when there is none. Asked is asks'.
func (r *runner) supposed() (at time.Time, asked bool) {
	next := r.looks[0]
	if r.stuck || next.Presence != integrity.Running || !r.last.same(next) {
		return time.Time{}, false
	}
	at, asked = r.asks()
	// An inspection that came soon after is the look itself.
	if at.IsZero() || next.Sent.Sub(at) <= inspection.TooOld {
		return time.Time{}, false
	}
	return at, asked
}

// asks is when Keyward would look at the machine next, apart from its schedule: at the deadline, when the breaker has room,
// or at the look that the state asks for (asked is true then). It is the zero time when it would not.
func (r *runner) asks() (at time.Time, asked bool) {
	switch {
	case !r.waiting() || !r.state.FrozenSince.IsZero():
	case r.blocked():
		if at = r.limit.free(r.state.LastEvidence.Add(time.Nanosecond)); !at.IsZero() && at.Before(r.at) {
			at = r.at
		}
	case r.state.HeldFor == "" && r.state.DueAt.After(r.state.LastEvidence):
		at = r.state.DueAt
	}
	if look := r.state.LookAt; look.After(r.state.LastEvidence) && (at.IsZero() || look.Before(at)) {
		return look, true
	}
	return at, false
}

// waiting is whether a deadline was promised and nothing has come of it.
func (r *runner) waiting() bool {
	return r.state.Standing == integrity.Bad && !r.state.DueAt.IsZero() && r.state.Key == integrity.KeyReleased
}

func (r *runner) move(l Look, supposed bool) {
	before := r.state
	if !l.Sent.After(before.LastEvidence) {
		return
	}
	if !supposed {
		r.last = l
	}
	result := policy.Result{Verdict: l.Verdict, Findings: l.Findings}
	terms := r.rules.terms(r.terms, l)
	if before.HeldFor == string(guard.ReasonRuleTripped) && terms.OnFail == r.terms.OnFail {
		before = integrity.Unheld(before, l.Judged) // it fails by something else by now, or not any more
	}
	next, effects := integrity.Next(before, integrity.Input{
		Verdict: l.Verdict.String(), Sent: l.Sent, Presence: l.Presence, Why: l.Why,
		Permitted: waiver.Permitted(r.machine, result), WaiverEnded: waiver.Ended(r.machine, result),
	}, terms, l.Judged)
	r.state = next
	if l.Seen {
		r.machine = record.Machine{Findings: result.Bad(), Waived: result.Waived(), Allowed: waiver.Allowed(r.machine, result)}
	}
	if owed, ok := integrity.Owed(next, terms); ok && owed == integrity.Warn && len(effects) == 0 {
		effects = append(effects, owed) // it was told of a rule that only notifies, and fails another one by now
	}
	r.machine.State = next
	r.rules.judged(r.index, before, r.machine, l.Judged)
	if r.waiting() && r.state.HeldFor == "" && !l.Judged.Before(r.state.DueAt) && r.rules.stopped(r.index) {
		r.state = integrity.Held(r.state, string(guard.ReasonRuleTripped), l.Judged)
		r.out.Events = append(r.out.Events, Event{Kind: Held, At: l.Judged, Why: r.state.HeldFor, Supposed: supposed})
		return
	}
	for _, e := range effects {
		if happened, ok := r.follow(e, before, l); ok {
			happened.Supposed = supposed
			r.out.Events = append(r.out.Events, happened)
		}
	}
}

// follow does what the functions do of an effect, and says what people would call it. A reminder changes nothing.
func (r *runner) follow(e integrity.Effect, before integrity.State, l Look) (Event, bool) {
	now := l.Judged
	happened := Event{At: now, Why: r.state.Why}
	switch e {
	case integrity.Warn:
		r.state = integrity.Warned(r.state, now, r.terms)
		happened.Kind, happened.Due = Warned, r.state.DueAt
	case integrity.Revoke:
		if !r.limit.take(r.out.Machine, now) {
			r.state = integrity.Held(r.state, string(guard.ReasonBreakerOpen), now)
			happened.Kind, happened.Why = Held, r.state.HeldFor
			return happened, true
		}
		happened.Kind, happened.Doubt = Revoked, r.silence()
		r.state = integrity.Revoked(integrity.Ordered(r.state, now), now, r.terms)
	case integrity.StandDown:
		happened.Kind, happened.Why, happened.Doubt = StoodDown, before.Why, missed(before, l)
	case integrity.Restore:
		r.state = integrity.Restored(r.state, now, r.terms)
		happened.Kind, happened.Why = Restored, before.Why
	case integrity.Withdraw:
		r.state = integrity.Withdrawn(r.state, now)
		happened.Kind = Withdrawn
	case integrity.Hold:
		happened.Kind, happened.Why = Held, r.state.HeldFor
	case integrity.NotifyBad:
		happened.Kind = Told
	case integrity.CannotCheck:
		happened.Kind, happened.Why = Silent, l.Why
	default:
		return Event{}, false
	}
	return happened, true
}

// silence is the doubt about a revocation for silence: that the instance was well and others answered was asked at the
// time and is not kept.
func (r *runner) silence() string {
	if r.state.Silence {
		return "only if EC2 said that the instance is well, and other machines answered"
	}
	return ""
}

// missed is the doubt about standing down when the deadline passed unseen: the machine may have been put right before
// it or after.
func missed(before integrity.State, l Look) string {
	if due := before.DueAt; !due.IsZero() && l.Sent.Sub(due) > inspection.TooOld && before.FrozenSince.IsZero() && before.HeldFor == "" {
		return "nobody looked between the deadline at " + due.Format(time.RFC3339) + " and this: the key may have been revoked"
	}
	return ""
}
