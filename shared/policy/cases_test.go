package policy_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/policy"
)

const casePolicy = `policy: x
rules:
- {rule: kernel, os: {kernel: ">= 5"}}
- {rule: no web, ports: {closed: [tcp/80]}}
- {rule: patterns, product: {is: deep-security, definitions: {age: "<= 72h"}}}
`

const caseFile = `policy: x.yaml
base:
  os: {kernel: 6.1, id: debian}
  listeners: [{proto: tcp, port: 22, exe: /usr/sbin/sshd}]
  products: [{id: deep-security, present: true, definition: {date: 48h ago}}]
tests:
- test: in order
  expect: pass
  rules: {kernel: pass, no web: {verdict: pass}}
- test: a web server on IPv6
  evidence:
    os: {kernel: 4.19}
    listeners: [{proto: tcp, port: 80, addr: "::1"}]
  expect: fail
  rules: {kernel: {verdict: fail, says: "4.19"}, no web: {verdict: fail, says: "tcp/80 on ::1"}}
- test: nothing to be seen
  evidence: {listeners: {unknown: not_root}}
  expect: unknown
  rules: {no web: {verdict: unknown, says: not_root}}
- test: old patterns
  evidence: {products: [{id: deep-security, present: true, definition: {date: "2025-12-01T00:00:00Z"}}]}
  rules: {patterns: fail}
`

func cases(tb testing.TB, text string) (*policy.Policy, *policy.Cases) {
	tb.Helper()
	p := parse(tb, casePolicy)
	c, err := policy.ParseCases([]byte(text), p)
	if err != nil {
		tb.Fatalf("ParseCases = %v", err)
	}
	return p, c
}

func TestRunCases(t *testing.T) {
	t.Parallel()
	p, c := cases(t, caseFile)
	if c.Policy != "x.yaml" || len(c.All) != 4 {
		t.Fatalf("ParseCases = %q, %d tests", c.Policy, len(c.All))
	}
	for _, r := range policy.RunCases(p, c) {
		if !r.OK || len(r.Problems) > 0 {
			t.Errorf("%s: %+v", r.Name, r.Problems)
		}
	}
	l := c.All[1].Evidence.Listeners.Value[0]
	if l.Family != 6 || l.Scope != "loopback" || l.Exe.Known {
		t.Errorf("listener = %+v, want the family and scope of ::1", l)
	}
	if l = c.All[0].Evidence.Listeners.Value[0]; l.Addr != "0.0.0.0" || l.Scope != "any" || l.Exe != evidence.Known("/usr/sbin/sshd") {
		t.Errorf("listener = %+v, want one on every address", l)
	}
	// What the base says stays, unless the test says something else.
	if os := c.All[1].Evidence.OS; os.ID != evidence.Known("debian") || os.Kernel != evidence.Known("4.19") || os.Arch.Known {
		t.Errorf("os = %+v", os)
	}
	if diff := cmp.Diff([]string(nil), c.Untested(p)); diff != "" {
		t.Errorf("Untested (-want +got):\n%s", diff)
	}
}

