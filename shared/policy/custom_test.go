package policy_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/policy"
)

const customRule = `policy: x
rules:
- rule: plain
  os: {is: debian}
- rule: data
  each: mounts
  where: e.target.startsWith("/data")
  expression: |
    e.encrypted
      && true
  message: '"no"'
  empty: pass
  missing: pass
`

func TestCustoms(t *testing.T) {
	t.Parallel()
	p := parse(t, customRule)
	all := p.Customs()
	if len(all) != 1 {
		t.Fatalf("Customs = %d, want 1", len(all))
	}
	c := all[0]
	got := []string{c.Rule, c.Path, c.Each.Text, c.Where.Text, c.Expression.Text, c.Message.Text, c.Empty.String(), p.Rules[1].Expected}
	want := []string{
		"data", "rules[1]", "mounts", `e.target.startsWith("/data")`, "e.encrypted\n  && true", `"no"`, "Pass",
		`each of mounts where e.target.startsWith("/data"): e.encrypted && true`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Customs (-want +got):\n%s", diff)
	}
	if len(parse(t, "policy: x\nrules: [{rule: r, os: {is: debian}}]").Customs()) != 0 {
		t.Error("a policy without such a rule has some")
	}
}

// A rule that nobody compiled must not pass by missing: pass.
func TestNotCompiledIsUnknown(t *testing.T) {
	t.Parallel()
	r := policy.Evaluate(parse(t, customRule), host(), noon)
	if f := r.Findings[1]; r.Verdict != policy.Unknown || f.Verdict != policy.Unknown || f.Why != "not_compiled" || f.Actual != "the rule was not compiled" {
		t.Errorf("Evaluate = %s, %+v", r.Verdict, f)
	}
}

// answers is a program that always finds the same.
type answers policy.Answer

func (a answers) Judge(*evidence.Evidence, time.Time) policy.Answer { return policy.Answer(a) }

