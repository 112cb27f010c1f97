package replay

import (
	"time"

	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/record"
)

// Breaker is the limits on revocations in a replay: so many machines within a sliding window, and when a rule trips that
// many newly fail. The zero value lets nothing pass, as everywhere.
type Breaker struct {
	Limit  int
	Window time.Duration
	Rules  guard.RuleLimits
}

// breaker is what was spent of it so far, counted by the same code as at work.
type breaker struct {
	Breaker
	state record.Breaker
}

func (b *breaker) limits() guard.Limits {
	return guard.Limits{Machines: b.Limit, Percent: 100, Window: b.Window}
}

// take says whether there is room for a machine, and counts it if so.
func (b *breaker) take(machine string, now time.Time) bool {
	b.state.Guarded = b.Limit // the limit is one by now: no percent of anything makes it smaller
	met := guard.BreakerFor(machine, b.state, b.limits(), now)
	if met.Limit <= 0 || met.Room() == 0 && !met.Mine {
		return false
	}
	b.state = guard.Spend(b.state, machine, 0, b.limits(), now)
	return true
}

// free is when there is room again, seen from now; zero for never.
func (b *breaker) free(now time.Time) time.Time {
	if b.Limit <= 0 {
		return time.Time{}
	}
	spent := guard.Spent(b.state, b.limits(), now)
	if len(spent) < b.Limit {
		return now
	}
	return spent[len(spent)-b.Limit].At.Add(b.Window)
}
