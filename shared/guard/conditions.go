package guard

import (
	"time"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
)

// Fresh is how old the evidence of the last look may be when it is acted on.
const Fresh = 15 * time.Minute

// condition is one thing that must hold before a key is taken. check returns why it does not, or "".
type condition struct {
	name    string
	check   func(Facts, time.Time) Reason
	reasons []Reason // whose end the check can see
}

// conditions are all of them, in the order in which they are asked and told. Their places, by the
// numbers of the design:
//
//  1. fresh evidence says Fail, or silence has run its course: evidence, presence
//  2. the warning was accepted and reached somebody for whom it counts: delivered, warned
//  3. no hold and no waiver covers it, no change calendar is closed, and each could be read: holds,
//     waivers, calendars.
//  4. the breaker has room, and none of the rules has tripped: rule, breaker. The breaker is asked last,
//     so that it opens only for what would else be revoked.
//  5. the key is guarded, is the one that a person meant, and nobody else depends on it: tags, guarded, alone
//  6. the generation is the execution's own: closed, which supersedes instead of holding
//  7. the intent was written: the caller's transaction, and Unwritten
//
// Beside them, nothing is revoked while the deadlines may have to be moved for an outage of ours: watch, fleet,
// decided.
//
// The policy itself is asked before all of them: without it no condition means anything.
var conditions = []condition{
	{"policy", policyRevokes, []Reason{ReasonPolicyUnread, ReasonPolicyChanged}},
	{"delivered", delivered, nil},
	{"warned", warned, nil},
	{"decided", decidedOn, nil},
	{"watch", watched, []Reason{ReasonController}},
	{"fleet", fleetAnswers, []Reason{ReasonManySilent}},
	{"presence", present, []Reason{ReasonBlind, ReasonStopped}},
	{"evidence", evidenceFails, nil},
	{"flapping", notFlapping, nil},
	{"holds", notHeld, []Reason{ReasonHoldsUnread, ReasonHeldGlobal, ReasonHeldPolicy, ReasonHeldMachine}},
	{"waivers", notWaived, []Reason{ReasonWaiversUnread, ReasonWaived}},
	{"calendars", calendarsOpen, []Reason{ReasonCalendarUnread, ReasonCalendarClosed}},
	{"tags", undrifted, []Reason{ReasonTagDrift}},
	{"guarded", guarded, []Reason{ReasonKeyUnread, ReasonNotGuarded}},
	{"alone", alone, nil}, // asked anew by another try: each asking reads every volume and snapshot
	{"rule", notTripped, []Reason{ReasonRuleUnread, ReasonRuleTripped}},
	{"breaker", hasRoom, []Reason{ReasonBreakerUnread, ReasonBreakerOpen}},
}

// commandedToo are the conditions of a revocation that a person ordered: all but those about what the machine did, who was
// told of that, and how it was looked at. The person answers for these, by name.
var commandedToo = map[string]bool{"policy": true, "holds": true, "calendars": true, "tags": true, "guarded": true, "alone": true, "breaker": true}

// waitedFor are the reasons that are waited for, a day long, without holding and telling each machine.
var waitedFor = map[Reason]bool{ReasonController: true, ReasonManySilent: true}

func policyRevokes(f Facts, _ time.Time) Reason {
	switch {
	case !f.Policy.Read:
		return ReasonPolicyUnread
	case f.State.CommandedAt.IsZero() && !integrity.Revokes(f.State, f.Policy.Terms):
		return ReasonPolicyChanged
	}
	return ""
}

func warned(f Facts, _ time.Time) Reason {
	if f.State.WarnedAt.IsZero() || f.State.DueAt.IsZero() {
		return ReasonNotWarned
	}
	return ""
}

// WatchLimit is how long a completed sweep may be ago: two of the longest periods. What is due after that waits
// for a sweep, which moves the deadlines first.
const WatchLimit = 30 * time.Minute

// WaitAgain is how long an enforcement waits that Keyward's own outage stops.
const WaitAgain = 10 * time.Minute

func watched(f Facts, now time.Time) Reason {
	if !f.Watch.Read || now.Sub(f.Watch.SweptAt) > WatchLimit {
		return ReasonController
	}
	return ""
}

func fleetAnswers(f Facts, _ time.Time) Reason {
	if !f.Fleet.Read || f.Fleet.Doubtful {
		return ReasonManySilent
	}
	return ""
}

func decidedOn(f Facts, _ time.Time) Reason {
	if f.State.HeldFor == integrity.HeldFrozen {
		return ReasonFrozen
	}
	return ""
}

// present is asked before the verdict: when the machine stands still, no verdict is expected.
func present(f Facts, _ time.Time) Reason {
	switch {
	case !f.State.BlindSince.IsZero():
		return ReasonBlind
	case !f.State.FrozenSince.IsZero():
		return ReasonStopped
	}
	return ""
}

// evidenceFails lets Unknown pass where the violation is silence, which was warned of as such and which
// the policy revokes for, and AWS says that the machine runs.
func evidenceFails(f Facts, now time.Time) Reason {
	l := f.Look
	switch {
	case !l.Answered:
		return ReasonNoAnswer
	case now.Sub(l.Sent) > Fresh+l.LockTook:
		return ReasonStale
	case f.State.LastVerdict != l.Verdict.String():
		return ReasonOvertaken
	case l.Verdict == policy.Fail && !f.State.Silence:
		return ""
	case l.Verdict == policy.Unknown && f.State.Silence && l.Presence == integrity.Running:
		return ""
	case l.Verdict == policy.Unknown:
		return ReasonUnknown
	}
	return ReasonOvertaken
}

// notFlapping asks of a revocation that is not ordered yet: one that is counts among the changes itself.
func notFlapping(f Facts, now time.Time) Reason {
	if f.State.Key != integrity.KeyRevoking && integrity.Flapping(f.State, f.Policy.Terms, now) {
		return ReasonFlapping
	}
	return ""
}

func notHeld(f Facts, now time.Time) Reason {
	for _, h := range []struct {
		stop   Stop
		reason Reason
	}{
		{f.Holds.Global, ReasonHeldGlobal},
		{f.Holds.Policy, ReasonHeldPolicy},
		{f.Holds.Machine, ReasonHeldMachine},
	} {
		switch {
		case !h.stop.Read:
			return ReasonHoldsUnread
		case h.stop.Set && (h.stop.Expires.IsZero() || now.Before(h.stop.Expires)):
			return h.reason
		}
	}
	return ""
}

// notWaived asks again what evaluate asked when it judged: a waiver that was set since is heeded, and
// one that could not be read then or cannot be now never lets a key go.
func notWaived(f Facts, _ time.Time) Reason {
	switch {
	case !f.Waivers.Read:
		return ReasonWaiversUnread
	case f.Waivers.Covered && !f.State.Silence:
		return ReasonWaived
	}
	return ""
}

func guarded(f Facts, _ time.Time) Reason {
	switch {
	case !f.Key.Read:
		return ReasonKeyUnread
	case !f.Key.Guarded:
		return ReasonNotGuarded
	}
	return ""
}

// Stops is what would stop a revocation now if its deadline were reached and the evidence there, in
// the order of the conditions; empty when nothing would. Facts.Look and Facts.Generation are not read.
func Stops(f Facts, now time.Time) []Reason {
	var stops []Reason
	for _, c := range conditions {
		if c.name == "evidence" || !f.State.CommandedAt.IsZero() && !commandedToo[c.name] {
			continue
		}
		if r := c.check(f, now); r != "" {
			stops = append(stops, r)
		}
	}
	return stops
}