func TestWithPrograms(t *testing.T) {
	t.Parallel()
	failed := answers{Verdict: policy.Fail, Actual: "bad", Offender: "it", Values: []string{"v"}, Unsure: []string{"u unknown (w)"}}
	doubted := answers{Actual: "u unknown (w)", Why: "w", Unsure: []string{"u unknown (w)"}}
	firm := doubted
	firm.Firm = true
	unsure := failed
	unsure.Firm = true
	for name, c := range map[string]struct {
		answer  answers
		missing string
		want    policy.Finding
	}{
		"fails":                     {failed, "unknown", policy.Finding{Verdict: policy.Fail, Actual: "bad", Offender: "it", Values: []string{"v"}, Unsure: "u unknown (w)"}},
		"fails, missing fails":      {failed, "fail", policy.Finding{Verdict: policy.Fail, Actual: "bad", Offender: "it", Values: []string{"u unknown (w)", "v"}}},
		"fails, missing passes":     {failed, "pass", policy.Finding{Verdict: policy.Fail, Actual: "bad", Offender: "it", Values: []string{"v"}}},
		"fails beside firm doubt":   {unsure, "pass", policy.Finding{Verdict: policy.Fail, Actual: "bad", Offender: "it", Values: []string{"v"}, Unsure: "u unknown (w)"}},
		"a fact is missing":         {doubted, "unknown", policy.Finding{Actual: "u unknown (w)", Why: "w"}},
		"a fact is missing, passes": {doubted, "pass", policy.Finding{Verdict: policy.Pass, Actual: "u unknown (w)", Why: "w"}},
		"a fact is missing, fails":  {doubted, "fail", policy.Finding{Verdict: policy.Fail, Actual: "u unknown (w)", Why: "w", Values: []string{"u unknown (w)"}}},
		"firm doubt stays":          {firm, "pass", policy.Finding{Actual: "u unknown (w)", Why: "w"}},
	} {
		p := parse(t, strings.Replace(customRule, "missing: pass", "missing: "+c.missing, 1))
		with := p.WithPrograms([]policy.Program{c.answer})
		c.want.Rule, c.want.Expected = "data", p.Rules[1].Expected
		if diff := cmp.Diff(c.want, policy.Evaluate(with, host(), noon).Findings[1]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if f := policy.Evaluate(p, host(), noon).Findings[1]; f.Why != "not_compiled" {
			t.Errorf("%s: the policy that was given was changed: %+v", name, f)
		}
	}
}

func TestMentions(t *testing.T) {
	t.Parallel()
	c := policy.Custom{
		Each: policy.Source{Text: "mounts"}, Where: policy.Source{Text: "evidence.os.id == 'a'"},
		Expression: policy.Source{Text: "evidence.listenersx.all(l, true)"}, Message: policy.Source{Text: "e.firewall"},
	}
	for word, want := range map[string]bool{"mounts": true, "os": true, "listeners": false, "listenersx": true, "firewall": true, "mount": false} {
		if got := c.Mentions("nothing", word); got != want {
			t.Errorf("Mentions(%s) = %t, want %t", word, got, want)
		}
	}
}

// Whatever the style of a text in YAML, a place in it is found in the document. The ^ of each text stands
// where its ? is written.
func TestSourcePosition(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		written      string
		line, column int // of the ? in the text that is meant
	}{
		"plain":                 {"expression: a == ?", 1, 6},
		"plain over two lines":  {"expression: a ==\n      b + ?", 1, 10},
		"single quotes":         {"expression: 'a == ''b'' + ?'", 1, 12},
		"double quotes":         {`expression: "a == \"b\" + ?"`, 1, 12},
		"an escaped character":  {`expression: "\x61 \u00e4 ?"`, 1, 5},
		"a line that goes on":   {"expression: \"a \\\n      == ?\"", 1, 6},
		"a block":               {"expression: |\n    a\n      == ?", 2, 6},
		"a block with a head":   {"expression: |- # why\n    a\n    ?", 2, 1},
		"a folded block":        {"expression: >\n    a\n    == ?\n", 1, 6},
		"letters beyond ASCII":  {"expression: 'ä == ?'", 1, 6},
		"in a mapping in a row": {"message: '\"m\"'\n  expression: 'b ?'", 1, 3},
	} {
		document := "policy: x\nrules:\n- rule: r\n  " + c.written + "\n"
		before, _, _ := strings.Cut(document, "?")
		wantLine := strings.Count(before, "\n") + 1
		wantColumn := len([]rune(before[strings.LastIndex(before, "\n")+1:])) + 1
		source := parse(t, document).Customs()[0].Expression
		if line, column := source.Position(c.line, c.column); line != wantLine || column != wantColumn {
			t.Errorf("%s: Position(%d, %d) of %q = %d:%d, want %d:%d", name, c.line, c.column, source.Text, line, column, wantLine, wantColumn)
		}
	}
	source := parse(t, "policy: x\nrules:\n- rule: r\n  expression: abc\n").Customs()[0].Expression
	for _, place := range [][2]int{{2, 1}, {1, 9}, {0, 0}, {-1, 3}} {
		if line, column := source.Position(place[0], place[1]); line != 4 || column != 15 {
			t.Errorf("Position(%v) = %d:%d, want where the text begins", place, line, column)
		}
	}
	if line, column := source.Position(1, 4); line != 4 || column != 18 {
		t.Errorf("Position after the end = %d:%d, want 4:18", line, column)
	}
	if line, column := (policy.Source{Line: 3, Column: 4}).Position(2, 2); line != 3 || column != 4 {
		t.Errorf("Position without a document = %d:%d", line, column)
	}
}

// What a rule in CEL looks at is collected.
func TestNeedsOfCustoms(t *testing.T) {
	t.Parallel()
	needs := func(rule string) []string {
		return parse(t, "policy: x\nrules:\n- {rule: r, "+rule+"}\n").Needs().Collect
	}
	for rule, want := range map[string][]string{
		"each: mounts, expression: e.encrypted":                                                       {"mounts"},
		"each: mounts, expression: 'evidence.listeners.exists(l, l.port == 22)'":                      {"listeners", "mounts"},
		"expression: 'evidence.os.id == evidence.firewall.engine'":                                    {"firewall", "os"},
		"each: mounts, expression: e.encrypted, message: evidence.os.id":                              {"mounts", "os"},
		"each: mounts, where: 'evidence.firewall.active || true', expression: 'e.encrypted'":          {"firewall", "mounts"},
		"expression: 'evidence.machine != \"\" && evidence.collect.received > evidence.collect.sent'": nil,
	} {
		if diff := cmp.Diff(want, needs(rule)); diff != "" {
			t.Errorf("Needs of %q (-want +got):\n%s", rule, diff)
		}
	}
	got := needs("each: products, expression: e.present")
	for _, word := range []string{"ossec", "wazuh", "deepsecurity", "serverprotect", "clamav"} {
		if !slices.Contains(got, word) {
			t.Errorf("Needs of all products = %v, want %s among them", got, word)
		}
	}
}
