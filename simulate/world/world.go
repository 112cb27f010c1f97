// Package world is AWS and the guests for the simulation: every adapter that Keyward's functions call, in
// memory and on virtual time, in one goroutine. What KMS, Run Command, the table's lists and EC2 show comes
// late, calls are throttled, lose their answer, come twice or not at all, and a function can die before or
// after any of its calls; all of it by one seed, so that a run can be repeated.
//
// It contains no Keyward logic: the functions' own handlers run on it, and the state machine's own
// definition. What happens in truth, it tells its Watch. The same cases (simulate/cases) run on its table, keys and
// flow and on the real adapters against keyward local. To give a handler a call that is new, add a method
// here that makes it through World.call.
package world

import (
	"container/heap"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/keyward/keyward/shared/record"
)

// Account and Region of every world: AWS's documented example.
const (
	Account = "123456789012"
	Region  = "us-east-1"
)

// World is one account. It is not for use by several goroutines.
type World struct {
	Store     *Store
	Keys      *Keys
	SSM       *SSM
	EC2       *EC2
	Roles     *Roles
	Safe      *Safe
	Mail      *Mail
	Flow      *Flow
	Calendars *Calendars
	Schedules *Schedules

	Faults    Faults
	Functions map[string]Function      // by name: who serves an invocation
	Timeouts  map[string]time.Duration // of functions; a minute when it is not said
	Watch     Watch                    // is told what happens in truth; nil is nobody
	Log       *slog.Logger             // of the functions
	Counts    map[string]int           // calls by service and operation
	Deaths    map[string]int           // invocations that died, by function
	DeadEnds  map[string]int           // asynchronous events given up after their retries, by function

	Schedule func(*Invocation) // when set, every call stops here and whoever set it resumes: no fault is drawn

	now     time.Time
	seq     int64
	queue   queue
	random  *rand.Rand
	current *Invocation
	live    map[*Invocation]bool // stopped at a call
}

// Watch is told of what happens, at its instant, by the world and not by Keyward's records.
type Watch interface {
	Took(machine, key string, by *Invocation) // a machine's access to its key ended
	Gave(machine, key string, by *Invocation) // and began
	Mailed(m Sent, by *Invocation)            // SES accepted a mail
	Applied(c Written, by *Invocation)        // a transition was written
	Noted(n record.Notice, seq int64)         // a mail was recorded: begun, or accepted
	Held(h record.Hold, set bool, seq int64)  // a person's hold was set or lifted
	Waived(v record.Waiver)                   // a waiver was set or lifted
	Put(p record.Policy)                      // a policy's new version was stored
	Ended(execution, status string)           // an execution ended
	Crashed(function, subject, at string)     // an invocation died
}

// New is an empty world at an instant.
func New(at time.Time, seed uint64, faults Faults) *World {
	w := &World{
		Faults: faults, Functions: map[string]Function{}, Log: slog.New(slog.DiscardHandler),
		Counts: map[string]int{}, Deaths: map[string]int{}, DeadEnds: map[string]int{},
		now: at, random: rand.New(rand.NewPCG(seed, 0x6b657977617264)), live: map[*Invocation]bool{},
	}
	w.Safe = &Safe{w: w, snapshots: map[string][]*snapshot{}, Saved: map[string]time.Time{}}
	w.Schedules, w.Roles = &Schedules{w: w}, &Roles{w: w}
	w.Calendars = &Calendars{w: w, closed: map[string]time.Time{}}
	w.Store, w.Keys, w.SSM, w.EC2, w.Mail = newStore(w), newKeys(w), newSSM(w), &EC2{w: w, guests: map[string]*Guest{}}, newMail(w)
	return w
}

// Now is the time.
func (w *World) Now() time.Time { return w.now }

// Seq orders what happened within one instant: it rises with every record read or written.
func (w *World) Seq() int64 { return w.seq }

// event is one thing to come.
type event struct {
	at  time.Time
	seq int64
	run func()
}

type queue []event

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	if q[i].at.Equal(q[j].at) {
		return q[i].seq < q[j].seq
	}
	return q[i].at.Before(q[j].at)
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(event)) }
func (q *queue) Pop() any {
	old := *q
	last := old[len(old)-1]
	old[len(old)-1] = event{}
	*q = old[:len(old)-1]
	return last
}

// At has f run at an instant, or now if that is past.
func (w *World) At(at time.Time, f func()) {
	if at.Before(w.now) {
		at = w.now
	}
	w.seq++
	heap.Push(&w.queue, event{at: at, seq: w.seq, run: f})
}

// After has f run when d is over.
func (w *World) After(d time.Duration, f func()) { w.At(w.now.Add(d), f) }

// Every has f run at an instant and then again and again.
func (w *World) Every(first time.Time, d time.Duration, f func()) {
	w.At(first, func() {
		f()
		w.Every(first.Add(d), d, f)
	})
}

// Next runs what comes next, unless that is after until. It says whether there was something.
func (w *World) Next(until time.Time) bool {
	if len(w.queue) == 0 || w.queue[0].at.After(until) {
		return false
	}
	e := heap.Pop(&w.queue).(event)
	w.now = e.at
	e.run()
	return true
}

// Run runs everything up to an instant.
func (w *World) Run(until time.Time) {
	for w.Next(until) {
	}
	w.now = until
}

// Close ends the invocations that stand at a call.
func (w *World) Close() {
	for inv := range w.live {
		inv.stop()
	}
	clear(w.live)
}
