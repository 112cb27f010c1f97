package policy

import (
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/evidence"
)

// Cases are the tests that stand beside a policy: evidence, and what the policy has to say of it.
type Cases struct {
	Policy string // file of the policy, relative to this one; empty for the neighbour
	All    []Case
}

// Case is one test.
type Case struct {
	Name     string             `json:"test"`
	Line     int                `json:"line"`
	Evidence *evidence.Evidence `json:"-"`
	wants    []want
}

// want is one expectation: of a rule, or of the whole.
type want struct {
	rule         string // empty for the whole
	verdict      Verdict
	says         string // has to be in what was found; empty for anything
	line, column int
}

// CaseTime is when the evidence of every case was collected, received and judged, by every clock.
var CaseTime = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

const caseMachine = "i-1234567890abcdef0"

// ParseCases reads a file of tests of a policy. The error is Errors, as of Parse.
func ParseCases(text []byte, p *Policy) (*Cases, error) {
	root, e := parseTree(text)
	if e != nil {
		e.Message = strings.ReplaceAll(e.Message, "expected a policy", "expected tests of a policy")
		return nil, Errors{*e}
	}
	r := &reader{}
	c := &Cases{}
	var base *node
	var tests *node
	seen := r.object(root, "", []key{
		{"policy", func(n *node, path string) { c.Policy = r.line(n, path, 200) }},
		{"base", func(n *node, path string) {
			r.fill(new(evidence.Evidence), n, path)
			base = n
		}},
		{"tests", func(n *node, _ string) { tests = n }},
	})
	if root.kind == mapping && seen["tests"] == nil {
		r.fail(root, "tests", "is missing, expected a list of tests")
	}
	if tests != nil {
		first := map[string]int{}
		r.each(tests, "tests", "tests", 1, maxCases, func(n *node, path string) {
			one := r.oneCase(n, path, base, p)
			if line := first[one.Name]; line > 0 && one.Name != "" {
				r.fail(n, path+".test", "the name %s stands twice; the first is in line %d", quote(one.Name), line)
			}
			first[one.Name] = n.line
			c.All = append(c.All, one)
		})
	}
	if len(r.errs) > 0 {
		return nil, r.errs.sorted()
	}
	return c, nil
}

// CasesOf is the file of the policy that a file of tests names, so that it can be read first; false when
// it names none, or cannot be read.
func CasesOf(document []byte) (string, bool) {
	root, e := parseTree(document)
	if e != nil || root.kind != mapping {
		return "", false
	}
	for _, p := range root.pairs {
		if p.key.text == "policy" && p.value.kind == text {
			return p.value.text, true
		}
	}
	return "", false
}

const maxCases = 200

var verdictWords = []string{"pass", "fail", "unknown"}

func (r *reader) oneCase(n *node, path string, base *node, p *Policy) Case {
	c := Case{Line: n.line}
	own := &node{kind: mapping}
	seen := r.object(n, path, []key{
		{"test", func(n *node, path string) { c.Name = r.line(n, path, 100) }},
		{"evidence", func(n *node, path string) {
			r.fill(new(evidence.Evidence), n, path)
			own = n
		}},
		{"expect", func(n *node, path string) { c.wants = append(c.wants, r.want(n, path, "")) }},
		{"rules", func(n *node, path string) { c.wants = append(c.wants, r.wants(n, path, p)...) }},
	})
	if n.kind != mapping {
		return c
	}
	if seen["test"] == nil {
		r.fail(n, path+".test", "is missing, expected the test's name")
	}
	if seen["expect"] == nil && seen["rules"] == nil {
		r.fail(n, path, "expects nothing, expected expect or rules")
	}
	if len(r.errs) == 0 {
		c.Evidence = caseEvidence(merged(base, own))
		if c.Evidence.Mounts.Known && c.Evidence.Collect.MountPoints == nil {
			c.Evidence.Collect.MountPoints = p.mountPoints() // the test says all that is mounted
		}
	}
	return c
}

// wants reads what rules have to say: their names with a verdict, or with a verdict and a part of what is
// found.
func (r *reader) wants(n *node, path string, p *Policy) []want {
	if n.kind != mapping || len(n.pairs) == 0 {
		r.got(n, path, "a mapping of rules to verdicts")
		return nil
	}
	names := make([]string, len(p.Rules))
	for i := range p.Rules {
		names[i] = p.Rules[i].Name
	}
	var all []want
	for _, pair := range n.pairs {
		name := pair.key.text
		if pair.value.kind == nothing {
			pair.value.line, pair.value.column = pair.key.line, pair.key.column
		}
		if slices.ContainsFunc(all, func(w want) bool { return w.rule == name }) {
			r.fail(pair.key, join(path, name), "stands twice")
			continue
		}
		if !slices.Contains(names, name) {
			r.fail(pair.key, path, "policy %s has no rule %s%s", p.Name, quote(name), didYouMean(name, names))
			continue
		}
		all = append(all, r.want(pair.value, join(path, name), name))
	}
	return all
}

