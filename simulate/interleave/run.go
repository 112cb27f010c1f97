package interleave

import (
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"strings"

	"github.com/keyward/keyward/simulate/world"
)

// choice is one step: whose, and whether it dies after it.
type choice struct {
	actor int
	dies  bool
}

// sleeper is a step as it is known in a state, whoever makes it: actors of one sort may have changed places.
type sleeper struct {
	actor uint64 // hash of what it is at and knows
	call  string
	dies  bool
}

// sleepers are a set of steps.
type sleepers []sleeper

func (z sleepers) has(s sleeper) bool { return slices.Contains(z, s) }

// and are those that are in both.
func (z sleepers) and(o sleepers) sleepers {
	var both sleepers
	for _, s := range z {
		if o.has(s) {
			both = append(both, s)
		}
	}
	return both
}

var seed = maphash.MakeSeed()

// longest is more steps than all actors have.
const longest = 1000

// run is one run.
type run struct {
	*explorer
	scene   Scene
	actors  []*actor
	crashes int
	path    *path

	last     *actor // who made the last step
	switches int    // how often somebody who could go on was interrupted
}

// follow makes the steps of a task, and goes on from there to the first state from which nothing is left to do.
func (r *run) follow(t task) {
	w := r.scene.World
	w.Schedule = func(inv *world.Invocation) {
		if !slices.ContainsFunc(r.actors, func(a *actor) bool { return a.inv == inv }) {
			r.actors = append(r.actors, &actor{inv: inv})
		}
	}
	defer w.Close()
	r.scene.Start()
	r.skip()
	for _, p := range t.before.list() {
		r.step(p.choice, p)
	}
	if t.begun {
		if r.step(t.next, nil); r.wrong(r.scene.Wrong()) {
			return
		}
	}
	for asleep := t.sleep; ; {
		open, names := r.open()
		if len(open) == 0 {
			r.ended()
			r.wrong(r.scene.End())
			return
		}
		var wake []int
		if r.most < 0 {
			wake = r.enter(r.state(), asleep, names)
		} else {
			wake = r.enterWith(r.state(), r.switches, len(open))
		}
		if len(wake) == 0 {
			return
		}
		tasks := r.tasks(open, names, wake, asleep)
		r.add(tasks[1:])
		asleep = tasks[0].sleep
		if r.step(tasks[0].next, nil); r.wrong(r.scene.Wrong()) {
			return
		}
	}
}

// tasks are the steps to go into from here, each with those asleep that were gone into before it or slept already,
// and do not touch it.
func (r *run) tasks(open []choice, names []sleeper, wake []int, asleep sleepers) []task {
	var tasks []task
	asleep = slices.Clone(asleep)
	for _, i := range wake {
		var sleep sleepers
		for _, s := range asleep {
			if s.actor != names[i].actor && r.apart(s, names[i]) {
				sleep = append(sleep, s)
			}
		}
		tasks = append(tasks, task{before: r.path, next: open[i], begun: true, sleep: sleep})
		asleep = append(asleep, names[i])
	}
	return tasks
}

// apart says whether two steps of different actors lead to the same, whichever comes first.
func (r *run) apart(a, b sleeper) bool {
	if r.awake || a.dies && b.dies {
		return false // there may be one death alone
	}
	x, y := r.scene.Touches(a.call), r.scene.Touches(b.call)
	return !meet(x, y) && !meet(y, x)
}

// meet says whether a call changes what another one reads or changes.
func meet(writer, other Touch) bool {
	return slices.ContainsFunc(writer.Writes, func(kind string) bool {
		return slices.Contains(other.Reads, kind) || slices.Contains(other.Writes, kind)
	})
}

func (r *run) wrong(why string) bool {
	if why == "" {
		return false
	}
	var steps []string
	for _, p := range r.path.list() {
		steps = append(steps, p.call)
	}
	r.blame(why, steps)
	return true
}

func idle(t Touch) bool { return len(t.Reads) == 0 && len(t.Writes) == 0 }

// skip makes the calls that read nothing that ever changes: their order means nothing.
func (r *run) skip() {
	for again := true; again; {
		again = false
		for _, a := range r.actors {
			if !a.over && idle(r.scene.Touches(a.inv.At)) {
				r.move(a, false, nil)
				again = true
			}
		}
	}
}

