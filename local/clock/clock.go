// Package clock is the one source of time inside keyward local: real time plus an offset that only
// grows. Services register timers and say while they are at work; Forward moves the offset to each
// due timer in order and lets everything settle before the next one, so that a week passes in
// seconds and nothing that would have happened is skipped.
//
// It refuses to go backwards. The zero value is not usable; call New.
package clock

import (
	"container/heap"
	"context"
	"fmt"
	"sync"
	"time"
)

// Clock is virtual time. All methods may be called from any goroutine.
type Clock struct {
	real func() time.Time

	mu       sync.Mutex
	offset   time.Duration
	timers   timerHeap
	sequence uint64
	busy     map[uint64]string
	idle     chan struct{} // closed while nothing is at work
	wake     chan struct{} // tells Run that the earliest timer changed
	moving   bool          // a Forward fires the timers, so Run does not

	forward sync.Mutex // one Forward at a time
}

// New returns a clock that runs with real time. A nil real means time.Now.
func New(real func() time.Time) *Clock {
	if real == nil {
		real = time.Now
	}
	idle := make(chan struct{})
	close(idle)
	return &Clock{real: real, busy: map[uint64]string{}, idle: idle, wake: make(chan struct{}, 1)}
}

// Now is the virtual time, in UTC.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *Clock) now() time.Time { return c.real().Add(c.offset).UTC() }

// Offset is how far virtual time is ahead of real time.
func (c *Clock) Offset() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset
}

// Restore sets the offset of a saved state; it may only grow.
func (c *Clock) Restore(offset time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset = max(c.offset, offset)
}

// Timer is a call that is due at a virtual instant.
type Timer struct {
	clock *Clock
	entry *entry
}

// Stop takes the timer back and says whether it had not fired yet.
func (t *Timer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	if t.entry.index < 0 {
		return false
	}
	heap.Remove(&t.clock.timers, t.entry.index)
	return true
}

// At calls f once the virtual time at is reached, in a goroutine of its own that counts as work.
// Timers of one instant fire in the order in which they were set. The name shows up in Pending and
// in the error of a settle that takes too long.
func (c *Clock) At(at time.Time, name string, f func()) *Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sequence++
	e := &entry{at: at, sequence: c.sequence, name: name, call: f}
	heap.Push(&c.timers, e)
	select {
	case c.wake <- struct{}{}:
	default:
	}
	return &Timer{clock: c, entry: e}
}

// After is At, d from now.
func (c *Clock) After(d time.Duration, name string, f func()) *Timer {
	return c.At(c.Now().Add(d), name, f)
}

// Work says that something is going on whose outcome belongs to this instant: an invocation, a
// document that runs, an event on its way. Time is not moved before done was called, once.
func (c *Clock) Work(name string) (done func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.work(name)
}

func (c *Clock) work(name string) (done func()) {
	c.sequence++
	id := c.sequence
	if len(c.busy) == 0 {
		c.idle = make(chan struct{})
	}
	c.busy[id] = name
	return sync.OnceFunc(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.busy, id)
		if len(c.busy) == 0 {
			close(c.idle)
		}
	})
}

// Settle waits until nothing is at work. When ctx ends first, the error names what still is.
func (c *Clock) Settle(ctx context.Context) error {
	for {
		c.mu.Lock()
		idle, names := c.idle, c.busyNames()
		c.mu.Unlock()
		if len(names) == 0 {
			return nil
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return fmt.Errorf("settling, still at work: %v: %w", names, ctx.Err())
		}
	}
}

func (c *Clock) busyNames() []string {
	names := make([]string, 0, len(c.busy))
	for _, n := range c.busy {
		names = append(names, n)
	}
	return names
}

// Forward moves virtual time ahead by d, not negative. Every timer that falls due on the way fires at
// its own instant, in order, and settles before the next.
func (c *Clock) Forward(ctx context.Context, d time.Duration) error {
	if d < 0 {
		return fmt.Errorf("moving time by %s: expected a duration that is not negative", d)
	}
	return c.ForwardTo(ctx, c.Now().Add(d))
}

// ForwardTo moves virtual time ahead to target; a target that is past only settles.
func (c *Clock) ForwardTo(ctx context.Context, target time.Time) error {
	c.forward.Lock()
	defer c.forward.Unlock()
	c.setMoving(true)
	defer c.setMoving(false)
	for {
		if err := c.Settle(ctx); err != nil {
			return err
		}
		if !c.fireUpTo(target) {
			return c.Settle(ctx)
		}
	}
}

func (c *Clock) setMoving(moving bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moving = moving
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// fireUpTo fires the earliest timer due by target, moving time to it, or moves time to target and
// says that there was none.
func (c *Clock) fireUpTo(target time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.timers) == 0 || c.timers[0].at.After(target) {
		c.moveTo(target)
		return false
	}
	c.moveTo(c.timers[0].at)
	c.fire()
	return true
}

func (c *Clock) moveTo(t time.Time) {
	if ahead := t.Sub(c.now()); ahead > 0 {
		c.offset += ahead
	}
}

func (c *Clock) fire() {
	e := heap.Pop(&c.timers).(*entry)
	done := c.work(e.name)
	go func() {
		defer done()
		e.call()
	}()
}

// Run fires timers as real time reaches them, until ctx ends.
func (c *Clock) Run(ctx context.Context) {
	for {
		wait := c.fireDue()
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-c.wake:
			t.Stop()
		case <-t.C:
		}
	}
}

// fireDue fires what is due now and says how long until the next timer, at most a minute.
func (c *Clock) fireDue() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.timers) > 0 && !c.moving {
		wait := c.timers[0].at.Sub(c.now())
		if wait > 0 {
			return min(wait, time.Minute)
		}
		c.fire()
	}
	return time.Minute
}

// Pending are the timers that are set, soonest first.
func (c *Clock) Pending() []Due {
	c.mu.Lock()
	defer c.mu.Unlock()
	sorted := append(timerHeap(nil), c.timers...)
	due := make([]Due, 0, len(sorted))
	for len(sorted) > 0 {
		soonest := 0
		for i := range sorted {
			if sorted.Less(i, soonest) {
				soonest = i
			}
		}
		due = append(due, Due{At: sorted[soonest].at, Name: sorted[soonest].name})
		sorted = append(sorted[:soonest], sorted[soonest+1:]...)
	}
	return due
}

// Due is one timer that is set.
type Due struct {
	At   time.Time `json:"at"`
	Name string    `json:"name"`
}

type entry struct {
	at       time.Time
	sequence uint64
	name     string
	call     func()
	index    int
}

type timerHeap []*entry

func (h timerHeap) Len() int { return len(h) }
func (h timerHeap) Less(i, j int) bool {
	if !h[i].at.Equal(h[j].at) {
		return h[i].at.Before(h[j].at)
	}
	return h[i].sequence < h[j].sequence
}
func (h timerHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i]; h[i].index, h[j].index = i, j }
func (h *timerHeap) Push(x any)   { e := x.(*entry); e.index = len(*h); *h = append(*h, e) }
func (h *timerHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	*h = old[:len(old)-1]
	e.index = -1
	return e
}
