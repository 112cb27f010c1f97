package guard

import (
	"slices"
	"time"

	"github.com/keyward/keyward/shared/integrity"
)

// Reason is why a decision came out as it did: a code for the store, the API and State.HeldFor, with
// one plain line for people.
type Reason string

// Reasons of outcomes other than Hold.
const (
	ReasonDue        Reason = "due"
	ReasonCommanded  Reason = "commanded"
	ReasonNotDue     Reason = "not-due"
	ReasonLookEarly  Reason = "look-early"
	ReasonAwaiting   Reason = "awaiting-answer"
	ReasonCorrected  Reason = "corrected"
	ReasonGeneration Reason = "generation"
	ReasonRevoked    Reason = "already-revoked"
	ReasonNotBad     Reason = "not-bad"
	ReasonGone       Reason = "gone"
)

// Reasons of a Hold by one of the conditions.
const (
	ReasonPolicyUnread  Reason = "policy-unread"
	ReasonPolicyChanged Reason = "policy-changed"
	ReasonNotWarned     Reason = "not-warned"
	ReasonBlind         Reason = integrity.HeldBlind
	ReasonStopped       Reason = integrity.HeldStopped
	ReasonNoAnswer      Reason = integrity.HeldNoAnswer
	ReasonStale         Reason = integrity.HeldStale
	ReasonUnknown       Reason = integrity.HeldUnknown
	ReasonOvertaken     Reason = integrity.HeldOvertook
	ReasonHoldsUnread   Reason = "holds-unread"
	ReasonHeldGlobal    Reason = "held-global"
	ReasonHeldPolicy    Reason = "held-policy"
	ReasonHeldMachine   Reason = "held-machine"
	ReasonWaiversUnread Reason = "waivers-unread"
	ReasonWaived        Reason = integrity.HeldWaived
	ReasonKeyUnread     Reason = "key-unread"
	ReasonNotGuarded    Reason = "not-guarded"
	ReasonFlapping      Reason = integrity.HeldFlapping
	ReasonRuleUnread    Reason = "rules-unread"
	ReasonRuleTripped   Reason = "rule-breaker"
	ReasonBreakerUnread Reason = "breaker-unread"
	ReasonBreakerOpen   Reason = "breaker-open"
	ReasonFrozen        Reason = integrity.HeldFrozen
	ReasonController    Reason = "controller-down"
	ReasonManySilent    Reason = "many-silent"
	ReasonNotWritten    Reason = "intent-not-written"
)

// Reasons of a Hold that others find: the integrity of the machine, a task of the enforcement, revoke
// and restore.
const (
	ReasonSilence     Reason = integrity.HeldSilence
	ReasonPolicyHold  Reason = integrity.HeldPolicy
	ReasonManual      Reason = integrity.HeldManual
	ReasonTaskFailed  Reason = "task-failed"
	ReasonNoTurn      Reason = "no-turn"
	ReasonNotRevoked  Reason = "not-revoked"
	ReasonUnconfirmed Reason = "unconfirmed"
	ReasonKeyChanged  Reason = "key-changed"
	ReasonNotOurs     Reason = "key-not-ours"
	ReasonNoSnapshot  Reason = "snapshot-failed"
	ReasonNotLocked   Reason = "lock-failed"
	ReasonNotUnlocked Reason = "not-unlocked"
	ReasonOutdated    Reason = "outdated-execution"
)

