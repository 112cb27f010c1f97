package policy_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/policy"
)

// The three kinds of rule on host(): one that passes, one that fails and one about a missing fact.
const (
	good    = "os: {is: debian}"
	bad     = "os: {is: rhel}"
	unclear = "product: {is: wazuh, state: running}"
)

func TestVerdictOfManyRules(t *testing.T) {
	t.Parallel()
	rule := func(name, condition, more string) string { return "- {rule: " + name + ", " + condition + more + "}\n" }
	table := []struct {
		name, rules string
		want        policy.Verdict
	}{
		{"all pass", rule("a", good, "") + rule("b", good, ""), policy.Pass},
		{"one fails", rule("a", good, "") + rule("b", bad, ""), policy.Fail},
		{"one unknown", rule("a", good, "") + rule("b", unclear, ""), policy.Unknown},
		{"fail beats unknown", rule("a", unclear, "") + rule("b", bad, "") + rule("c", good, ""), policy.Fail},
		{"failed info", rule("a", good, "") + rule("b", bad, ", info: true"), policy.Pass},
		{"unknown info", rule("a", good, "") + rule("b", unclear, ", info: true"), policy.Pass},
		{"info alone", rule("a", good, ", info: true"), policy.Unknown},
		{"missing is fail", rule("a", good, "") + rule("b", unclear, ", missing: fail"), policy.Fail},
		{"missing is pass", rule("a", good, "") + rule("b", unclear, ", missing: pass"), policy.Pass},
		{"missing is unknown", rule("a", good, "") + rule("b", unclear, ", missing: unknown"), policy.Unknown},
		{"missing says nothing of what failed", rule("a", bad, ", missing: pass"), policy.Fail},
	}
	for _, c := range table {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := policy.Evaluate(parse(t, "policy: x\nrules:\n"+c.rules), host(), noon)
			if r.Verdict != c.want {
				t.Errorf("Evaluate(%q) = %v, want %v", c.rules, r.Verdict, c.want)
			}
		})
	}
}

func TestConditionsJoin(t *testing.T) {
	t.Parallel()
	list := func(conditions ...string) string {
		s := "["
		for _, c := range conditions {
			s += "{" + c + "}, "
		}
		return s + "]"
	}
	const absent = "product: {is: ossec, state: running}"
	judgeAll(t, []judged{
		{"all pass", "all: " + list(good, "os: {kernel: '>= 3'}"), host(), policy.Pass, "debian; kernel 6.1.0-18-cloud-amd64", "", ""},
		{"all, one fails", "all: " + list(good, unclear, absent), host(notInstalled(evidence.OSSEC)), policy.Fail, "ossec not installed", "ossec", ""},
		{"all, one unknown", "all: " + list(good, unclear), host(), policy.Unknown, "wazuh presence unknown (not_looked_for)", "", "not_looked_for"},
		{"any, one passes", "any: " + list(bad, unclear, good), host(), policy.Pass, "debian", "", ""},
		{"any, one unknown", "any: " + list(bad, unclear), host(), policy.Unknown, "wazuh presence unknown (not_looked_for)", "", "not_looked_for"},
		{"any, all fail", "any: " + list(bad, absent), host(notInstalled(evidence.OSSEC)), policy.Fail, "debian; ossec not installed", "Debian GNU/Linux 12 (bookworm)", ""},
	})
	p := parse(t, "policy: x\nrules: [{rule: r, any: "+list(bad, absent)+"}]")
	if want := "rhel, or ossec running"; p.Rules[0].Expected != want {
		t.Errorf("Expected of any = %q, want %q", p.Rules[0].Expected, want)
	}
}

