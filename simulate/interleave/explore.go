// Package interleave runs Keyward's own handlers against each other in every order: each call of an adapter is a
// step, a check and the call that it guards are two, and after any one that writes whoever makes it may die.
//
// Two things keep that finite and quick, and neither leaves a state out. What was seen already is not gone into
// again: two orders that left the same world and the same knowledge go on alike. And of two next steps that do not
// touch each other, such as two reads, one order is gone into and not the other, which leads to the same state (sleep
// sets: Godefroid, Partial-Order Methods for the Verification of Concurrent Systems, 1996, chapter 5; with stored
// states as in section 5.3).
//
// Where even so there are more orders than can be gone through, ExploreSwitches goes into those alone in which actors
// are interrupted a few times: what goes wrong mostly does so with one or two (Musuvathi and Qadeer, Iterative Context
// Bounding for Systematic Testing of Multithreaded Programs, PLDI 2007).
//
// It is a model of one key. Only tests use it.
package interleave

import (
	"runtime"
	"sync"

	"github.com/keyward/keyward/simulate/world"
)

// Scene is one run from its beginning: a world, and the actors in it, each an invocation that stops before its calls.
type Scene struct {
	World *world.World
	// Start has every actor go to its first call. It is called once World.Schedule is set.
	Start func()
	// State is everything that a call could read or change, one text for each kind of call; what is the same in
	// two worlds is the same text.
	State func() map[string]string
	// Touches is what a call reads or changes, and whether it changes it.
	Touches func(call string) Touch
	// Crashes is how many deaths a run may have.
	Crashes int
	// End is asked when nobody goes on: what is wrong, or "".
	End func() string
	// Wrong is asked after every step: what is wrong, or "".
	Wrong func() string
}

// Touch is what a call has to do with the state, by the kinds of State. The zero value is a call that reads nothing
// that ever changes, and changes nothing that anybody reads.
type Touch struct {
	Reads  []string // what it shows, or whether it is refused, depends on them
	Writes []string // it may change them: after it one can die
}

// Result is what an exploration found.
type Result struct {
	Runs   int      // from the beginning, each to its end or to what was seen
	States int      // that differ
	Ends   int      // runs that came to their end
	Bad    string   // the first thing that is wrong, "" when nothing is
	Steps  []string // that lead to it
}

// path is a run's steps from its beginning, newest first, each with what the actor saw by it.
type path struct {
	before *path
	choice choice
	call   string // whose, and which
	saw    uint64
	length int
}

// list is the path, oldest first.
func (p *path) list() []*path {
	if p == nil {
		return nil
	}
	all := make([]*path, p.length)
	for ; p != nil; p = p.before {
		all[p.length-1] = p
	}
	return all
}

// task is a run to be made: steps that lead to a state, a step from there, and what may sleep after it.
type task struct {
	before *path
	next   choice
	begun  bool // there is a next step: only the first task has none
	sleep  sleepers
}

// explorer is one exploration, shared by those who work on it.
type explorer struct {
	build func() Scene
	awake bool // nothing sleeps: for the test that this leaves no state out, and where switches are counted
	most  int  // interruptions of a run; -1 is any number

	mu   sync.Mutex
	more sync.Cond // there is a task, or nobody works any more
	seen map[uint64]sleepers
	with map[uint64]int // the fewest interruptions that led to each, where they are counted
	todo []task
	busy int
	Result
}

// Explore goes through every order, until one is wrong. It builds scenes on as many processors as there are.
func Explore(build func() Scene) Result { return explore(&explorer{build: build, most: -1}) }

// ExploreSwitches goes through every order in which it happens at most that often that an actor who could go on does
// not, and another one does.
func ExploreSwitches(build func() Scene, most int) Result {
	return explore(&explorer{build: build, awake: true, most: most})
}

func explore(x *explorer) Result {
	x.seen, x.with, x.todo = map[uint64]sleepers{}, map[uint64]int{}, []task{{}}
	x.more.L = &x.mu
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(x.work)
	}
	all.Wait()
	x.States = len(x.seen) + len(x.with)
	return x.Result
}

func (x *explorer) work() {
	for {
		t, ok := x.take()
		if !ok {
			return
		}
		r := &run{explorer: x, scene: x.build()}
		r.follow(t)
		x.mu.Lock()
		x.busy--
		x.Runs++
		x.more.Broadcast()
		x.mu.Unlock()
	}
}

// take is the next task: the last one, so that few wait. It waits for one while others may add some.
func (x *explorer) take() (task, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for len(x.todo) == 0 && x.busy > 0 && x.Bad == "" {
		x.more.Wait()
	}
	if len(x.todo) == 0 || x.Bad != "" {
		x.more.Broadcast()
		return task{}, false
	}
	t := x.todo[len(x.todo)-1]
	x.todo = x.todo[:len(x.todo)-1]
	x.busy++
	return t, true
}

// enter notes that a state was reached with some steps asleep, and says which of them have to be gone into from
// there: all that are awake the first time, later those alone that slept every time before and do not now.
func (x *explorer) enter(state uint64, asleep sleepers, open []sleeper) (wake []int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	before, again := x.seen[state]
	for i, s := range open {
		if (!again || before.has(s)) && !asleep.has(s) {
			wake = append(wake, i)
		}
	}
	if again {
		asleep = before.and(asleep)
	}
	x.seen[state] = asleep
	return wake
}

// enterWith is the same where interruptions are counted: fewer than ever before lead to more.
func (x *explorer) enterWith(state uint64, switches, open int) (wake []int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if least, again := x.with[state]; again && least <= switches {
		return nil
	}
	x.with[state] = switches
	for i := range open {
		wake = append(wake, i)
	}
	return wake
}

func (x *explorer) add(tasks []task) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.todo = append(x.todo, tasks...)
	x.more.Broadcast()
}

func (x *explorer) ended() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.Ends++
}

func (x *explorer) blame(why string, steps []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.Bad == "" {
		x.Bad, x.Steps = why, steps
	}
}
