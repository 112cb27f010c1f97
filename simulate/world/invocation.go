package world

import (
	"context"
	"iter"
	"time"

	"github.com/keyward/keyward/shared/fault"
)

// Function serves one invocation that started at now: a handler behind its decoder.
type Function func(ctx context.Context, now time.Time, payload []byte) (any, error)

// Invocation is one run of a function.
type Invocation struct {
	Function string
	Subject  string // what it is about, for a replay: a machine, an execution
	Payload  string
	Started  time.Time
	Calls    int
	Task     string // what it is at, as Task said
	Saw      int64  // the world's Seq when it last read or wrote a record of a machine
	At       string // the call that it stands at or made last

	dieAt  int // the number of the call at which it dies; 0 is none
	after  bool
	slow   bool
	yield  func(struct{}) bool
	resume func() (struct{}, bool)
	stop   func()
	end    func(any, error)
	out    any
	err    error
}

// dead is how an invocation dies: nothing of the function runs any more.
type dead struct{ over bool }

// Died is the error of an invocation that died.
var Died = fault.New(fault.Internal, "the environment of the function ended")

// Invoke runs a function and gives its result, or Died, to end.
func (w *World) Invoke(function, subject string, payload []byte, end func(any, error)) *Invocation {
	inv := &Invocation{Function: function, Subject: subject, Payload: string(payload), Started: w.now, end: end}
	if w.chance(w.Faults.Crash) {
		inv.dieAt, inv.after = 1+w.random.IntN(10), w.random.IntN(2) == 0
	}
	inv.slow = w.Schedule != nil || w.chance(w.Faults.Slow)
	w.begin(inv, payload)
	return inv
}

func (w *World) begin(inv *Invocation, payload []byte) {
	serve := w.Functions[inv.Function]
	if serve == nil {
		panic("there is no function " + inv.Function)
	}
	if !inv.slow {
		before := w.current
		w.current = inv
		w.serve(inv, serve, payload)
		w.current = before
		w.After(w.between(20*time.Millisecond, 800*time.Millisecond), func() { inv.end(inv.out, inv.err) })
		return
	}
	inv.resume, inv.stop = iter.Pull(func(yield func(struct{}) bool) {
		inv.yield = yield
		w.serve(inv, serve, payload)
	})
	w.live[inv] = true
	w.Resume(inv)
}

func (w *World) serve(inv *Invocation, serve Function, payload []byte) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case dead:
			inv.out, inv.err = nil, Died
			if !p.over {
				w.Deaths[inv.Function]++
				if w.Watch != nil {
					w.Watch.Crashed(inv.Function, inv.Subject, inv.At)
				}
			}
		default:
			panic(p)
		}
	}()
	inv.out, inv.err = serve(context.Background(), inv.Started, payload)
}

// Resume lets an invocation that stands at a call make it and go on to its next one, or to its end. It
// says whether the invocation goes on.
func (w *World) Resume(inv *Invocation) bool {
	before := w.current
	w.current = inv
	_, more := inv.resume()
	w.current = before
	if more {
		if w.Schedule != nil {
			w.Schedule(inv)
		} else {
			w.After(w.pause(), func() { w.Resume(inv) })
		}
		return true
	}
	delete(w.live, inv)
	inv.end(inv.out, inv.err)
	return false
}

// pause is how long others run before a call of a slow invocation.
func (w *World) pause() time.Duration {
	if w.chance(0.05) {
		return w.between(time.Second, 20*time.Second)
	}
	return w.between(2*time.Millisecond, 60*time.Millisecond)
}

// Kill has an invocation that stands at a call die: before the call, or after it was carried out. It says whether
// it goes on all the same, as Survive makes it.
func (w *World) Kill(inv *Invocation, after bool) bool {
	inv.dieAt, inv.after = inv.Calls, after
	return w.Resume(inv)
}

// Task notes that the current invocation is at something new, and knows nothing but what this says.
func (w *World) Task(what string) { w.current.Task = what }

// Survive runs f, a part of the current invocation that is an invocation of its own for whoever tries again when it
// died; it says whether it did.
func (w *World) Survive(f func()) (died bool) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case dead:
			if p.over {
				panic(p)
			}
			died = true
		default:
			panic(p)
		}
	}()
	f()
	return false
}

// Current is the invocation that makes the call which is being carried out; nil is the world itself.
func (w *World) Current() *Invocation { return w.current }

// call makes one call of a service: it is counted, others may come first, it may be refused, its answer
// may be lost, and whoever makes it may die before or after it.
func (w *World) call(service, operation string, carryOut func() error) error {
	name := service + "." + operation
	w.Counts[name]++
	inv := w.current
	if inv == nil {
		return carryOut() // a person, or the world itself
	}
	inv.Calls++
	inv.At = name
	if inv.slow && !inv.yield(struct{}{}) {
		panic(dead{over: true})
	}
	if inv.Calls == inv.dieAt && !inv.after || w.now.Sub(inv.Started) >= w.timeout(inv.Function) {
		panic(dead{})
	}
	if w.Down(service) || w.chance(w.Faults.Throttle) {
		return throttled
	}
	err := carryOut()
	if inv.Calls == inv.dieAt {
		panic(dead{})
	}
	if err == nil && w.chance(w.Faults.Lost) {
		return unanswered
	}
	return err
}

// timeout is when Lambda ends an invocation: template.yaml says it for each function.
func (w *World) timeout(function string) time.Duration {
	if d, ok := w.Timeouts[function]; ok {
		return d
	}
	return time.Minute
}

// ErrorName is what Step Functions sees of an error, as functions/internal/boot says it.
func ErrorName(err error) string {
	if err == Died {
		return "Runtime.ExitError"
	}
	return fault.Of(fault.KindOf(err)).Name
}
