package events

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// EventBridge tries for 24 hours and up to 185 times unless the target says otherwise ("Retry
// policy"). How it spaces the attempts it does not say; here the pause doubles from a second to an hour.
const (
	defaultAttempts = 185
	defaultAge      = 24 * time.Hour
	maxPause        = time.Hour
)

// Rule sends the events that match a pattern to targets.
type Rule struct {
	Name    string
	Pattern json.RawMessage
	Targets []Target
}

// Target is where a rule sends events, whole and as they are.
type Target struct {
	ID         string
	ARN        string
	DeadLetter string // the queue's ARN; "" for none
	Retries    *int   // nil means 185
	Age        time.Duration
}

type rule struct {
	name    string
	pattern *Pattern
	targets []*queue
}

// queue is the events on their way to one target.
type queue struct {
	Target
	rule    string
	pending []*delivery
	running bool
}

// delivery is one event on its way to one target.
type delivery struct {
	queue    *queue
	payload  []byte
	begun    time.Time
	attempts int
	entry    *Entry
	done     func() // ends the clock's work
}

// AddRule adds a rule. It refuses a name that is taken, a pattern that ParsePattern refuses, and a
// rule without targets.
func (b *Bus) AddRule(declared Rule) error {
	pattern, err := ParsePattern(declared.Pattern)
	if err != nil {
		return fmt.Errorf("adding rule %q: %w", declared.Name, err)
	}
	if declared.Name == "" || len(declared.Targets) == 0 {
		return fmt.Errorf("adding rule %q: want a name and at least one target", declared.Name)
	}
	r := &rule{name: declared.Name, pattern: pattern}
	for _, t := range declared.Targets {
		if t.ARN == "" || slices.ContainsFunc(r.targets, func(q *queue) bool { return q.ID == t.ID }) {
			return fmt.Errorf("adding rule %q: target %q has no ARN or is there twice", declared.Name, t.ID)
		}
		r.targets = append(r.targets, &queue{Target: t, rule: declared.Name})
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, other := range b.rules {
		if other.name == declared.Name {
			return fmt.Errorf("adding rule %q: the name is taken", declared.Name)
		}
	}
	b.rules = append(b.rules, r)
	return nil
}

// queue finds the target of a rule, nil when there is none.
func (b *Bus) queue(rule, target string) *queue {
	for _, r := range b.rules {
		for _, t := range r.targets {
			if r.name == rule && t.ID == target {
				return t
			}
		}
	}
	return nil
}

// send puts a delivery into its target's queue. The caller holds the lock.
func (b *Bus) send(d *delivery) {
	d.done = b.config.Clock.Work("event to " + d.queue.ARN)
	d.queue.pending = append(d.queue.pending, d)
	if !d.queue.running {
		d.queue.running = true
		go b.drain(d.queue)
	}
}

// drain delivers what is in a queue, one after the other, and ends when it is empty.
func (b *Bus) drain(q *queue) {
	for {
		b.mu.Lock()
		if len(q.pending) == 0 {
			q.running = false
			b.mu.Unlock()
			return
		}
		d := q.pending[0]
		q.pending = q.pending[1:]
		b.mu.Unlock()
		d.attempts++
		err := b.config.Deliver(context.Background(), q.ARN, d.payload)
		b.settle(d, err)
		d.done()
	}
}

// settle notes how an attempt ended and plans the next one, or gives up.
func (b *Bus) settle(d *delivery, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.config.Clock.Now()
	outcome := Delivery{Rule: d.queue.rule, Target: d.queue.ARN, Attempts: d.attempts, At: now}
	if err != nil {
		outcome.Error = err.Error()
		pause := min(time.Second<<min(d.attempts-1, 12), maxPause)
		if d.attempts <= d.queue.retries() && now.Add(pause).Sub(d.begun) <= d.queue.age() {
			b.retryAt(d, now.Add(pause))
		} else {
			outcome.GivenUp = true
			b.bury(d, err)
		}
	}
	d.entry.record(outcome)
}

// retryAt sets the timer of the next attempt. The caller holds the lock.
func (b *Bus) retryAt(d *delivery, at time.Time) {
	b.waiting[d] = b.config.Clock.At(at, "retry of event to "+d.queue.ARN, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.waiting, d)
		b.send(d)
	})
}

func (b *Bus) bury(d *delivery, err error) {
	if d.queue.DeadLetter == "" || b.config.DeadLetter == nil {
		return
	}
	b.config.DeadLetter(d.queue.DeadLetter, Letter{Body: d.payload, Rule: d.queue.rule, Target: d.queue.ARN, Error: err.Error(), Attempts: d.attempts})
}

func (q *queue) retries() int {
	if q.Retries == nil {
		return defaultAttempts
	}
	return *q.Retries
}

func (q *queue) age() time.Duration {
	if q.Age == 0 {
		return defaultAge
	}
	return q.Age
}
