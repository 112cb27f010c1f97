// Package custom compiles the rules of a policy that are written in CEL: texts are checked against the
// types of the evidence, bounded in cost before they are stored, and judged one element at a time. A fact
// that is not known makes a rule Unknown with its reason.
//
// It is the only package that links CEL. evaluate, api and the command line use it; whoever reads policies
// without judging by them uses package policy alone.
package custom

import (
	"fmt"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"

	"github.com/keyward/keyward/shared/policy"
)

// Parse is policy.Parse with the custom rules compiled. The error is policy.Errors, those in CEL among the
// others.
func Parse(text []byte) (*policy.Policy, error) {
	return policy.ParseWith(text, compiledOnce.programs)
}

// Compile gives a policy the programs of its custom rules. One without any is returned as it is, and CEL
// is not touched. The error is policy.Errors.
func Compile(p *policy.Policy) (*policy.Policy, error) {
	rules := p.Customs()
	if len(rules) == 0 {
		return p, nil
	}
	programs, problems := compiledOnce.programs(p.Text, rules)
	if len(problems) > 0 {
		return nil, problems
	}
	return p.WithPrograms(programs), nil
}

// compiledOnce are the programs of texts that were compiled before: a function that stays warm judges by
// the same few policies in every invocation.
var compiledOnce = cache{most: 64, byText: map[string][]policy.Program{}}

type cache struct {
	mu     sync.Mutex
	most   int
	byText map[string][]policy.Program
}

func (c *cache) programs(text string, rules []policy.Custom) ([]policy.Program, policy.Errors) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if made, ok := c.byText[text]; ok {
		return made, nil
	}
	var all []policy.Program
	var problems policy.Errors
	var cost uint64
	for _, r := range rules {
		p, errs := compile(r)
		problems = append(problems, errs...)
		if p == nil {
			continue
		}
		all = append(all, p)
		if cost += p.most; cost > MaxPolicy && cost-p.most <= MaxPolicy {
			problems = append(problems, wrong(r, r.Expression, "expression", fmt.Sprintf("all expressions up to here may cost %d on one machine, expected at most %d", cost, MaxPolicy)))
		}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	if len(c.byText) >= c.most {
		clear(c.byText)
	}
	c.byText[text] = all
	return all, nil
}

// compile checks and compiles one rule; all that is wrong with its texts is found.
func compile(r policy.Custom) (*program, policy.Errors) {
	p := &program{rule: r, noun: lastOf(r.Each.Text)}
	if r.Each.Text != "" {
		f, ok := known().evidence.at(strings.Split(r.Each.Text, "."))
		if !ok || !f.list {
			return nil, policy.Errors{wrong(r, r.Each, "each", fmt.Sprintf("got %q, expected one of %s%s", r.Each.Text, strings.Join(Lists(), ", "), policy.DidYouMean(r.Each.Text, Lists())))}
		}
		p.each = f
	}
	env, err := environment(p.each)
	if err != nil {
		return nil, policy.Errors{wrong(r, r.Expression, "expression", "CEL cannot be set up: "+err.Error())}
	}
	var problems policy.Errors
	for _, part := range []struct {
		name string
		text policy.Source
		want *cel.Type
		into *cel.Program
	}{
		{"where", r.Where, cel.BoolType, &p.where}, {"expression", r.Expression, cel.BoolType, &p.expression}, {"message", r.Message, cel.StringType, &p.message},
	} {
		if part.text.Text == "" {
			continue
		}
		t := &text{rule: r, name: part.name, source: part.text, want: part.want, env: env, each: p.each}
		made := t.compile()
		problems = append(problems, t.problems...)
		if made == nil {
			continue
		}
		*part.into = made
		p.most += t.cost
		if part.name != "message" {
			p.reads = append(p.reads, t.reads...)
		}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	p.settle()
	return p, nil
}

func lastOf(path string) string { return path[strings.LastIndex(path, ".")+1:] }

// wrong is an error about a whole text.
func wrong(r policy.Custom, s policy.Source, name, message string) policy.Error {
	return policy.Error{Line: s.Line, Column: s.Column, Path: r.Path + "." + name, Message: message}
}
