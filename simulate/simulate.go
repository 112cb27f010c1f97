// Package simulate runs Keyward on virtual time: the handlers of its functions, its pure core and its state
// machine, as they are deployed, over a world (simulate/world) that swaps AWS and the machines alone. People,
// machines and AWS misbehave by one seed; after every step the invariants of the design are checked against
// what happened in truth, and what breaks one is told with the least that shows it again.
//
// keyward simulate and make simulate call it. docs/simulation.md says what it shows and what it cannot.
package simulate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/keyward/keyward/simulate/world"
)

// Options are the size and the weather of a run.
type Options struct {
	Machines int     // all of them
	Days     int     // of virtual time
	Seed     uint64  // equal options give equal runs
	Faults   string  // none, some or many
	Workers  int     // fleets at the same time; 0 means one a processor
	Fleet    int     // machines of one account; 0 means 1000. Fleets know nothing of each other
	Stop     bool    // end a fleet at its first violation
	Quiet    float64 // days between two things that happen to a machine, on average; 0 means 20
	Shrink   int     // how many smaller runs are tried for a fleet's first violation; 0 is none
	Number   int     // run this fleet alone, counted from 1; 0 is all of them

	// What there is at all; nil is everything.
	Incidents []string // that happen to machines, by name
	Policies  []string // that machines have, by name

	// Told hears how much of all machines' virtual time is over, from several fleets at once; nil: nobody does. Looking for
	// smaller runs afterwards is not in it.
	Told func(done, all int64)

	// For a replay: which machines of the fleet there are at all (nil: all of them), and which one's steps are noted.
	Only  []int
	Trace string
}

// start is when every run begins: a Sunday, midnight.
var start = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// levels are the words of Options.Faults.
var levels = map[string]world.Faults{
	"none": {},
	"some": {
		Throttle: 0.002, Lost: 0.0005, Crash: 0.003, Slow: 0.05, Detached: 0.002, Double: 0.02, Missing: 0.02, Late: 0.1,
		Lag: 5 * time.Second, Skew: time.Minute,
	},
	"many": {
		Throttle: 0.02, Lost: 0.005, Crash: 0.03, Slow: 0.25, Detached: 0.02, Double: 0.1, Missing: 0.1, Late: 0.3,
		Lag: 20 * time.Second, Skew: 10 * time.Minute,
	},
}

// Check refuses options that mean nothing.
func (o Options) Check() error {
	var problems []error
	refuse := func(field string, value any, expected string) {
		problems = append(problems, fmt.Errorf("%s is %v, expected %s", field, value, expected))
	}
	if o.Machines < 1 || o.Machines > 1_000_000 {
		refuse("machines", o.Machines, "1 to 1000000")
	}
	if o.Days < 1 || o.Days > 366 {
		refuse("days", o.Days, "1 to 366")
	}
	if _, ok := levels[o.Faults]; !ok {
		refuse("faults", fmt.Sprintf("%q", o.Faults), "none, some or many")
	}
	if o.Quiet < 0 {
		refuse("quiet", o.Quiet, "a number of days")
	}
	if o.Fleet < 0 || o.Fleet > 10_000 {
		refuse("fleet", o.Fleet, "1 to 10000")
	}
	fleet := cmp.Or(o.Fleet, standardFleet)
	if n := (o.Machines + fleet - 1) / fleet; o.Number < 0 || o.Number > n {
		refuse("number", o.Number, fmt.Sprintf("1 to %d", n))
	}
	for _, i := range o.Only {
		if i < 0 || i >= fleet {
			refuse("only", i, fmt.Sprintf("0 to %d", fleet-1))
		}
	}
	problems = append(problems, unknown("incident", o.Incidents, incidents, func(i incident) string { return i.name }))
	problems = append(problems, unknown("policy", o.Policies, kinds(), func(k *kind) string { return k.name }))
	return errors.Join(problems...)
}

// unknown refuses names that a list has not.
func unknown[T any](field string, names []string, all []T, name func(T) string) error {
	var known []string
	for _, v := range all {
		known = append(known, name(v))
	}
	for _, n := range names {
		if !slices.Contains(known, n) {
			return fmt.Errorf("%s is %q, expected %s", field, n, strings.Join(known, ", "))
		}
	}
	return nil
}

// standardFleet is how many machines a fleet has when nobody says it: its sweeps cost more than its machines.
const standardFleet = 1000

// standardQuiet is more than fleets have that somebody looks after.
const standardQuiet = 20

