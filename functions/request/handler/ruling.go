package handler

import (
	"time"

	"github.com/keyward/keyward/shared/keyrequest"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// ruled is what a person decided about a request.
func ruled(r record.Request, now time.Time) keyrequest.Person {
	if r.Ruling == nil {
		return keyrequest.Person{}
	}
	p := keyrequest.Person{Decision: policy.Deny, Verdict: r.Ruling.Verdict, Age: now.Sub(r.Ruling.At)}
	if r.Ruling.Approved {
		p.Decision = policy.Approve
	}
	return p
}

// lapse writes down that a request has waited too long, or that an approval does not stand any more, and has it wait
// anew: the machine asks.
func lapse(r *record.Request, now time.Time, f keyrequest.Facts, requests policy.Requests) error {
	why := ""
	switch person := ruled(*r, now); {
	case person.Decision == policy.Approve && !person.Stands(f, requests):
		if why = "the machine did not come for it in time"; person.Age <= keyrequest.Lasts(requests) {
			why = "the machine fails now, and did not when a person approved it"
		}
		r.Ruling = nil
	case keyrequest.Shown(keyrequest.State(r.State), r.ExpiresAt, now) != keyrequest.State(r.State):
		why = "nobody decided in time"
	}
	r.ExpiresAt = time.Time{}
	if state := keyrequest.State(r.State); why == "" || state != keyrequest.Pending && state != keyrequest.Approved {
		return nil
	}
	if err := move(r, keyrequest.Expire, now, byPolicy, why); err != nil {
		return err
	}
	return reopen(r, now)
}
