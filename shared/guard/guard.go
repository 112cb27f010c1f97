// Package guard decides whether one enforcement may go on to revoke a key, from facts that its caller
// read: the conditions of a revocation, each on its own, in one list. All of them must hold; what
// could not be read does not hold. It asks no clock, calls nobody and takes no key away itself: recheck
// asks it at the deadline, the sweep whether the reason of a hold is gone, and api and the command line
// what would stop a revocation.
package guard

import (
	"slices"
	"time"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// Facts are what a decision rests on, all read for this decision. The zero value of each part means
// that it could not be read, which never lets a revocation pass.
type Facts struct {
	Generation int64           // of the execution that asks
	State      integrity.State // of the machine, read consistently
	Policy     Policy
	Look       Look
	Watch      Watch
	Fleet      Fleet
	Holds      Holds
	Waivers    Waivers
	Drift      []string // what the machine's tags say now and did not say at enrolment
	Key        Key
	Delivery   Delivery
	Calendars  map[string]Calendar // by the policy's name for them; one that is missing could not be read
	Rule       Rule
	Breaker    Breaker
}

// Policy is what the machine's policy says now.
type Policy struct {
	Read  bool
	Terms policy.Integrity
}

// Look is the inspection that this execution asked for.
type Look struct {
	AskedAt   time.Time // zero: not asked yet
	AnswerBy  time.Time // no answer is expected after it
	Answered  bool      // evaluate judged it
	Verdict   policy.Verdict
	Sent      time.Time
	Presence  integrity.Presence
	Effects   []integrity.Effect // of the move that the answer made
	StoodDown bool               // another look of this execution ended the violation
	Locked    bool               // the machine was put at rest since, for which the revocation was reserved
	LockTook  time.Duration      // at most: by so much more the evidence may be old
}

// Watch is what is known of Keyward's own work.
type Watch struct {
	Read    bool
	SweptAt time.Time // the last completed sweep began; zero: never
}

// Fleet is what is known of the other machines of the policy.
type Fleet struct {
	Read     bool
	Doubtful bool // integrity.Doubtful of them, and no person said since that this machine goes on
}

// Holds are the stops by people that may cover the machine.
type Holds struct {
	Machine, Policy, Global Stop
}

// Stop is one hold, or its absence.
type Stop struct {
	Read    bool // it is known whether there is one
	Set     bool
	Expires time.Time // zero: not until it is lifted
}

// Waivers is whether people allowed what the machine fails by.
type Waivers struct {
	Read    bool // all waivers that may be for the machine could be read
	Covered bool // they cover each failed finding of the last judgement
}

// Key is what is known of the key.
type Key struct {
	Read       bool // its tags could be read
	Guarded    bool // it carries keyward:guarded = true
	Mode       policy.Mode
	Dependants record.Dependants
}

// Outcome is where the enforcement goes on. The words are those of enforcement.Decision.
type Outcome string

// The outcomes. The zero value is none of them, and the state machine has no way on for it.
const (
	Waiting    Outcome = "waiting"  // for the answer to the look
	Extended   Outcome = "extended" // the deadline is later, or the look was too early: wait until DueAt
	StandDown  Outcome = "standDown"
	Hold       Outcome = "hold"
	Revoke     Outcome = "revoke"
	Withdraw   Outcome = "withdraw"
	Superseded Outcome = "superseded" // another execution has the matter, or there is none any more
)

// Decision is the outcome with its reason.
type Decision struct {
	Outcome Outcome
	Reason  Reason
	Text    string // Reason.Text(), with what it is about where that is needed
	DueAt   time.Time
}

func decide(o Outcome, r Reason, dueAt time.Time) Decision {
	return Decision{Outcome: o, Reason: r, Text: r.Text(), DueAt: dueAt}
}

// Weigh decides how an enforcement goes on. Revoke means that every condition but the last holds; the
// caller then writes the intent in the transaction that checks generation and holds again, and
// asks Unwritten what follows when that fails.
func Weigh(f Facts, now time.Time) Decision {
	if d, over := closed(f); over {
		return d
	}
	due, commanded := f.State.DueAt, !f.State.CommandedAt.IsZero()
	if !commanded && now.Before(due) {
		return decide(Extended, ReasonNotDue, due)
	}
	if d, early := awaited(f, now); early && !commanded {
		return d
	}
	for _, c := range conditions {
		if commanded && !commandedToo[c.name] {
			continue
		}
		r := c.check(f, now)
		if r == "" {
			continue
		}
		if waitedFor[r] && now.Sub(due) <= integrity.BlindLimit {
			return decide(Extended, r, now.Add(WaitAgain).Truncate(time.Second))
		}
		d := decide(Hold, r, due)
		d.Text = said(f, r)
		return d
	}
	if commanded {
		return decide(Revoke, ReasonCommanded, due)
	}
	return decide(Revoke, ReasonDue, due)
}

// Unwritten is the decision when the intent of a revocation could not be written: without a record
// there is no act.
func Unwritten(d Decision) Decision { return decide(Hold, ReasonNotWritten, d.DueAt) }

// Locked is the decision about a machine that was put at rest already: it is not left so while something is waited for, so
// that what would be waited for holds. A deadline that was moved meanwhile is the sweep's to act on.
func Locked(d Decision) Decision {
	switch d.Outcome {
	case Waiting, Extended:
	default:
		return d
	}
	if waitedFor[d.Reason] {
		return decide(Hold, d.Reason, d.DueAt)
	}
	return decide(Hold, ReasonController, d.DueAt)
}

// Outdated is the decision of an execution whose state machine cannot carry out what the policy wants
// before a revocation: it is held, and a later one does it.
func Outdated(d Decision) Decision { return decide(Hold, ReasonOutdated, d.DueAt) }

// closed is whether there is nothing left to enforce for this execution.
func closed(f Facts) (Decision, bool) {
	s := f.State
	switch {
	case s.CommandedAt.IsZero() && (f.Look.StoodDown || slices.Contains(f.Look.Effects, integrity.StandDown)) && s.Standing == integrity.Good:
		// The answer of this very look raised the generation, and nobody else says so.
		return decide(StandDown, ReasonCorrected, time.Time{}), true
	case f.Generation != s.Generation:
		return decide(Superseded, ReasonGeneration, time.Time{}), true
	case s.Key == integrity.KeyRevoked:
		return decide(Superseded, ReasonRevoked, time.Time{}), true
	case !s.GoneAt.IsZero():
		return decide(Withdraw, ReasonGone, time.Time{}), true
	case s.Standing != integrity.Bad && s.CommandedAt.IsZero():
		return decide(Superseded, ReasonNotBad, time.Time{}), true
	}
	return Decision{}, false
}

// awaited is whether the look has to be waited for, or to be repeated because it was sent before the
// deadline and says nothing about a correction in the last minute.
func awaited(f Facts, now time.Time) (Decision, bool) {
	l := f.Look
	switch {
	case f.State.DueAt.IsZero() || l.AskedAt.IsZero():
		return Decision{}, false
	case !l.Answered:
		return decide(Waiting, ReasonAwaiting, f.State.DueAt), !now.After(l.AnswerBy)
	case l.Sent.Before(f.State.DueAt):
		return decide(Extended, ReasonLookEarly, f.State.DueAt), true
	}
	return Decision{}, false
}
