package world

import (
	"time"

	"github.com/keyward/keyward/shared/fault"
)

// Faults are how often things go wrong: probabilities from 0 to 1. The zero value is a world in which
// nothing does, and everything is shown at once.
type Faults struct {
	Throttle float64 // a call is refused
	Lost     float64 // a call is carried out and its answer is lost
	Crash    float64 // an invocation dies, before or after one of its calls
	Slow     float64 // an invocation takes its time: others run between its calls
	Detached float64 // Step Functions loses an invocation that goes on, and tries again
	Double   float64 // an event comes twice
	Missing  float64 // a best-effort event, such as SSM's, never comes; so does a run of a schedule
	Late     float64 // a list or a read of KMS is late, by up to Lag
	Lag      time.Duration
	Skew     time.Duration // of the guests' clocks, both ways

	outages map[string]time.Time // until when a service answers nobody
}

// throttled is what the adapters make of AWS's refusal.
var throttled = fault.Wrap(fault.Transient, refused{"ThrottlingException"}, "asking AWS: ThrottlingException")

// unanswered is what they make of no answer.
var unanswered = fault.New(fault.Transient, "asking AWS: no answer from AWS")

// chance is true with a probability.
func (w *World) chance(p float64) bool { return p > 0 && w.Schedule == nil && w.random.Float64() < p }

// between is a duration from least, less than most.
func (w *World) between(least, most time.Duration) time.Duration {
	if most <= least || w.Schedule != nil {
		return least
	}
	return least + time.Duration(w.random.Int64N(int64(most-least)))
}

// lag is how late a change shows.
func (w *World) lag() time.Duration {
	if w.chance(w.Faults.Late) {
		return w.between(0, w.Faults.Lag)
	}
	return 0
}

// Outage has a service, such as "ssm", answer nobody for a while from now on.
func (w *World) Outage(service string, d time.Duration) {
	if w.Faults.outages == nil {
		w.Faults.outages = map[string]time.Time{}
	}
	w.Faults.outages[service] = w.now.Add(d)
}

// Down says whether a service answers nobody now.
func (w *World) Down(service string) bool { return w.now.Before(w.Faults.outages[service]) }
