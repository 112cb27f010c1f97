package interleave_test

import (
	"flag"
	"maps"
	"strings"
	"testing"

	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/simulate/interleave"
)

// cast is who acts on the key.
type cast struct {
	mode         policy.Mode
	enforcements int
	restore      bool // the machine is put right, and that is judged
	hold         bool
	crashes      int
}

// which casts are explored: make test takes the few, make interleavings all.
var which = flag.String("casts", "few", "explore the few small casts, many, or all")

// five is everybody.
var five = cast{enforcements: 2, restore: true, hold: true, crashes: 1}

// meeting is a cast with how often one of it may be interrupted by another; -1 is any number.
type meeting struct {
	cast
	switches int
}

// meetings are who meets on the key. All five at once have more orders than can be gone through: every one but
// those with many interruptions is.
func meetings(t *testing.T, which string) map[string]meeting {
	all := map[string]meeting{
		"an enforcement and a restore":       {cast{enforcements: 1, restore: true}, -1},
		"an enforcement, a hold and a crash": {cast{enforcements: 1, hold: true, crashes: 1}, -1},
	}
	switch which {
	case "all":
		maps.Copy(all, map[string]meeting{
			"an enforcement, a restore, a hold and a crash": {cast{enforcements: 1, restore: true, hold: true, crashes: 1}, -1},
			"two enforcements and a restore":                {cast{enforcements: 2, restore: true}, -1},
			"all five, twice interrupted":                   {five, 2},
		})
		fallthrough
	case "many":
		maps.Copy(all, map[string]meeting{
			"two enforcements and a crash":          {cast{enforcements: 2, crashes: 1}, -1},
			"two enforcements and a hold":           {cast{enforcements: 2, hold: true}, -1},
			"an enforcement, a restore and a hold":  {cast{enforcements: 1, restore: true, hold: true}, -1},
			"an enforcement, a restore and a crash": {cast{enforcements: 1, restore: true, crashes: 1}, -1},
			"all five, once interrupted":            {five, 1},
		})
	case "few":
	default:
		t.Fatalf("casts is %q, expected few, many or all", which)
	}
	return all
}

// TestEveryOrder: two enforcements, one restore, one hold and one crash on one key, in every order of their calls.
func TestEveryOrder(t *testing.T) {
	for _, mode := range []policy.Mode{policy.RevokeGrant, policy.DisableKey} {
		for name, m := range meetings(t, *which) {
			m.mode = mode
			t.Run(string(mode)+" "+name, func(t *testing.T) {
				e := newEnds()
				build := func() interleave.Scene { return newStage(t, m.cast).scene(e) }
				var r interleave.Result
				if m.switches < 0 {
					r = interleave.Explore(build)
				} else {
					r = interleave.ExploreSwitches(build, m.switches)
				}
				t.Logf("%d states, %d runs, %d ends, %d of which differ", r.States, r.Runs, r.Ends, len(e.what))
				if r.Bad != "" {
					t.Errorf("%s after\n  %s", r.Bad, strings.Join(r.Steps, "\n  "))
				}
				if r.States < 100 {
					t.Errorf("%d states: nothing was explored", r.States)
				}
			})
		}
	}
}

// With as many interruptions as there are steps, no state is left out.
func TestSwitchesLeaveNoStateOut(t *testing.T) {
	t.Parallel()
	c := cast{mode: policy.RevokeGrant, enforcements: 1, hold: true}
	build := func(e *ends) func() interleave.Scene {
		return func() interleave.Scene { return newStage(t, c).scene(e) }
	}
	every, few, none := newEnds(), newEnds(), newEnds()
	interleave.Explore(build(every))
	interleave.ExploreSwitches(build(few), 2)
	r := interleave.ExploreSwitches(build(none), 0)
	if len(few.what) != len(every.what) || len(none.what) >= len(few.what) {
		t.Errorf("%d ends that differ with two interruptions, %d with none, want the %d of every order, and fewer", len(few.what), len(none.what), len(every.what))
	}
	if r.Runs != 2 {
		t.Errorf("%d runs without an interruption, want two: one after the other, and the other way round", r.Runs)
	}
}

// Sleep sets leave out orders, and no state.
func TestSleepLeavesNoStateOut(t *testing.T) {
	t.Parallel()
	c := cast{mode: policy.RevokeGrant, enforcements: 1, restore: true}
	build := func(e *ends) func() interleave.Scene {
		return func() interleave.Scene { return newStage(t, c).scene(e) }
	}
	asleep, awake := interleave.Explore(build(newEnds())), interleave.ExploreAwake(build(newEnds()))
	if asleep.States != awake.States || asleep.Runs >= awake.Runs {
		t.Errorf("%d states in %d runs with sleep sets, %d in %d without: want as many states in fewer runs",
			asleep.States, asleep.Runs, awake.States, awake.Runs)
	}
}

// A step that is wrong is told with those that led to it.
func TestWhatIsWrongIsTold(t *testing.T) {
	t.Parallel()
	c := cast{mode: policy.RevokeGrant, enforcements: 1}
	r := interleave.Explore(func() interleave.Scene {
		s := newStage(t, c)
		scene := s.scene(newEnds())
		scene.Wrong = func() string {
			if s.taken {
				return "the key is taken"
			}
			return ""
		}
		return scene
	})
	if r.Bad != "the key is taken" || len(r.Steps) == 0 || r.Steps[len(r.Steps)-1] != "enforcement kms.RevokeGrant" {
		t.Errorf("Explore = %q after %v, want that the key is taken, by kms.RevokeGrant", r.Bad, r.Steps)
	}
}
