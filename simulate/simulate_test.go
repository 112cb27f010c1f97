package simulate_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/keyward/keyward/simulate"
)

// Equal options give equal runs, whatever runs beside them; another seed gives another.
func TestEqualSeedsGiveEqualRuns(t *testing.T) {
	t.Parallel()
	run := func(seed uint64, workers int) string {
		r, err := simulate.Run(t.Context(), simulate.Options{Machines: 40, Fleet: 20, Days: 2, Quiet: 1, Seed: seed, Faults: "many", Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		r.Took = ""
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	first := run(7, 1)
	if again := run(7, 2); again != first {
		t.Errorf("the second run differs:\n%s\n%s", first, again)
	}
	if other := run(8, 2); other == first {
		t.Error("another seed gives the same run")
	}
}

func TestOptionsThatMeanNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		o    simulate.Options
		want string
	}{
		{simulate.Options{Machines: 0, Days: 1, Faults: "none"}, "machines is 0, expected 1 to 1000000"},
		{simulate.Options{Machines: 1_000_001, Days: 1, Faults: "none"}, "machines is 1000001"},
		{simulate.Options{Machines: 1, Days: 0, Faults: "none"}, "days is 0, expected 1 to 366"},
		{simulate.Options{Machines: 1, Days: 1, Faults: "few"}, `faults is "few", expected none, some or many`},
		{simulate.Options{Machines: 1, Days: 1, Faults: "none", Fleet: -1}, "fleet is -1, expected 1 to 10000"},
		{simulate.Options{Machines: 10, Days: 1, Faults: "none", Fleet: 5, Number: 3}, "number is 3, expected 1 to 2"},
		{simulate.Options{Machines: 10, Days: 1, Faults: "none", Fleet: 5, Only: []int{5}}, "only is 5, expected 0 to 4"},
		{simulate.Options{Machines: 1, Days: 1, Faults: "none", Incidents: []string{"fire"}}, `incident is "fire", expected corrected-early, `},
		{simulate.Options{Machines: 1, Days: 1, Faults: "none", Policies: []string{"none"}}, `policy is "none", expected web, `},
	} {
		_, err := simulate.Run(t.Context(), c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Run(%+v) = %v, want %q", c.o, err, c.want)
		}
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := simulate.Run(ctx, simulate.Options{Machines: 1, Days: 1, Faults: "none"}); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want that the context ended", err)
	}
}

// Whoever asks hears how far a run is, up to all of it.
func TestToldHowFar(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var last, most int64
	_, err := simulate.Run(t.Context(), simulate.Options{Machines: 30, Days: 2, Seed: 1, Faults: "none", Fleet: 10, Told: func(done, all int64) {
		mu.Lock()
		defer mu.Unlock()
		if most = max(most, done); all != 30*2*24*60*60 || done < 0 {
			t.Errorf("told %d of %d", done, all)
		}
		last = all
	}})
	if err != nil || most != last || last == 0 {
		t.Errorf("Run = %v, told %d of %d at the end", err, most, last)
	}
}
