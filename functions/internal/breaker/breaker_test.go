package breaker_test

import (
	"encoding/json"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/functions/internal/breaker"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/record"
)

var (
	now   = time.Date(2026, 3, 2, 4, 30, 0, 0, time.UTC)
	place = breaker.Place{Account: "123456789012", Region: "us-east-1"}
	five  = guard.Limits{Machines: 5, Percent: 2, Window: time.Hour}
)

func spent() record.Breaker {
	return record.Breaker{Guarded: 60, Openings: 2, Version: 9, Spent: []record.Spent{{Machine: "i-a", Generation: 1, At: now}}}
}

// executionName is what Step Functions takes (StartExecution API reference, parameter name).
var executionName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

// Whatever is told says once what happened, in the mail and in the line of what was done.
func TestWhatIsTold(t *testing.T) {
	t.Parallel()
	open := spent()
	open.OpenSince, open.ToldAt = now.Add(-49*time.Hour), now.Add(-25*time.Hour)
	long := record.RuleBreaker{Policy: "a-policy-name-of-32-characters-x", Version: 4}
	trips := []record.Trip{{PolicyVersion: 3, Rule: "a", Failed: 4, Passed: 20}, {PolicyVersion: 3, Failed: 5, Passed: 20}}
	for name, c := range map[string]struct {
		make       func() (record.BreakerChange, error)
		kind, text string
		execution  string
		scope      record.Scope
	}{
		"opened": {
			func() (record.BreakerChange, error) { return breaker.Open(spent(), "i-b", 0, five, place, now) }, "opened",
			"1 of at most 1 machines lost their keys within 1h0m0s, and i-b is the first that has to wait", "breaker-3-tell-breakerOpen-1", "global",
		},
		"still open": {
			func() (record.BreakerChange, error) { return breaker.StillOpen(open, 7, place, now) }, "opened",
			"it is open since 2026-02-28T03:30:00Z, and 7 machines wait", "breaker-2-tell-breakerOpen-3", "global",
		},
		"tripped": {
			func() (record.BreakerChange, error) { return breaker.Trip(long, trips, place, now) }, "tripped",
			`4 of 20 machines that complied fail rule "a" of version 3; 5 of 20 machines that complied fail rules of version 3`,
			"breaker-a-policy-name-of-32-characters-x-5-tell-rulesTripped-1", "policy:a-policy-name-of-32-characters-x",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := c.make()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&record.BreakerEvent{At: now, Kind: c.kind, Scope: c.scope, Text: c.text}, got.Event); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
			var in enforcement.Input
			if err := json.Unmarshal(got.Start.Input, &in); err != nil || in.Why != c.text || in.Kind != enforcement.Tell || in.Version != enforcement.Version || in.Account != place.Account || in.Region != place.Region {
				t.Errorf("input = %+v, %v", in, err)
			}
			if got.Start.Name != c.execution || !executionName.MatchString(got.Start.Name) {
				t.Errorf("execution %q, want %q", got.Start.Name, c.execution)
			}
		})
	}
}

// A change names the version that was read, so that the store can refuse it.
func TestChangesKeepTheVersion(t *testing.T) {
	t.Parallel()
	opened, err := breaker.Open(spent(), "i-b", 0, five, place, now)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]*record.Breaker{
		"open": opened.Breaker, "close": breaker.Close(spent(), now).Breaker, "reset": breaker.Reset(spent(), "alice", "why", now).Breaker,
	} {
		if b.Version != 9 || b.Guarded != 60 {
			t.Errorf("%s: %+v, want version and count as they were", name, b)
		}
	}
	if b := breaker.ResetRules(record.RuleBreaker{Policy: "web", Version: 4}, "alice", "why", now).Rules; b.Version != 4 || b.ResetBy != "alice" {
		t.Errorf("reset of rules: %+v", b)
	}
}
