package policy_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/policy"
)

func TestWithhold(t *testing.T) {
	t.Parallel()
	finding := func(name string, v policy.Verdict) policy.Finding {
		return policy.Finding{Rule: name, Verdict: v, Actual: "no such listener"}
	}
	for name, c := range map[string]struct {
		findings []policy.Finding
		rules    []string
		want     policy.Verdict
	}{
		"nothing withheld":    {[]policy.Finding{finding("a", policy.Pass)}, nil, policy.Pass},
		"a pass":              {[]policy.Finding{finding("a", policy.Pass), finding("b", policy.Pass)}, []string{"a"}, policy.Unknown},
		"another rule":        {[]policy.Finding{finding("b", policy.Pass)}, []string{"a"}, policy.Pass},
		"a failure stays":     {[]policy.Finding{finding("a", policy.Fail), finding("b", policy.Pass)}, []string{"a"}, policy.Fail},
		"beside a failure":    {[]policy.Finding{finding("a", policy.Pass), finding("b", policy.Fail)}, []string{"a"}, policy.Fail},
		"one that only shows": {[]policy.Finding{{Rule: "a", Verdict: policy.Pass, Info: true}, finding("b", policy.Pass)}, []string{"a"}, policy.Pass},
	} {
		before := policy.Result{Verdict: policy.Pass, Findings: slices.Clone(c.findings)}
		if c.want == policy.Fail {
			before.Verdict = policy.Fail
		}
		got := before.Withhold(c.rules)
		if got.Verdict != c.want {
			t.Errorf("%s: verdict %s, want %s", name, got.Verdict, c.want)
		}
		if !cmp.Equal(before.Findings[0], c.findings[0]) {
			t.Errorf("%s: the result that was given was changed", name)
		}
		if name == "a pass" && (got.Findings[0].Why != policy.WhyLocked || got.Findings[0].Verdict != policy.Unknown) {
			t.Errorf("finding %+v, want it unknown because of the lock", got.Findings[0])
		}
	}
}

func TestStoppable(t *testing.T) {
	t.Parallel()
	p := parse(t, `policy: x
rules:
  - {rule: closed, ports: {closed: [tcp/80]}}
  - {rule: only, ports: {only: [tcp/22]}}
  - {rule: open, ports: {open: [tcp/22]}}
  - {rule: stopped, product: {is: ossec, state: stopped}}
  - {rule: running, product: {is: ossec, state: running}}
  - {rule: absent, product: {is: ossec, state: absent}}
  - {rule: system, os: {is: debian}}
  - {rule: several, any: [{os: {is: debian}}, {ports: {closed: [tcp/80]}}]}
  - {rule: mounts, each: mounts, expression: e.encrypted}
  - {rule: whole, expression: 'evidence.listeners.all(l, l.port != 23)'}
  - {rule: kernel, expression: 'evidence.os.kernel != "6.0"'}
`)
	if got, want := p.Stoppable(), []string{"closed", "only", "stopped", "several", "mounts", "whole"}; !slices.Equal(got, want) {
		t.Errorf("Stoppable = %v, want %v", got, want)
	}
}
