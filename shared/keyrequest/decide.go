package keyrequest

import (
	"time"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
)

// Facts are what the answer to a request rests on. The zero value is a machine of which nothing is
// known, which is never approved.
type Facts struct {
	Verdict  policy.Verdict
	Evidence time.Duration      // age of the evidence behind Verdict; without any, HasAny is false
	HasAny   bool               // there is evidence at all
	Key      integrity.KeyState // what Keyward did with the key
	Presence integrity.Presence
	Held     bool          // an enforcement of this machine stands still for a person (integrity.State.HeldFor)
	Used     bool          // the machine said in this boot that it used its key, and the key is with it
	Waited   time.Duration // since the request began to wait
	Person   Person        // who decided it
}

// Decision is the answer to a request.
type Decision struct {
	Decision policy.Decision
	Reason   Reason
	Text     string // Reason.Text()
	Inspect  bool   // an inspection is needed before it can be decided; ask for one
}

// Event is the event that the decision is for a Pending request; "" for hold, which leaves it so.
func (d Decision) Event() Event {
	switch d.Decision {
	case policy.Approve:
		return Approve
	case policy.Deny:
		return Deny
	default:
		return ""
	}
}

// Unless turns an approval into a denial when there is a doubt that the caller is the machine: one plain line that says
// which; "" is none. Other decisions stay as they are.
func (d Decision) Unless(doubt string) Decision {
	if doubt == "" || d.Decision != policy.Approve {
		return d
	}
	d = decide(policy.Deny, ReasonDoubt)
	d.Text += ": " + doubt
	return d
}

// Reason is why a request was decided as it was: a code with one plain line.
type Reason string

// The reasons.
const (
	ReasonPass       Reason = "complies"
	ReasonFail       Reason = "does-not-comply"
	ReasonUnknown    Reason = "unknown"
	ReasonNoEvidence Reason = "no-evidence"
	ReasonStale      Reason = "stale-evidence"
	ReasonRevoked    Reason = "revoked"
	ReasonStopped    Reason = "not-running"
	ReasonHeld       Reason = "held"
	ReasonApproved   Reason = "approved"
	ReasonDenied     Reason = "denied"
	ReasonNobody     Reason = "nobody-objected"
	ReasonUsed       Reason = "used-in-this-boot"
	ReasonDoubt      Reason = "identity-in-doubt"
)

var texts = map[Reason]string{
	ReasonPass:       "the machine complies with its policy",
	ReasonFail:       "the machine does not comply with its policy",
	ReasonUnknown:    "it is not known whether the machine complies",
	ReasonNoEvidence: "the machine was never inspected",
	ReasonStale:      "the last inspection is too old to decide by",
	ReasonRevoked:    "the key was revoked and comes back by a restore alone",
	ReasonStopped:    "the machine is stopped or gone, so it cannot be the one that asks",
	ReasonHeld:       "an enforcement on this machine waits for a person",
	ReasonApproved:   "a person approved it",
	ReasonDenied:     "a person denied it",
	ReasonDoubt:      "it is not certain that the caller is the machine",
	ReasonUsed:       "the machine complies with its policy, and used its key in this boot already",
	ReasonNobody:     "the machine complies with its policy, and nobody decided otherwise in the time that the policy gives",
}

// Text is the reason in one plain line without a full stop; a code that is not known is its own text.
func (r Reason) Text() string {
	if t, ok := texts[r]; ok {
		return t
	}
	return string(r)
}

// What holds when a policy says nothing.
const (
	defaultAge    = time.Hour // evidence may be as old
	defaultExpire = 24 * time.Hour
)

// Decide answers a request at once. What the machine may not have whatever its verdict and whoever says so comes
// first, then what a person decided, then the age of the evidence: evidence that is missing, too old or from the
// future decides nothing and asks for an inspection. Only then does the policy's word on the verdict count, and only
// Pass can be approved by it, whatever the policy says. What it holds for a person is not held again from a machine that
// has its key and used it in this boot: that would take a key from a machine in order.
func Decide(f Facts, requests policy.Requests) Decision {
	switch {
	case f.Key == integrity.KeyRevoked || f.Key == integrity.KeyRevoking:
		return decide(policy.Deny, ReasonRevoked)
	case f.Presence == integrity.Stopped || f.Presence == integrity.Gone:
		return decide(policy.Deny, ReasonStopped)
	case f.Person.Stands(f, requests) && f.Person.Decision == policy.Deny:
		return decide(policy.Deny, ReasonDenied)
	case f.Person.Stands(f, requests):
		return decide(policy.Approve, ReasonApproved)
	case !f.HasAny:
		return inspect(ReasonNoEvidence)
	case f.Evidence > age(requests) || f.Evidence < -integrity.FutureLimit:
		return inspect(ReasonStale)
	}
	d := byVerdict(f.Verdict, requests)
	switch held := f.Verdict == policy.Pass && d.Decision == policy.Hold; {
	case held && f.Used:
		d = decide(policy.Approve, ReasonUsed)
	case held && requests.AutoApprove > 0 && f.Waited >= requests.AutoApprove:
		d = decide(policy.Approve, ReasonNobody)
	}
	if d.Decision == policy.Approve && f.Held {
		return decide(policy.Hold, ReasonHeld)
	}
	return d
}

func byVerdict(v policy.Verdict, r policy.Requests) Decision {
	switch v {
	case policy.Pass:
		return decide(known(r.OnPass), ReasonPass)
	case policy.Fail:
		return decide(unapproved(r.OnFail), ReasonFail)
	default:
		return decide(unapproved(r.OnUnknown), ReasonUnknown)
	}
}

// unapproved is deny or hold, whatever a policy says.
func unapproved(d policy.Decision) policy.Decision {
	if d == policy.Deny {
		return policy.Deny
	}
	return policy.Hold
}

// known turns a word that is none of the decisions into hold.
func known(d policy.Decision) policy.Decision {
	if d == policy.Approve || d == policy.Deny {
		return d
	}
	return policy.Hold
}

func age(r policy.Requests) time.Duration {
	if r.EvidenceAge <= 0 {
		return defaultAge
	}
	return r.EvidenceAge
}

func decide(d policy.Decision, r Reason) Decision {
	return Decision{Decision: d, Reason: r, Text: r.Text()}
}

func inspect(r Reason) Decision {
	d := decide(policy.Hold, r)
	d.Inspect = true
	return d
}
