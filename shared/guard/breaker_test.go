package guard_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

func limits(machines, percent int) guard.Limits {
	return guard.Limits{Machines: machines, Percent: percent, Window: time.Hour, Rules: guard.RuleLimits{Percent: 10, Machines: 3}}
}

func TestLimit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ machines, percent, guarded, want int }{
		{5, 2, 0, 1}, {5, 2, 1, 1}, {5, 2, 99, 1}, {5, 2, 100, 2}, {5, 2, 149, 2}, {5, 2, 250, 5}, {5, 2, 100000, 5},
		{0, 2, 1000, 0}, {5, 0, 1000, 0}, {0, 0, 0, 0}, {-1, 2, 1000, 0}, {5, -1, 1000, 0}, {1000, 100, 7, 7},
	} {
		if got := limits(c.machines, c.percent).Limit(c.guarded); got != c.want {
			t.Errorf("%d machines or %d%% of %d: limit %d, want %d", c.machines, c.percent, c.guarded, got, c.want)
		}
	}
	if got := (guard.Limits{}).Limit(1000); got != 0 {
		t.Errorf("the zero limits allow %d, want none", got)
	}
}

func TestSpend(t *testing.T) {
	t.Parallel()
	l := limits(2, 100)
	b := record.Breaker{Guarded: 10}
	b = guard.Spend(b, "i-a", 1, l, now)
	b = guard.Spend(b, "i-b", 1, l, now.Add(10*time.Minute))
	if got := guard.BreakerFor("i-c", b, l, now.Add(59*time.Minute)); got != (guard.Breaker{Read: true, Limit: 2, Used: 2}) || got.Room() != 0 {
		t.Errorf("within the window = %+v, want it full", got)
	}
	if got := guard.BreakerFor("i-a", b, l, now.Add(59*time.Minute)); !got.Mine {
		t.Errorf("another attempt = %+v, want it to count already", got)
	}
	if got := guard.BreakerFor("i-a", b, l, now.Add(time.Hour)); got.Used != 1 || got.Mine || got.Room() != 1 {
		t.Errorf("an hour later = %+v, want the first to count no more", got)
	}
	// Another attempt, and another violation, of the same machine count once, from the newest on.
	b = guard.Spend(b, "i-a", 2, l, now.Add(50*time.Minute))
	want := []record.Spent{{Machine: "i-b", Generation: 1, At: now.Add(10 * time.Minute)}, {Machine: "i-a", Generation: 2, At: now.Add(50 * time.Minute)}}
	if diff := cmp.Diff(want, b.Spent); diff != "" {
		t.Errorf("spent (-want +got):\n%s", diff)
	}
	// A clock that is behind has no more room than one that is ahead left it.
	if got := guard.Spend(b, "i-c", 1, l, now).Spent[2].At; !got.Equal(now.Add(50 * time.Minute)) {
		t.Errorf("counted at %s, want at the newest time that is known", got)
	}
}

// Whatever is tried when, in no span of the window do more machines lose their keys than the limit says.
func TestNeverAboveTheLimit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := guard.Limits{
			Machines: rapid.IntRange(0, 4).Draw(t, "machines"), Percent: rapid.SampledFrom([]int{0, 10, 50, 100}).Draw(t, "percent"),
			Window: time.Duration(rapid.IntRange(10, 90).Draw(t, "window")) * time.Minute,
		}
		b := record.Breaker{Guarded: rapid.IntRange(0, 12).Draw(t, "guarded")}
		most := l.Limit(b.Guarded)
		at := now
		type act struct {
			machine string
			at      time.Time
		}
		var acts []act
		for range rapid.IntRange(1, 60).Draw(t, "tries") {
			at = at.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "minutes")) * time.Minute)
			id := fmt.Sprintf("i-%d", rapid.IntRange(0, 8).Draw(t, "machine"))
			f := due(func(f *guard.Facts) { f.Breaker = guard.BreakerFor(id, b, l, at) })
			if guard.Weigh(f, now).Outcome != guard.Revoke {
				continue
			}
			b = guard.Spend(b, id, 1, l, at)
			acts = append(acts, act{id, at})
		}
		for _, first := range acts {
			seen := map[string]bool{}
			for _, a := range acts {
				if !a.at.Before(first.at) && a.at.Before(first.at.Add(l.Window)) {
					seen[a.machine] = true
				}
			}
			if len(seen) > most {
				t.Fatalf("%d machines within %s, the limit is %d: %v", len(seen), l.Window, most, acts)
			}
		}
	})
}

