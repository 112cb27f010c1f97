package policy_test

import (
	"testing"

	"github.com/keyward/keyward/shared/policy"
)

const (
	one = "i-1234567890abcdef0"
	two = "mi-1234567890abcdef0"
)

// forMachines is a policy with this under machines.
func forMachines(t *testing.T, name, machines string) *policy.Policy {
	t.Helper()
	return parse(t, "policy: "+name+"\nmachines: "+machines)
}

func TestMatches(t *testing.T) {
	t.Parallel()
	web := map[string]string{"tier": "web", "stage": "live"}
	for _, c := range []struct {
		machines string
		machine  string
		tags     map[string]string
		want     bool
	}{
		{"{}", one, web, false},
		{"{priority: 5}", one, web, false},
		{"{except: [" + two + "]}", one, web, false},
		{"{ids: [" + one + "]}", one, nil, true},
		{"{ids: [" + one + "]}", two, nil, false},
		{"{tags: {tier: web}}", one, web, true},
		{"{tags: {tier: web, stage: live}}", one, web, true},
		{"{tags: {tier: web, stage: test}}", one, web, false},
		{"{tags: {team: a}}", one, web, false},
		{"{tags: {team: ''}}", one, web, false},
		{"{tags: {tier: web}}", one, nil, false},
		{"{tags: {tier: web}, except: [" + one + "]}", one, web, false},
		{"{tags: {tier: web}, ids: [" + two + "]}", one, web, false},
		{"{tags: {tier: web}, ids: [" + one + "]}", one, web, true},
	} {
		if got := forMachines(t, "x", c.machines).Matches(c.machine, c.tags); got != c.want {
			t.Errorf("Matches of %s (%s, %v) = %v, want %v", c.machines, c.machine, c.tags, got, c.want)
		}
	}
}

func TestMatchTakesTheHighestPriority(t *testing.T) {
	t.Parallel()
	low, high := forMachines(t, "low", "{ids: ["+one+"]}"), forMachines(t, "high", "{ids: ["+one+"], priority: 1}")
	twin := forMachines(t, "a-twin", "{ids: ["+one+"], priority: 1}")
	for _, c := range []struct {
		name     string
		policies []*policy.Policy
		machine  string
		want     string
	}{
		{"none", nil, one, policy.DefaultName},
		{"none for this machine", []*policy.Policy{low, high}, two, policy.DefaultName},
		{"one", []*policy.Policy{low}, one, "low"},
		{"higher last", []*policy.Policy{low, high}, one, "high"},
		{"higher first", []*policy.Policy{high, low}, one, "high"},
		{"equal", []*policy.Policy{high, twin}, one, "a-twin"},
		{"equal, turned round", []*policy.Policy{twin, high}, one, "a-twin"},
	} {
		if got := policy.Match(c.policies, c.machine, nil).Name; got != c.want {
			t.Errorf("%s: Match = %s, want %s", c.name, got, c.want)
		}
	}
}

func TestDefaultTakesNothingAway(t *testing.T) {
	t.Parallel()
	p := policy.Default()
	if p.Name != policy.DefaultName || len(p.Rules) != 0 || p.Integrity.OnFail != policy.ActNotify ||
		p.Integrity.SilenceThen != policy.ActHold || p.Requests.OnUnknown != policy.Hold {
		t.Errorf("Default() = %+v, want no rules, notify, and unknown requests held", p)
	}
	if _, ok := p.Schedule.Plan(); ok {
		t.Error("Default().Schedule.Plan() ok, want the stack's own schedule")
	}
}

func TestAmbiguous(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, a, b string
		want       bool
	}{
		{"different priority", "{tags: {a: b}, priority: 1}", "{tags: {a: b}}", false},
		{"same tags", "{tags: {a: b}}", "{tags: {a: b}}", true},
		{"tags that a machine can have both", "{tags: {a: b}}", "{tags: {c: d}}", true},
		{"tags that exclude each other", "{tags: {a: b}}", "{tags: {a: c, d: e}}", false},
		{"nobody", "{}", "{tags: {a: b}}", false},
		{"same id", "{ids: [" + one + "]}", "{ids: [" + two + ", " + one + "]}", true},
		{"other ids", "{ids: [" + one + "]}", "{ids: [" + two + "]}", false},
		{"id and tags", "{ids: [" + one + "]}", "{tags: {a: b}}", true},
		{"id and tags without it", "{ids: [" + one + "]}", "{tags: {a: b}, except: [" + one + "]}", false},
		{"id that is left out", "{ids: [" + one + "], except: [" + one + "]}", "{tags: {a: b}}", false},
		{"one id left", "{ids: [" + one + ", " + two + "], except: [" + one + "]}", "{ids: [" + one + "]}", false},
	} {
		a, b := forMachines(t, "a", c.a), forMachines(t, "b", c.b)
		if ab, ba := policy.Ambiguous(a, b), policy.Ambiguous(b, a); ab != c.want || ba != c.want {
			t.Errorf("%s: Ambiguous = %v, %v turned round, want %v", c.name, ab, ba, c.want)
		}
	}
	if a := forMachines(t, "a", "{tags: {a: b}}"); policy.Ambiguous(a, a) {
		t.Error("Ambiguous of two versions of one policy = true, want false")
	}
}