func TestExpected(t *testing.T) {
	t.Parallel()
	for condition, want := range map[string]string{
		`product: {is: ossec, state: running}`:                                  "ossec running",
		`product: {is: ossec, version: "<4"}`:                                   "ossec version < 4",
		`product: {is: officescan, state: installed, version: ">= 3 , != 3.1"}`: "officescan installed, version >= 3, != 3.1",
		`product: {is: deep-security, definitions: {age: "<3d"}}`:               "deep-security definitions < 72h old",
		`ports: {closed: [tcp/80, tcp/8000-8100], loopback: ignore}`:            "tcp/80, tcp/8000-8100 closed (loopback aside)",
		`ports: {open: [udp/53], only: [tcp/22, udp/53]}`:                       "udp/53 open, only tcp/22, udp/53 open",
		`os: {is: [debian, amzn], version: ">= 12", kernel: "> 6"}`:             "debian or amzn, version >= 12, kernel > 6",
	} {
		if got := parse(t, "policy: x\nrules: [{rule: r, "+condition+"}]").Rules[0].Expected; got != want {
			t.Errorf("Expected of %s = %q, want %q", condition, got, want)
		}
	}
}

func TestNoEvidenceIsUnknownWhateverTheRuleSays(t *testing.T) {
	t.Parallel()
	p := parse(t, "policy: x\nrules: [{rule: a, missing: fail, "+good+"}, {rule: b, missing: pass, "+good+"}]")
	p.Version = 7
	got := policy.Evaluate(p, nil, noon)
	want := policy.Result{Policy: "x", Version: 7, Digest: p.Digest, Findings: []policy.Finding{
		{Rule: "a", Expected: "debian", Actual: "no evidence", Why: "no_evidence"},
		{Rule: "b", Expected: "debian", Actual: "no evidence", Why: "no_evidence"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Evaluate(nil) (-want +got):\n%s", diff)
	}
}

func TestPolicyWithoutRulesIsUnknown(t *testing.T) {
	t.Parallel()
	for _, p := range []*policy.Policy{policy.Default(), parse(t, "policy: x"), {}} {
		if got := policy.Evaluate(p, host(), noon); got.Verdict != policy.Unknown || got.Findings == nil {
			t.Errorf("Evaluate(%q) = %v, %v, want Unknown and an empty list", p.Name, got.Verdict, got.Findings)
		}
	}
}

func TestBadLeavesOutWhatPassedOrOnlyShows(t *testing.T) {
	t.Parallel()
	p := parse(t, "policy: x\nrules: [{rule: a, "+good+"}, {rule: b, "+bad+"}, {rule: c, "+unclear+"}, {rule: d, info: true, "+bad+"}]")
	var names []string
	for _, f := range policy.Evaluate(p, host(), noon).Bad() {
		names = append(names, f.Rule)
	}
	if diff := cmp.Diff([]string{"b", "c"}, names); diff != "" {
		t.Errorf("Bad (-want +got):\n%s", diff)
	}
}

func TestVerdictAsJSON(t *testing.T) {
	t.Parallel()
	for v, want := range map[policy.Verdict]string{policy.Unknown: `"Unknown"`, policy.Pass: `"Pass"`, policy.Fail: `"Fail"`, 9: `"Unknown"`, -1: `"Unknown"`} {
		if b, err := json.Marshal(v); err != nil || string(b) != want {
			t.Errorf("Marshal(%d) = %s, %v, want %s", v, b, err, want)
		}
	}
	for text, want := range map[string]policy.Verdict{`"Pass"`: policy.Pass, `"Fail"`: policy.Fail, `"Unknown"`: policy.Unknown} {
		var v policy.Verdict
		if err := json.Unmarshal([]byte(text), &v); err != nil || v != want {
			t.Errorf("Unmarshal(%s) = %v, %v, want %v", text, v, err, want)
		}
	}
	for text, want := range map[string]string{
		`"pass"`: `reading verdict "pass": expected Unknown, Pass, Fail`,
		`1`:      "reading verdict: json: cannot unmarshal number into Go value of type string",
	} {
		var v policy.Verdict
		if err := v.UnmarshalJSON([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("UnmarshalJSON(%s) = %v, want %s", text, err, want)
		}
	}
}