func TestSeverity(t *testing.T) {
	t.Parallel()
	machine := func(id string, failed int, due time.Duration) record.Machine {
		m := record.Machine{ID: id, State: integrity.State{DueAt: now.Add(due)}}
		for n := range failed {
			m.Findings = append(m.Findings, policy.Finding{Rule: fmt.Sprint(n), Verdict: policy.Fail})
		}
		m.Findings = append(m.Findings, policy.Finding{Rule: "unknown"}, policy.Finding{Rule: "shown", Verdict: policy.Fail, Info: true})
		return m
	}
	all := []record.Machine{machine("i-e", 0, -time.Hour), machine("i-d", 1, 0), machine("i-c", 1, 0), machine("i-b", 1, -time.Minute), machine("i-a", 2, time.Hour)}
	slices.SortFunc(all, func(a, b record.Machine) int {
		return guard.CompareSeverity(guard.SeverityOf(a), guard.SeverityOf(b))
	})
	var order []string
	for _, m := range all {
		order = append(order, m.ID)
	}
	if diff := cmp.Diff([]string{"i-a", "i-b", "i-c", "i-d", "i-e"}, order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if s := guard.SeverityOf(all[0]); guard.CompareSeverity(s, s) != 0 {
		t.Error("a machine is more severe than itself")
	}
}

// The room that is left is for the more severe of those that fall due together.
func TestAhead(t *testing.T) {
	t.Parallel()
	failing := func(id string, rules int, due time.Duration, edits ...func(*record.Machine)) record.Machine {
		m := record.Machine{ID: id, State: integrity.State{Standing: integrity.Bad, Key: integrity.KeyReleased, DueAt: now.Add(due)}}
		for n := range rules {
			m.Findings = append(m.Findings, policy.Finding{Rule: fmt.Sprint(n), Verdict: policy.Fail})
		}
		for _, e := range edits {
			e(&m)
		}
		return m
	}
	me := failing("i-m", 2, -time.Minute)
	for name, c := range map[string]struct {
		other record.Machine
		want  int
	}{
		"itself":                       {me, 0},
		"fails more":                   {failing("i-x", 3, -time.Minute), 1},
		"fails less":                   {failing("i-a", 1, -2*time.Minute), 0},
		"earlier deadline":             {failing("i-x", 2, -2*time.Minute), 1},
		"the same, a lower id":         {failing("i-a", 2, -time.Minute), 1},
		"the same, a higher id":        {failing("i-x", 2, -time.Minute), 0},
		"not due yet":                  {failing("i-x", 3, time.Second), 0},
		"due for long":                 {failing("i-x", 3, -16*time.Minute), 0},
		"held":                         {failing("i-x", 3, -time.Minute, func(m *record.Machine) { m.State.HeldFor = "held-machine" }), 0},
		"stopped":                      {failing("i-x", 3, -time.Minute, func(m *record.Machine) { m.State.FrozenSince = now }), 0},
		"gone":                         {failing("i-x", 3, -time.Minute, func(m *record.Machine) { m.State.GoneAt = now }), 0},
		"complies":                     {failing("i-x", 3, -time.Minute, func(m *record.Machine) { m.State.Standing = integrity.Good }), 0},
		"lost its key":                 {failing("i-x", 3, -time.Minute, func(m *record.Machine) { m.State.Key = integrity.KeyRevoked }), 0},
		"only told":                    {failing("i-x", 3, -time.Minute, func(m *record.Machine) { m.State.DueAt = time.Time{} }), 0},
		"counted already, list is old": {failing("i-spent", 3, -time.Minute), 0},
	} {
		b := record.Breaker{Guarded: 100, Spent: []record.Spent{{Machine: "i-spent", At: now.Add(-time.Minute)}}}
		if got := guard.Ahead(me, []record.Machine{me, c.other}, b, limits(5, 100), now); got != c.want {
			t.Errorf("%s: %d ahead, want %d", name, got, c.want)
		}
	}
	for name, c := range map[string]struct {
		breaker guard.Breaker
		want    guard.Outcome
	}{
		"room for both":              {guard.Breaker{Read: true, Limit: 2, Ahead: 1}, guard.Revoke},
		"room for the other":         {guard.Breaker{Read: true, Limit: 2, Used: 1, Ahead: 1}, guard.Hold},
		"counted before: goes on":    {guard.Breaker{Read: true, Limit: 2, Used: 1, Ahead: 1, Mine: true}, guard.Revoke},
		"a limit of 0 is still none": {guard.Breaker{Read: true, Ahead: 0}, guard.Hold},
	} {
		if d := guard.Weigh(due(func(f *guard.Facts) { f.Breaker = c.breaker }), now); d.Outcome != c.want {
			t.Errorf("%s: %+v, want %s", name, d, c.want)
		}
	}
}
