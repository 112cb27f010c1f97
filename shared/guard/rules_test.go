package guard_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// fleet is machines of the policy web: so many comply, and one newly fails for each list of rules.
func fleet(good int, failing ...[]string) []record.Machine {
	var all []record.Machine
	for n := range good {
		all = append(all, record.Machine{ID: fmt.Sprintf("i-good%d", n), Policy: "web", PolicyUsed: 2, State: integrity.State{Standing: integrity.Good}})
	}
	for n, rules := range failing {
		m := record.Machine{
			ID: fmt.Sprintf("i-bad%d", n), Policy: "web", PolicyUsed: 2, BrokeAt: now.Add(-time.Hour),
			State: integrity.State{Standing: integrity.Bad},
		}
		for _, r := range rules {
			m.Findings = append(m.Findings, policy.Finding{Rule: r, Verdict: policy.Fail})
		}
		all = append(all, m)
	}
	return all
}

func each(n int, rules ...string) [][]string {
	var all [][]string
	for range n {
		all = append(all, rules)
	}
	return all
}

func trip(rule string, failed, passed int) record.Trip {
	return record.Trip{PolicyVersion: 2, Rule: rule, Failed: failed, Passed: passed, At: now}
}

func edited(all []record.Machine, edit func(*record.Machine)) []record.Machine {
	for n := range all {
		edit(&all[n])
	}
	return all
}

var web = record.RuleBreaker{Policy: "web"}

func TestTrips(t *testing.T) {
	t.Parallel()
	tripped := guard.Tripped(web, trip("a", 3, 20))
	tests := []struct {
		name string
		all  []record.Machine
		b    record.RuleBreaker
		want []record.Trip
	}{
		{"nobody fails", fleet(20), web, nil},
		{"ten percent is allowed", fleet(27, each(3, "a")...), web, nil},
		{"more is not", fleet(26, each(3, "a")...), web, []record.Trip{trip("a", 3, 29)}},
		{"two are too few to tell", fleet(0, each(2, "a")...), web, nil},
		{"everybody", fleet(0, each(3, "a")...), web, []record.Trip{trip("a", 3, 3)}},
		{"two rules", fleet(10, append(each(3, "b", "a"), each(1, "c")...)...), web, []record.Trip{trip("a", 3, 14), trip("b", 3, 14)}},
		{"no rule alone, the version is", fleet(10, []string{"a"}, []string{"b"}, []string{"c"}), web, []record.Trip{trip("", 3, 13)}},
		{"a rule, and the rest still too many", fleet(5, append(each(3, "a"), []string{"b"}, []string{"c"}, []string{"d"})...), web,
			[]record.Trip{trip("a", 3, 11), trip("", 3, 11)}},
		{"one rule twice in one machine counts once", fleet(0, []string{"a", "a"}, []string{"a", "a"}), web, nil},
		{"tripped already", fleet(10, each(4, "a")...), tripped, nil},
		{"failed long ago", edited(fleet(0, each(9, "a")...), func(m *record.Machine) { m.BrokeAt = now.Add(-guard.Newly) }), web, nil},
		{"never complied", edited(fleet(0, each(9, "a")...), func(m *record.Machine) { m.BrokeAt = time.Time{} }), web, nil},
		{"silent", edited(fleet(0, each(9, "a")...), func(m *record.Machine) { m.State.Silence = true }), web, nil},
		{"gone", edited(fleet(0, each(9, "a")...), func(m *record.Machine) { m.State.GoneAt = now }), web, nil},
		{"of another policy", edited(fleet(0, each(9, "a")...), func(m *record.Machine) { m.Policy = "db" }), web, nil},
		{"judged by an older version", edited(fleet(0, each(9, "a")...), func(m *record.Machine) { m.PolicyUsed = 1 }), web, nil},
		{"only not known", edited(fleet(0, each(9, "a")...), func(m *record.Machine) { m.Findings[0].Verdict = policy.Unknown }), web, nil},
		{"the version tripped already", fleet(0, each(9, "a", "b")...), guard.Tripped(web, trip("", 3, 9)), nil},
		{"before a person's reset", fleet(0, each(9, "a")...), record.RuleBreaker{Policy: "web", ResetAt: now.Add(-time.Minute)}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := guard.Trips(2, tt.all, tt.b, limits(5, 2).Rules, now)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Trips (-want +got):\n%s", diff)
			}
		})
	}
	if got := guard.Trips(2, fleet(0, each(9, "a")...), web, guard.RuleLimits{Percent: 100, Machines: 3}, now); len(got) != 0 {
		t.Errorf("100 percent trips %v, want nothing", got)
	}
	if got := guard.Trips(2, fleet(99, each(1, "a")...), web, guard.RuleLimits{}, now); len(got) != 1 {
		t.Errorf("limits of zero trip %v, want the first failure to", got)
	}
}

