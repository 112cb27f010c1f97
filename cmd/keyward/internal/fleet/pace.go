package fleet

import (
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/keyward/keyward/cmd/keyward/internal/people"
)

// Pace is how often a stack is looked at. Whoever watches is never more than a small part of its load.
type Pace struct {
	Every    time.Duration
	failures int
}

// Longest waits between two looks: a stack that nobody reaches is asked every two minutes, unless it says itself that it
// wants more time.
const (
	longestWait  = 2 * time.Minute
	longestAsked = 15 * time.Minute
)

// Next is how long to wait after a look that took so long and ended so: at least four times as long as it took, and twice
// as long after each that failed.
func (p *Pace) Next(took time.Duration, err error) time.Duration {
	wait := max(p.Every, 4*took)
	if err == nil {
		p.failures = 0
		return wait
	}
	p.failures++
	for range p.failures {
		if wait = 2 * wait; wait >= longestWait {
			wait = max(longestWait, p.Every)
			break
		}
	}
	var refused *people.Refusal
	if errors.As(err, &refused) {
		wait = max(wait, min(refused.Wait, longestAsked))
	}
	return wait
}

// Ends is whether an error is one that another look does not make go away: the stack refuses this caller, there is no such
// API, or there are no credentials. Whatever the network does is none.
func Ends(err error) bool {
	var refused *people.Refusal
	if errors.As(err, &refused) {
		return refused.Status >= 400 && refused.Status < 500 && refused.Status != http.StatusTooManyRequests && refused.Status != http.StatusRequestTimeout
	}
	var none *people.NoCredentials
	var network net.Error
	return errors.As(err, &none) && !errors.As(err, &network)
}