// open are the steps that can be made, and their names. Of actors that are alike one is enough.
func (r *run) open() (all []choice, names []sleeper) {
	add := func(c choice, name sleeper) {
		if !slices.Contains(names, name) {
			all, names = append(all, c), append(names, name)
		}
	}
	order := make([]int, 0, len(r.actors)) // who made the last step first: of two that are alike, that one interrupts nobody
	for i, a := range r.actors {
		if a == r.last {
			order = slices.Insert(order, 0, i)
		} else {
			order = append(order, i)
		}
	}
	for _, i := range order {
		a := r.actors[i]
		if a.over || r.most >= 0 && r.interrupts(a) && r.switches == r.most {
			continue
		}
		h := a.hash()
		add(choice{actor: i}, sleeper{actor: h, call: a.inv.At})
		// Whoever dies at a read, or before a write, leaves the same as one that died after the write before it.
		if r.crashes < r.scene.Crashes && len(r.scene.Touches(a.inv.At).Writes) > 0 {
			add(choice{i, true}, sleeper{actor: h, call: a.inv.At, dies: true})
		}
	}
	return all, names
}

// interrupts is whether a step of an actor comes before one that the actor of the last step could make.
func (r *run) interrupts(a *actor) bool { return r.last != nil && r.last != a && !r.last.over }

// step lets one actor make the call that it stands at, and perhaps die then. Known is the same step as it was made
// before, nil when it is new.
func (r *run) step(c choice, known *path) {
	a := r.actors[c.actor]
	p := &path{before: r.path, choice: c, call: a.inv.Subject + " " + a.inv.At, length: 1}
	if c.dies {
		p.call += " and dies after it"
	}
	if r.path != nil {
		p.length = r.path.length + 1
	}
	if p.length > longest {
		panic("an actor does not come to its end")
	}
	if known != nil {
		p.saw = known.saw
	}
	r.path = p
	if r.interrupts(a) {
		r.switches++
	}
	r.last = a
	if c.dies {
		r.crashes++
	}
	r.move(a, c.dies, &p.saw)
	r.skip()
}

// move has an actor go on to its next call. Saw is what it sees by this one: it is found out when it is 0.
func (r *run) move(a *actor, dies bool, saw *uint64) {
	call, task := a.inv.At, a.inv.Task
	touch := r.scene.Touches(call)
	more := false
	if dies {
		more = r.scene.World.Kill(a.inv, true)
	} else {
		more = r.scene.World.Resume(a.inv)
	}
	a.over = !more
	if a.inv.Task != task || a.knows == nil {
		a.knows = map[string]seen{} // a task knows what it was given, and nothing of how it came about
	}
	if saw == nil || a.inv.Task != task {
		return
	}
	if *saw == 0 {
		*saw = r.sees(touch)
	}
	was := a.knows[call]
	is := seen{first: was.first, last: *saw, times: was.times + 1}
	if was.times == 0 {
		is.first = is.last
	}
	a.knows[call] = is
}

// sees is a hash of what a call that was just made depended on.
func (r *run) sees(t Touch) uint64 {
	all := r.scene.State()
	var h maphash.Hash
	h.SetSeed(seed)
	for _, kinds := range [][]string{t.Reads, t.Writes} {
		for _, kind := range kinds {
			h.WriteString(all[kind])
			h.WriteByte(0)
		}
	}
	return max(h.Sum64(), 1)
}

// state is a hash of the world and of what everybody knows. Who is of one sort may change places.
func (r *run) state() uint64 {
	var b strings.Builder
	fmt.Fprint(&b, r.crashes)
	all := r.scene.State()
	for _, kind := range slices.Sorted(maps.Keys(all)) {
		b.WriteString(all[kind])
		b.WriteByte(0)
	}
	var actors []uint64
	for _, a := range r.actors {
		actors = append(actors, a.hash())
	}
	slices.Sort(actors)
	fmt.Fprint(&b, actors)
	if r.most >= 0 && r.last != nil {
		fmt.Fprint(&b, r.last.hash()) // whom others would interrupt
	}
	return maphash.String(seed, b.String())
}