func (r *reader) want(n *node, path, rule string) want {
	w := want{rule: rule, line: n.line, column: n.column}
	if n.kind != mapping || rule == "" {
		w.verdict = emptyWords[r.word(n, path, verdictWords...)]
		return w
	}
	seen := r.object(n, path, []key{
		{"verdict", func(n *node, path string) { w.verdict = emptyWords[r.word(n, path, verdictWords...)] }},
		{"says", func(n *node, path string) { w.says = r.line(n, path, 200) }},
	})
	if seen["verdict"] == nil {
		r.fail(n, path+".verdict", "is missing, expected one of %s", strings.Join(verdictWords, ", "))
	}
	return w
}

// merged is base with what over says instead: mappings key by key, everything else as a whole.
func merged(base, over *node) *node {
	if base == nil || base.kind != mapping || over.kind != mapping {
		return over
	}
	out := &node{kind: mapping, line: over.line, column: over.column, pairs: slices.Clone(base.pairs)}
	for _, p := range over.pairs {
		at := slices.IndexFunc(out.pairs, func(b pair) bool { return b.key.text == p.key.text })
		if at < 0 {
			out.pairs = append(out.pairs, p)
			continue
		}
		out.pairs[at].value = merged(out.pairs[at].value, p.value)
	}
	return out
}

// caseEvidence is the evidence of a case that was read without an error before.
func caseEvidence(n *node) *evidence.Evidence {
	ev := &evidence.Evidence{
		Schema: evidence.Schema, Machine: caseMachine, Platform: "linux",
		Collect: evidence.Collect{
			Sent: CaseTime, Received: CaseTime, GuestStart: CaseTime, GuestEnd: CaseTime,
			Complete: evidence.Known(true), Privileged: evidence.Known(true),
		},
	}
	(&reader{}).fill(ev, n, "")
	return ev
}

// CaseResult is what became of one test.
type CaseResult struct {
	Case
	OK       bool          `json:"ok"`
	Problems []CaseProblem `json:"problems"`
}

// CaseProblem is one expectation that was not met, with where it stands.
type CaseProblem struct {
	Line     int     `json:"line"`
	Column   int     `json:"column"`
	Rule     string  `json:"rule,omitempty"` // empty for the verdict of the whole
	Expected Verdict `json:"expected"`
	Got      Verdict `json:"got"`
	Says     string  `json:"says,omitempty"` // that was expected in what was found
	Actual   string  `json:"actual"`
}

// RunCases judges each case by the policy, whose custom rules have to be compiled.
func RunCases(p *Policy, c *Cases) []CaseResult {
	all := make([]CaseResult, 0, len(c.All))
	for _, one := range c.All {
		r := Evaluate(p, one.Evidence, CaseTime)
		result := CaseResult{Case: one, Problems: []CaseProblem{}}
		for _, w := range one.wants {
			if problem, met := w.met(r); !met {
				result.Problems = append(result.Problems, problem)
			}
		}
		result.OK = len(result.Problems) == 0
		all = append(all, result)
	}
	return all
}

func (w want) met(r Result) (CaseProblem, bool) {
	p := CaseProblem{Line: w.line, Column: w.column, Rule: w.rule, Expected: w.verdict, Got: r.Verdict, Says: w.says}
	if w.rule == "" {
		if bad := r.Bad(); len(bad) > 0 {
			p.Actual = bad[0].Rule + ": " + bad[0].Actual
		}
		return p, p.Got == p.Expected
	}
	for _, f := range r.Findings {
		if f.Rule == w.rule {
			p.Got, p.Actual = f.Verdict, f.Actual
		}
	}
	return p, p.Got == p.Expected && strings.Contains(p.Actual, w.says)
}

// Untested are the rules of which no case expects that they fail, in the policy's order.
func (c *Cases) Untested(p *Policy) []string {
	var names []string
	for i := range p.Rules {
		fails := slices.ContainsFunc(c.All, func(one Case) bool {
			return slices.ContainsFunc(one.wants, func(w want) bool { return w.rule == p.Rules[i].Name && w.verdict == Fail })
		})
		if !fails {
			names = append(names, p.Rules[i].Name)
		}
	}
	return names
}
