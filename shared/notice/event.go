package notice

import (
	"regexp"
	"slices"
	"strings"
)

// Event is one kind of notice as people choose and read about it.
type Event struct {
	Kind Kind
	When string // it is sent, in words that go on after "sent when"
	Was  string // ids of SecureCloud's events of the same meaning; empty: it had none
	Can  bool   // it can wait: nothing runs out before a person has read it
}

// events are all kinds, in the order in which the documents list them.
var events = []Event{
	{Kind: Warning, When: "a machine does not comply, or is silent for too long, and its key will be revoked: the revocation is scheduled by its acceptance", Was: "43"},
	{Kind: Reminder, When: "a machine still does not comply, as often as the policy's `remind` says", Can: true},
	{Kind: DueSoon, When: "the deadline of a warning is near: a quarter of its grace before, at most an hour; not when that is less than 10 minutes, nor while something holds it"},
	{Kind: Escalated, When: "nobody put a machine right in a time for which the policy's `notify.escalate` names others; each step once, and none while a hold covers the machine"},
	{Kind: StoodDown, When: "a machine complies again before its deadline: it was corrected, or what it fails by is waived", Can: true},
	{Kind: Revoked, When: "a key was revoked and read back twice; it says whether that is effective, and who says so"},
	{Kind: Effective, When: "of a key that was revoked before, EC2 shows its machine as stopped"},
	{Kind: OrderFailed, When: "a person ordered that a key is taken, and something came in between"},
	{Kind: Restored, When: "a key was given back", Can: true},
	{Kind: Held, When: "an enforcement stands still for a person, and why"},
	{Kind: CannotCheck, When: "a machine gives no usable answer", Can: true},
	{Kind: Withdrawn, When: "a machine is gone, and its grant was removed", Can: true},
	{Kind: Unconfirmed, When: "AWS KMS was asked to revoke, and what came of it is not known"},
	{Kind: NotifyBad, When: "a machine does not comply, and its policy only tells", Was: "43", Can: true},
	{Kind: Waived, When: "a person lets stand what a machine, or machines, fail by", Can: true},
	{Kind: WaiverEnding, When: "what people allowed counts again within a day"},
	{Kind: WaiverAsked, When: "somebody asks by a [link](links.md) of a mail that what a machine fails by may stand; it goes to the account's contact too"},
	{Kind: RequestPending, When: "a key request waits for a person", Was: "32"},
	{Kind: RequestApproved, When: "a person approved a key request; or the policy did, and says `notify.approvals: true`", Was: "34", Can: true},
	{Kind: RequestUnopposed, When: "a key request was approved because nobody decided otherwise in `requests.autoApprove`", Was: "35", Can: true},
	{Kind: RequestDenied, When: "a person or the policy denied a key request", Was: "33"},
	{Kind: RequestExpired, When: "nobody decided a key request in time, or the machine did not come for what was approved", Can: true},
	{Kind: RequestFailed, When: "a key request was approved, and AWS KMS gave no key", Was: "57, 60"},
	{Kind: NotEffective, When: "a bypass was found: a key is revoked, and AWS KMS shows other ways to use it"},
	{Kind: KeyLost, When: "somebody else took the key of a machine that has it"},
	{Kind: TagDrift, When: "a machine's tags name another key, policy or owner than its enrolment", Was: "38"},
	{Kind: RestoreDropped, When: "a person wanted a key given back, and a newer inspection fails"},
	{Kind: PolicyChanged, When: "a person put another version of a policy, or deleted it; those whom the version before named hear of it too", Can: true},
	{Kind: BreakerOpen, When: "the limit on revocations is reached"},
	{Kind: RulesTripped, When: "too many machines newly fail a rule at once"},
	{Kind: Outage, When: "machines cannot be looked at, and deadlines are moved", Was: "61"},
}

// Events are all events.
func Events() []Event { return append([]Event(nil), events...) }

// EventOf is the event of a name; ok is false when there is none.
func EventOf(name string) (e Event, ok bool) {
	at := slices.IndexFunc(events, func(e Event) bool { return string(e.Kind) == name })
	if at < 0 {
		return Event{}, false
	}
	return events[at], true
}

// Said is When for what shows no Markdown.
func (e Event) Said() string {
	return strings.ReplaceAll(markdownLink.ReplaceAllString(e.When, "$1"), "`", "")
}

var markdownLink = regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`)

// Omissible is whether a policy may leave it out.
func (e Event) Omissible() bool { return e.Can && !e.Kind.OfStack() }

// Kinds are all kinds.
func Kinds() []Kind {
	kinds := make([]Kind, len(events))
	for i, e := range events {
		kinds[i] = e.Kind
	}
	return kinds
}

// wordingOf is what a kind says; ok is false for a kind that is none.
func wordingOf(k Kind) (w wording, ok bool) {
	for _, some := range []map[Kind]wording{wordings, requestWordings, actWordings, climbWordings} {
		if w, ok = some[k]; ok {
			return w, true
		}
	}
	return w, false
}