var texts = map[Reason]string{
	ReasonCommanded:     "a person ordered it",
	ReasonDue:           "the deadline is reached, the machine was looked at again and still does not comply",
	ReasonNotDue:        "the deadline is not reached yet",
	ReasonLookEarly:     "the last look was sent before the deadline and is repeated",
	ReasonAwaiting:      "the answer to the last look is awaited",
	ReasonCorrected:     "the machine complies again",
	ReasonGeneration:    "something newer happened to the machine since this was started",
	ReasonRevoked:       "the key is revoked already",
	ReasonNotBad:        "the machine is not out of order any more",
	ReasonGone:          "the machine was terminated or deregistered",
	ReasonPolicyUnread:  "the policy could not be read",
	ReasonPolicyChanged: "the policy does not revoke any more",
	ReasonNotWarned:     "no warning was accepted by the mail service",
	ReasonBlind:         "Keyward cannot look at the machine at the moment",
	ReasonStopped:       "the machine is stopped",
	ReasonNoAnswer:      "the machine did not answer the last look",
	ReasonStale:         "the answer to the last look came too late to be acted on",
	ReasonUnknown:       "the last look could not tell whether the machine complies",
	ReasonOvertaken:     "a newer inspection was judged since the last look",
	ReasonFlapping:      "the key was taken and given back as often in 24 hours as the policy allows",
	ReasonFrozen:        "its deadline stood still for more than 24 hours, since Keyward could not look",
	ReasonController:    "Keyward itself did not run for a while, and its deadlines may have to be moved",
	ReasonManySilent:    "so many machines of the policy are silent at once that the trouble may not be theirs",
	ReasonHoldsUnread:   "it could not be read whether a person stopped this",
	ReasonHeldGlobal:    "a person stopped all revocations",
	ReasonHeldPolicy:    "a person stopped the revocations of this policy",
	ReasonHeldMachine:   "a person stopped the revocations of this machine",
	ReasonWaiversUnread: "it could not be read whether a person allowed what the machine fails by",
	ReasonWaived:        "a person allowed what the machine was last seen to fail by",
	ReasonKeyUnread:     "the tags of the key could not be read",
	ReasonNotGuarded:    "the key does not carry the tag keyward:guarded = true",
	ReasonRuleUnread:    "it could not be read whether too many machines fail the same rule",
	ReasonRuleTripped:   "too many machines that complied fail the same rule at once, so it only notifies",
	ReasonBreakerUnread: "it could not be read how many keys were revoked lately",
	ReasonBreakerOpen:   "as many machines as the limit allows lost their keys lately",
	ReasonNotWritten:    "the intent could not be written down, and without a record nothing is revoked",
	ReasonSilence:       "the machine gave no usable answer for as long as its policy allows",
	ReasonPolicyHold:    "the policy leaves what follows to a person",
	ReasonManual:        "the machine complies again, and the policy leaves giving the key back to a person",
	ReasonTaskFailed:    "a step of the enforcement failed",
	ReasonNoTurn:        "more keys are to be revoked than AWS KMS takes requests for, and its turn did not come in time",
	ReasonNotRevoked:    "AWS KMS was asked to revoke and read back, and the machine still has its key",
	ReasonUnconfirmed:   "AWS KMS was asked to revoke, and it cannot be read back whether it did",
	ReasonKeyChanged:    "somebody else changed the key since it was revoked",
	ReasonNoSnapshot:    "the snapshots before the revocation were not made",
	ReasonNotLocked:     "the machine could not be put at rest before the revocation",
	ReasonNotUnlocked:   "what was stopped on the machine could not be brought back",
	ReasonOutdated:      "this enforcement was started before the policy's safeguards could be carried out",
	ReasonNotOurs:       "somebody else had disabled the key before it was revoked, and it stays as they wanted it",

	ReasonTagDrift: "the tags of the machine say something else than when it was enrolled",

	ReasonKeyShared:        "others depend on the key and would lose it too",
	ReasonDependantsUnread: "it could not be read whole who else depends on the key",

	ReasonWarningBounced: "the warning reached nobody whom it counts for",
	ReasonCalendarClosed: "a change calendar of the policy is closed",
	ReasonCalendarUnread: "a change calendar of the policy could not be read",
}

// Text is the reason in one plain line without a full stop; a code that is not known is its own text.
func (r Reason) Text() string {
	if t, ok := texts[r]; ok {
		return t
	}
	return string(r)
}

// RetryAfter is how long a hold lasts whose reason nothing but another try can end.
const RetryAfter = 30 * time.Minute

// tried are the reasons that only another try can end.
var tried = []Reason{
	ReasonNotWarned, ReasonWarningBounced, ReasonKeyShared, ReasonDependantsUnread, ReasonNotWritten, ReasonTaskFailed, ReasonNoTurn, ReasonNotRevoked, ReasonUnconfirmed,
	ReasonNoSnapshot, ReasonNotLocked, ReasonNotUnlocked, ReasonOutdated,
}

// ToldTogether is whether one mail to the account's contact tells of a hold of this reason, instead of one
// about each machine: those of the breakers, which hold many at once.
func ToldTogether(r Reason) bool { return r == ReasonBreakerOpen || r == ReasonRuleTripped }

// Lifted is whether the reason for which the machine is held is gone, so that the sweep may note
// integrity.Unheld and start what is integrity.Owed. What only evidence ends is ended by
// integrity.Next, what only a person ends by a person; both, and codes that are not known, are
// never lifted here. Facts.Look and Facts.Generation are not read.
func Lifted(f Facts, now time.Time) bool {
	r := Reason(f.State.HeldFor)
	switch {
	case r == "":
		return false
	case slices.Contains(tried, r):
		return !now.Before(f.State.HeldSince.Add(RetryAfter))
	}
	for _, c := range conditions {
		if slices.Contains(c.reasons, r) {
			return c.check(f, now) == ""
		}
	}
	return false
}
