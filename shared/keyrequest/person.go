package keyrequest

import (
	"time"

	"github.com/keyward/keyward/shared/policy"
)

// Person is what a person decided about a request. The zero value is nobody.
type Person struct {
	Decision policy.Decision // approve or deny; "" is nobody
	Verdict  policy.Verdict  // of the newest evidence when it was decided; Unknown when there was none
	Age      time.Duration   // since it was decided
}

// Stands is whether a person's decision decides the request. A denial does as long as there is the request. An
// approval does until it was not made use of for as long as the policy lets a request wait, or until the machine fails
// and did not when it was approved: that is not what was approved.
func (p Person) Stands(f Facts, r policy.Requests) bool {
	switch p.Decision {
	case policy.Deny:
		return true
	case policy.Approve:
		return p.Age <= Lasts(r) && (!f.HasAny || f.Verdict != policy.Fail || p.Verdict == policy.Fail)
	default:
		return false
	}
}

// Lasts is how long a request waits for a person, and an approval for the machine, before it expires.
func Lasts(r policy.Requests) time.Duration {
	if r.Expire <= 0 {
		return defaultExpire
	}
	return r.Expire
}

// Shown is the state of a request at a moment: one that waits past its end has expired, also while nothing has
// written it down. A zero end is none.
func Shown(s State, ends, now time.Time) State {
	if (s == Pending || s == Approved) && !ends.IsZero() && !now.Before(ends) {
		return Expired
	}
	return s
}