// Run simulates all fleets and adds up what they say. Its error is of the options or of ctx: a violation is
// in the report.
func Run(ctx context.Context, o Options) (Report, error) {
	if err := o.Check(); err != nil {
		return Report{}, err
	}
	o.Fleet, o.Quiet = cmp.Or(o.Fleet, standardFleet), cmp.Or(o.Quiet, standardQuiet)
	began := time.Now()
	sizes := fleets(o)
	reports := make([]Report, len(sizes))
	m := meterOf(o, sizes)
	next := make(chan int)
	var all sync.WaitGroup
	for range workers(o) {
		all.Go(func() {
			for i := range next {
				reports[i] = runFleet(ctx, o, m, i, sizes[i])
			}
		})
	}
	for i := range sizes {
		if o.Number == 0 || o.Number == i+1 {
			next <- i
		}
	}
	close(next)
	all.Wait()
	r := Report{Machines: o.Machines, Days: o.Days, Seed: o.Seed, Faults: o.Faults}
	for _, one := range reports {
		r.add(one)
	}
	r.Took = time.Since(began).Round(time.Millisecond).String()
	return r, ctx.Err()
}

// fleets are the sizes of all fleets.
func fleets(o Options) []int {
	var sizes []int
	for left := o.Machines; left > 0; left -= o.Fleet {
		sizes = append(sizes, min(left, o.Fleet))
	}
	return sizes
}

func workers(o Options) int {
	if o.Workers > 0 {
		return o.Workers
	}
	return runtime.GOMAXPROCS(0)
}

// runFleet simulates one fleet, and when an invariant broke finds a smaller run that breaks it too.
func runFleet(ctx context.Context, o Options, m *meter, number, size int) Report {
	f := newFleet(o, number, size)
	f.meter = m
	f.run(ctx)
	r := f.report()
	if len(r.Violations) > 0 && o.Shrink > 0 {
		r.Violations[0] = shrink(ctx, o, number, size, r.Violations[0])
	}
	return r
}

// shrink reruns with fewer machines, fewer days and less weather for as long as the same invariant breaks, and
// notes the steps of its machine in the smallest run.
func shrink(ctx context.Context, o Options, number, size int, v Violation) Violation {
	o.Stop = true
	best := v
	again := func(try Options) bool {
		if o.Shrink == 0 || ctx.Err() != nil {
			return false
		}
		o.Shrink--
		try.Shrink = o.Shrink
		f := newFleet(try, number, size)
		f.run(ctx)
		for _, w := range f.violations {
			if w.Invariant == v.Invariant {
				best, o = w, try
				o.Days = int(w.At.Sub(start)/(24*time.Hour)) + 1
				return true
			}
		}
		return false
	}
	if !again(o) {
		return best // it needs everything that went on after it
	}
	alone := o
	alone.Only = []int{best.Index}
	if !again(alone) {
		indexes := o.Only
		if indexes == nil {
			for i := range size {
				indexes = append(indexes, i)
			}
		}
		for step := len(indexes) / 2; step >= 1 && len(indexes) > 1; step /= 2 {
			for at := 0; at < len(indexes) && len(indexes) > 1; {
				fewer := o
				fewer.Only = slices.Delete(slices.Clone(indexes), at, min(at+step, len(indexes)))
				if len(fewer.Only) > 0 && again(fewer) {
					indexes = fewer.Only
				} else {
					at += step
				}
			}
		}
	}
	for _, level := range []string{"none", "some"} {
		calmer := o
		if calmer.Faults = level; level != o.Faults && again(calmer) {
			break
		}
	}
	o.Shrink = max(o.Shrink, 1) // for the steps
	traced := o
	traced.Trace = best.Machine
	again(traced)
	best.Replay = replay(o, number, best)
	return best
}

// replay is the command that shows a violation again.
func replay(o Options, number int, v Violation) string {
	var only []string
	for _, i := range o.Only {
		only = append(only, fmt.Sprint(i))
	}
	line := fmt.Sprintf("keyward simulate --machines %d --days %d --seed %d --faults %s --quiet %g --fleet %d --number %d --trace %s",
		o.Machines, o.Days, o.Seed, o.Faults, o.Quiet, o.Fleet, number+1, v.Machine)
	if only != nil && len(only) <= 20 {
		line += " --only " + strings.Join(only, ",")
	}
	for _, f := range []struct {
		flag  string
		names []string
	}{{"--incidents", o.Incidents}, {"--policies", o.Policies}} {
		if f.names != nil {
			line += " " + f.flag + " " + strings.Join(f.names, ",")
		}
	}
	return line
}
