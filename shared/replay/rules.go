package replay

import (
	"time"

	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// version is that of the candidate in a replay: one all the time, as its rules are.
const version = 1

// rules is the breaker on the candidate's rules, counted by the same code as at work.
type rules struct {
	limits   guard.RuleLimits
	breaker  record.RuleBreaker
	machines []record.Machine // each runner's, as it was judged last
	trips    []record.Trip
}

// terms are the policy's for what a look found: a rule that tripped only notifies.
func (r *rules) terms(t policy.Integrity, l Look) policy.Integrity {
	return guard.Terms(&policy.Policy{Integrity: t}, r.breaker, version, guard.FailedRules(l.Findings))
}

// judged keeps what became of a runner's machine, and trips the rules that too many newly fail by now: at once, where the
// sweep needs up to five minutes.
func (r *rules) judged(i int, was integrity.State, m record.Machine, now time.Time) {
	m.PolicyUsed = version
	before := r.machines[i].BrokeAt
	m.BrokeAt = guard.BrokeAt(before, was, m.State, now)
	r.machines[i] = m
	if m.BrokeAt.Equal(before) && m.State.Standing == was.Standing || m.BrokeAt.IsZero() || guard.Stopped(m, r.breaker) {
		return
	}
	trips := guard.Trips(version, r.machines, r.breaker, r.limits, now)
	r.breaker, r.trips = guard.Tripped(r.breaker, trips...), append(r.trips, trips...)
}

// stopped is whether what a runner's machine was judged by last starts no revocation.
func (r *rules) stopped(i int) bool { return guard.Stopped(r.machines[i], r.breaker) }