func TestCasesThatFail(t *testing.T) {
	t.Parallel()
	p, c := cases(t, `tests:
- test: a
  evidence: {os: {kernel: 4.19}}
  expect: pass
  rules:
    kernel: {verdict: fail, says: kernel 3}
    no web: pass
    patterns: {verdict: unknown}
`)
	want := []policy.CaseProblem{
		{Line: 4, Column: 11, Expected: policy.Pass, Got: policy.Fail, Actual: "kernel: kernel 4.19"},
		{Line: 6, Column: 13, Rule: "kernel", Expected: policy.Fail, Got: policy.Fail, Says: "kernel 3", Actual: "kernel 4.19"},
		{Line: 7, Column: 13, Rule: "no web", Expected: policy.Pass, Got: policy.Unknown, Actual: "listening ports unknown (no_reason)"},
	}
	got := policy.RunCases(p, c)[0]
	if diff := cmp.Diff(want, got.Problems); diff != "" || got.OK {
		t.Errorf("RunCases (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"no web", "patterns"}, c.Untested(p)); diff != "" {
		t.Errorf("Untested (-want +got):\n%s", diff)
	}
}

func TestErrorsOfCases(t *testing.T) {
	t.Parallel()
	test := func(s string) string { return "tests:\n- test: a\n  expect: pass\n  " + s }
	for name, c := range map[string]struct{ text, want string }{
		"nothing":             {"", "1:1: the document is empty, expected tests of a policy"},
		"no tests":            {"policy: x.yaml", "1:1: tests: is missing, expected a list of tests"},
		"an empty list":       {"tests: []", "1:8: tests: got 0, expected a list of 1 to 200 tests"},
		"another key":         {"test: []\ntests: [{test: a, expect: pass}]", `1:1: unknown key "test", expected policy, base, tests; did you mean "tests"?`},
		"without a name":      {"tests: [{expect: pass}]", "1:9: tests[0].test: is missing, expected the test's name"},
		"a name twice":        {"tests: [{test: a, expect: pass}, {test: a, expect: pass}]", `1:34: tests[1].test: the name "a" stands twice; the first is in line 1`},
		"expects nothing":     {"tests: [{test: a}]", "1:9: tests[0]: expects nothing, expected expect or rules"},
		"another verdict":     {"tests: [{test: a, expect: Fail}]", `1:27: tests[0].expect: got "Fail", expected one of pass, fail, unknown; did you mean "fail"?`},
		"a rule there is not": {test("rules: {no wed: fail}"), `4:11: tests[0].rules: policy x has no rule "no wed"; did you mean "no web"?`},
		"a rule twice":        {test("rules: {kernel: fail, kernel: pass}"), `4:25: tests[0].rules.kernel: stands twice`},
		"rules are a list":    {test("rules: [kernel]"), `4:10: tests[0].rules: got a list, expected a mapping of rules to verdicts`},
		"no verdict":          {test("rules: {kernel: {says: x}}"), `4:19: tests[0].rules.kernel.verdict: is missing, expected one of pass, fail, unknown`},
		"nothing of a rule":   {test("rules: {kernel: }"), `4:11: tests[0].rules.kernel: got nothing, expected one of pass, fail, unknown`},
		"a fact there is not": {test("evidence: {os: {kernal: 5}}"), `4:19: tests[0].evidence.os: unknown key "kernal", expected id, versionId, pretty, kernel, arch, bootId, boot; did you mean "kernel"?`},
		"a fact of another kind": {
			test("evidence: {listeners: [{proto: tcp, port: web}]}"), `4:45: tests[0].evidence.listeners[0].port: got "web", expected a whole number`,
		},
		"text":              {test("evidence: {os: {kernel: [5]}}"), `4:27: tests[0].evidence.os.kernel: got a list, expected text`},
		"a flag":            {test("evidence: {firewall: {active: 1}}"), `4:33: tests[0].evidence.firewall.active: got 1, expected true or false`},
		"a list":            {test("evidence: {listeners: 1}"), `4:25: tests[0].evidence.listeners: got 1, expected a list of 0 to 1000 elements`},
		"a mapping":         {test("evidence: {os: 1}"), `4:18: tests[0].evidence.os: got 1, expected a mapping with id, versionId, pretty, kernel, arch, bootId, boot`},
		"a time":            {test("evidence: {os: {boot: yesterday}}"), `4:25: tests[0].evidence.os.boot: got "yesterday", expected a time such as "2026-01-01T12:00:00Z" or 48h ago; the inspection is at 2026-01-01T12:00:00Z`},
		"an age":            {test("evidence: {os: {boot: 2x ago}}"), `4:25: tests[0].evidence.os.boot: got "2x ago", expected a time such as "2026-01-01T12:00:00Z" or 48h ago; the inspection is at 2026-01-01T12:00:00Z`},
		"in the base":       {"base: {os: {kernal: 5}}\ntests: [{test: a, expect: pass}]", `1:13: base.os: unknown key "kernal", expected id, versionId, pretty, kernel, arch, bootId, boot; did you mean "kernel"?`},
		"why it is unknown": {test("evidence: {os: {kernel: {unknown: [a]}}}"), `4:37: tests[0].evidence.os.kernel.unknown: got a list, expected one line of text of 1 to 64 characters`},
	} {
		got, err := policy.ParseCases([]byte(c.text), parse(t, casePolicy))
		var all policy.Errors
		if got != nil || !errors.As(err, &all) {
			t.Errorf("%s: ParseCases = %v, %v, want Errors", name, got, err)
			continue
		}
		if diff := cmp.Diff(strings.Split(c.want, "\n"), strings.Split(err.Error(), "\n")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	_, err := policy.ParseCases([]byte(test("evidence: {products: [{id: osec}]}")), parse(t, casePolicy))
	if err == nil || !strings.Contains(err.Error(), `did you mean "ossec"?`) {
		t.Errorf("a product there is not: %v", err)
	}
}

func TestCasesOf(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"policy: a/b.yaml\ntests: []": "a/b.yaml", "tests: []": "", "policy: [a]": "", "- a": "", "{": ""} {
		if got, ok := policy.CasesOf([]byte(text)); got != want || ok != (want != "") {
			t.Errorf("CasesOf(%q) = %q, %t", text, got, ok)
		}
	}
}

// FuzzParseCases: whatever the text, it is refused with places, or every case can be judged.
func FuzzParseCases(f *testing.F) {
	f.Add([]byte(caseFile))
	for _, text := range []string{
		"tests: [{test: a, expect: pass, evidence: {mounts: [{target: /, options: [rw], encrypted: {unknown: w}}]}}]",
		"base: ~\ntests: [{test: a, rules: {kernel: ~}}]",
		"tests: [{test: a, expect: fail, evidence: {collect: {skewSeconds: -5, guestEnd: 1h ago, records: [{name: sys, code: 300}]}}}]",
		"tests: [{test: a, expect: fail, evidence: {products: [{id: ossec, running: {pids: [1, 2], missing: [a]}, lastScan: 9999-12-31T23:59:59Z}]}}]",
		"base: {os: {kernel: {unknown: w}}}\ntests: [{test: a, evidence: {os: {kernel: 5}}, expect: pass}]",
	} {
		f.Add([]byte(text))
	}
	p := parse(f, casePolicy)
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := policy.ParseCases(text, p)
		var all policy.Errors
		if err != nil {
			if c != nil || !errors.As(err, &all) || len(all) == 0 {
				t.Fatalf("ParseCases = %v, %v, want Errors alone", c, err)
			}
			for _, e := range all {
				if e.Line < 1 || e.Column < 1 || e.Message == "" {
					t.Fatalf("ParseCases: error without place or text: %+v", e)
				}
			}
			return
		}
		for _, r := range policy.RunCases(p, c) {
			if r.OK != (len(r.Problems) == 0) || r.Name == "" {
				t.Fatalf("RunCases = %+v", r)
			}
		}
		c.Untested(p)
	})
}
