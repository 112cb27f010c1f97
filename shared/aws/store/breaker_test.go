package store_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/record"
)

func TestBreaker(t *testing.T) {
	t.Parallel()
	p := begin(t)
	same(t, "Breaker of an empty table", record.Breaker{})(p.Breaker(t.Context()))
	b := record.Breaker{Guarded: 7, Spent: []record.Spent{{Machine: awstest.Machine, Generation: 3, At: noon}}}
	event := record.BreakerEvent{At: noon, Kind: record.BreakerOpened, Scope: "global", Text: "full"}
	start := record.Start{Name: "breaker-1-tell-breakerOpen-1", Machine: "breaker", Input: json.RawMessage(`{}`), At: noon}
	must(t, p.ChangeBreaker(t.Context(), record.BreakerChange{Breaker: &b, Event: &event, Start: &start}))
	kept := b
	kept.Version = 1
	same(t, "Breaker", kept)(p.Breaker(t.Context()))
	same(t, "Outbox", []record.Start{start})(p.Outbox(t.Context()))
	err := p.ChangeBreaker(t.Context(), record.BreakerChange{Breaker: &b, Event: &event, Start: &start})
	awstest.Wrapped(t, err, fault.Conflict, "changing the breaker: it was changed by somebody else")
	later := record.BreakerEvent{At: noon.Add(time.Minute), Kind: record.BreakerClosed, Scope: "global", Text: "room"}
	must(t, p.ChangeBreaker(t.Context(), record.BreakerChange{Breaker: &kept, Event: &later}))
	same(t, "BreakerEvents", []record.BreakerEvent{later, event})(p.BreakerEvents(t.Context(), 0))
	same(t, "BreakerEvents, one", []record.BreakerEvent{later})(p.BreakerEvents(t.Context(), 1))
}

func TestRuleBreakers(t *testing.T) {
	t.Parallel()
	p := begin(t)
	same(t, "RuleBreaker of an empty table", record.RuleBreaker{Policy: "web"})(p.RuleBreaker(t.Context(), "web"))
	for _, name := range []string{"web", "db"} {
		b := guard.Tripped(record.RuleBreaker{Policy: name}, record.Trip{PolicyVersion: 2, Rule: "a", Failed: 3, Passed: 9, At: noon})
		must(t, p.ChangeBreaker(t.Context(), record.BreakerChange{Rules: &b}))
		awstest.Wrapped(t, p.ChangeBreaker(t.Context(), record.BreakerChange{Rules: &b}), fault.Conflict, "it was changed by somebody else")
		b.Version = 1
		same(t, "RuleBreaker", b)(p.RuleBreaker(t.Context(), name))
	}
	all, err := p.RuleBreakers(t.Context())
	if err != nil || len(all) != 2 || all[0].Policy != "db" || all[1].Policy != "web" {
		t.Errorf("RuleBreakers = %v, %v, want both by policy", all, err)
	}
}

// A revocation is counted with the change of its machine, or neither is written.
func TestApplyCountsOrWritesNothing(t *testing.T) {
	t.Parallel()
	p := begin(t)
	one, two := p.enrol(t, awstest.Machine), p.enrol(t, awstest.Other)
	empty, rules := record.Breaker{}, record.RuleBreaker{Policy: "web"}
	counted := guard.Spend(empty, one.ID, 1, guard.Limits{Window: time.Hour}, noon)
	_, err := p.Apply(t.Context(), store.Change{Machine: one, At: noon, Breaker: &counted, Rules: &rules})
	must(t, err)
	_, err = p.Apply(t.Context(), store.Change{Machine: two, At: noon, Breaker: &counted, Rules: &rules})
	awstest.Wrapped(t, err, fault.Conflict, "changing machine "+two.ID+": the breaker was changed by somebody else")
	same(t, "Machine after a conflict", two)(p.Machine(t.Context(), two.ID))

	must(t, p.ChangeBreaker(t.Context(), record.BreakerChange{Rules: &rules}))
	now, err := p.Breaker(t.Context())
	must(t, err)
	_, err = p.Apply(t.Context(), store.Change{Machine: two, At: noon, Breaker: &now, Rules: &rules})
	awstest.Wrapped(t, err, fault.Conflict, "changing machine "+two.ID+": the breaker on its rules was changed by somebody else")
	same(t, "Breaker after a conflict", now)(p.Breaker(t.Context()))
}

// A full row of the highest limit the template allows fits.
func TestTheLargestBreakerFits(t *testing.T) {
	t.Parallel()
	p := begin(t)
	var b record.Breaker
	for n := range 1000 {
		b.Spent = append(b.Spent, record.Spent{Machine: nth(n * 7919), Generation: int64(n), At: noon.Add(time.Duration(n) * time.Millisecond)})
	}
	must(t, p.ChangeBreaker(t.Context(), record.BreakerChange{Breaker: &b}))
	b.Version = 1
	same(t, "Breaker", b)(p.Breaker(t.Context()))
}

// Whoever reserves at once, through the real SDK: never more than the limit, and as many as it allows.
func TestConcurrentReservationsNeverOvershoot(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		p := begin(t)
		l := guard.Limits{Machines: rapid.IntRange(0, 6).Draw(r, "limit"), Percent: 100, Window: time.Hour}
		rivals := rapid.IntRange(1, 8).Draw(r, "rivals")
		b := record.Breaker{Guarded: 100}
		used := rapid.IntRange(0, 3).Draw(r, "used")
		for n := range used {
			b = guard.Spend(b, fmt.Sprintf("i-old%d", n), 1, l, noon.Add(-time.Minute))
		}
		must(t, p.ChangeBreaker(t.Context(), record.BreakerChange{Breaker: &b}))
		var wait sync.WaitGroup
		won := make([]bool, rivals)
		for n := range rivals {
			m := p.enrol(t, nth(n))
			wait.Go(func() { won[n] = reserve(t, p, m, l) })
		}
		wait.Wait()
		now, err := p.Breaker(t.Context())
		must(t, err)
		want := min(rivals, max(0, l.Machines-used))
		got := len(slices.DeleteFunc(won, func(w bool) bool { return !w }))
		if got != want || len(now.Spent) != used+got {
			r.Errorf("%d of %d rivals reserved with a limit of %d of which %d were used, want %d: %s", got, rivals, l.Machines, used, want, cmp.Diff(b, now))
		}
	})
}

// reserve is what recheck does, until it is let through or there is no room.
func reserve(t *testing.T, p *place, m record.Machine, l guard.Limits) bool {
	for {
		b, err := p.Breaker(t.Context())
		if err != nil {
			t.Error(err)
			return false
		}
		if guard.BreakerFor(m.ID, b, l, noon).Room() == 0 {
			return false
		}
		b = guard.Spend(b, m.ID, 1, l, noon)
		_, err = p.Apply(t.Context(), store.Change{Machine: m, At: noon, Breaker: &b})
		switch {
		case err == nil:
			return true
		case !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.Transient):
			t.Error(err)
			return false
		}
	}
}