func TestRuleFor(t *testing.T) {
	t.Parallel()
	rules := limits(5, 2).Rules
	b := guard.Tripped(web, trip("a", 9, 9))
	one := func(rules ...string) record.Machine { return fleet(0, rules)[0] }
	for name, c := range map[string]struct {
		m       record.Machine
		version int
		all     []record.Machine
		b       record.RuleBreaker
		want    bool
	}{
		"fails what tripped":                      {one("a"), 2, nil, b, true},
		"fails another rule as well":              {one("a", "b"), 2, nil, b, false},
		"fails another":                           {one("b"), 2, nil, b, false},
		"nothing tripped":                         {one("a"), 2, nil, web, false},
		"the version tripped":                     {one("b"), 2, nil, guard.Tripped(web, trip("", 9, 9)), true},
		"silence is no rule":                      {edited(fleet(0, []string{"a"}), func(m *record.Machine) { m.State.Silence = true })[0], 2, nil, b, false},
		"a new version did not look at it yet":    {one("a"), 3, nil, b, true},
		"a new version did, and not at others":    {edited(fleet(0, []string{"a"}), func(m *record.Machine) { m.PolicyUsed = 3 })[0], 3, fleet(0, each(9, "a")...), b, true},
		"a new version looked at all but few":     {edited(fleet(0, []string{"a"}), func(m *record.Machine) { m.PolicyUsed = 3 })[0], 3, fleet(90, each(2, "a")...), b, false},
		"a new version, and its failure is older": {edited(fleet(0, []string{"a"}), func(m *record.Machine) { m.PolicyUsed, m.BrokeAt = 3, now.Add(-30*24*time.Hour) })[0], 3, fleet(0, each(9, "a")...), b, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := guard.RuleFor(c.m, c.version, c.all, c.b, rules, now); got != (guard.Rule{Read: true, Tripped: c.want}) {
				t.Errorf("RuleFor = %+v, want tripped %t", got, c.want)
			}
		})
	}
}

// What was stopped does not look old by waiting for a new version.
func TestStoppedStaysNew(t *testing.T) {
	t.Parallel()
	late := now.Add(3 * 24 * time.Hour)
	b := guard.Tripped(web, trip("a", 9, 9))
	all := edited(fleet(0, each(9, "a")...), func(m *record.Machine) { m.PolicyUsed = 3 })
	if got := guard.Trips(3, all, b, limits(5, 2).Rules, late); len(got) != 1 || got[0].PolicyVersion != 3 {
		t.Errorf("Trips of the new version = %v, want it to trip as well", got)
	}
	if got, dropped := guard.Settled(3, fleet(0, each(1, "a")...), b); dropped || len(got.Trips) != 1 {
		t.Errorf("Settled while one was not looked at = %v", got.Trips)
	}
	if got, dropped := guard.Settled(3, all, b); !dropped || len(got.Trips) != 0 {
		t.Errorf("Settled when all were = %v", got.Trips)
	}
	if _, dropped := guard.Settled(2, all, b); dropped {
		t.Error("Settled dropped the trips of the current version")
	}
}

func TestTripsAreBounded(t *testing.T) {
	t.Parallel()
	b := web
	for n := range 120 {
		b = guard.Tripped(b, trip(fmt.Sprint(n), 3, 3))
	}
	if len(b.Trips) != 50 || b.Trips[49].Rule != "119" {
		t.Errorf("%d trips are kept, the last of %s", len(b.Trips), b.Trips[len(b.Trips)-1].Rule)
	}
}

func TestTerms(t *testing.T) {
	t.Parallel()
	b := guard.Tripped(web, trip("a", 9, 9))
	for _, c := range []struct {
		onFail  policy.Action
		version int
		rules   []string
		want    policy.Action
	}{
		{policy.ActRevoke, 2, []string{"a"}, policy.ActNotify},
		{policy.ActRevoke, 2, []string{"a", "b"}, policy.ActRevoke},
		{policy.ActRevoke, 3, []string{"a"}, policy.ActRevoke},
		{policy.ActRevoke, 2, nil, policy.ActRevoke},
		{policy.ActHold, 2, []string{"a"}, policy.ActHold},
	} {
		p := &policy.Policy{Integrity: policy.Integrity{OnFail: c.onFail}}
		if got := guard.Terms(p, b, c.version, c.rules).OnFail; got != c.want {
			t.Errorf("version %d, rules %v: onFail %s, want %s", c.version, c.rules, got, c.want)
		}
	}
}
