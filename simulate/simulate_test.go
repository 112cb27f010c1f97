package simulate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/keyward/keyward/simulate"
)

// A small world of every weather, in which everything that Keyward does is done, and no invariant breaks.
func TestInvariantsHold(t *testing.T) {
	t.Parallel()
	for faults, seeds := range map[string][]uint64{"none": {1}, "many": {3}} {
		for _, seed := range seeds {
			t.Run(fmt.Sprintf("%s %d", faults, seed), func(t *testing.T) {
				t.Parallel()
				r, err := simulate.Run(t.Context(), simulate.Options{Machines: 110, Days: 3, Quiet: 1.5, Seed: seed, Faults: faults, Shrink: 6})
				if err != nil {
					t.Fatal(err)
				}
				var text strings.Builder
				r.Print(&text)
				if r.Broken > 0 {
					t.Fatal(text.String())
				}
				for _, kind := range []string{"warning", "revoked", "restored", "stoodDown", "held"} {
					if r.Mails[kind] == 0 {
						t.Errorf("no mail %s was sent: this world shows nothing of it\n%s", kind, text.String())
					}
				}
				for _, call := range []string{"kms.RevokeGrant", "kms.DisableKey", "kms.CreateGrant"} {
					if r.Calls[call] == 0 {
						t.Errorf("%s was never called", call)
					}
				}
				if faults == "many" && (r.Repeats == 0 || r.Deaths["evaluate"] == 0) {
					t.Errorf("no mail was sent again, or nothing died: %+v", r.Deaths)
				}
				if faults == "none" && (r.Repeats != 0 || len(r.Deaths) != 0) {
					t.Errorf("in calm weather %d mails were sent again and %v died", r.Repeats, r.Deaths)
				}
			})
		}
	}
}

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
