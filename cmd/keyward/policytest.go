package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/shared/policy"
)

// testSuffix is the end of the name of a file of tests; its policy is FILE.yaml beside FILE.test.yaml.
const testSuffix = ".test.yaml"

type policyTest struct {
	Files []string `arg:"" help:"Policy files, whose tests stand beside them as FILE.test.yaml, or such files of tests."`
}

func (policyTest) Help() string {
	return "Examples:\n  keyward policy test policies/web-tier.yaml\n  keyward policy test policies/*.test.yaml --output json"
}

// tested is the outcome of one file of tests, for programs.
type tested struct {
	File     string              `json:"file"`
	Policy   string              `json:"policy"`
	Tests    []policy.CaseResult `json:"tests"`
	Untested []string            `json:"untested"` // rules of which no test expects that they fail
}

func (a policyTest) Run(p *show.Printer) error {
	var results []tested
	all, failed := 0, 0
	for _, file := range a.Files {
		t, err := testPolicy(file)
		if err != nil {
			return err
		}
		for _, one := range t.Tests {
			all++
			if !one.OK {
				failed++
			}
		}
		results = append(results, t)
	}
	err := p.Value(results, func() {
		for _, t := range results {
			printTested(p, t)
		}
	})
	if err == nil && failed > 0 {
		return fmt.Errorf("%d of %s failed", failed, count(all, "test"))
	}
	return err
}

func testPolicy(file string) (tested, error) {
	if !strings.HasSuffix(file, testSuffix) {
		file = strings.TrimSuffix(file, filepath.Ext(file)) + testSuffix
	}
	p, cases, at, err := readCases(file)
	if err != nil {
		return tested{}, named(at, err)
	}
	t := tested{File: file, Policy: p.Name, Tests: policy.RunCases(p, cases), Untested: cases.Untested(p)}
	if t.Untested == nil {
		t.Untested = []string{}
	}
	return t, nil
}

// readCases reads a file of tests and the policy that they are of. An error is about the file that it says.
func readCases(file string) (p *policy.Policy, cases *policy.Cases, at string, err error) {
	text, err := readSmall(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, file, &invalid{fmt.Errorf("%w; the tests of a policy FILE.yaml stand in FILE%s", err, testSuffix)}
	}
	if err != nil {
		return nil, nil, file, err
	}
	of := strings.TrimSuffix(file, testSuffix) + ".yaml"
	if name, ok := policy.CasesOf(text); ok {
		of = filepath.Join(filepath.Dir(file), name)
	}
	if p, err = readPolicy(of); err != nil {
		return nil, nil, of, err
	}
	cases, err = policy.ParseCases(text, p)
	return p, cases, file, err
}

// readSmall reads a file that is no burden to read.
func readSmall(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, &invalid{err}
	}
	if info.Size() > 1<<20 {
		return nil, policy.Errors{{Line: 1, Column: 1, Message: fmt.Sprintf("the file has %d bytes, a policy has at most %d", info.Size(), policy.MaxBytes)}}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, &invalid{err}
	}
	return text, nil
}

func printTested(p *show.Printer, t tested) {
	failed := 0
	for _, one := range t.Tests {
		if one.OK {
			p.Line("ok      %s", one.Name)
			continue
		}
		failed++
		p.Line("FAILED  %s", one.Name)
		for _, problem := range one.Problems {
			p.Line("        %s:%d:%d: %s", t.File, problem.Line, problem.Column, missed(problem))
		}
	}
	p.Line("%s: policy %s, %s, %d failed", t.File, t.Policy, count(len(t.Tests), "test"), failed)
	if len(t.Untested) > 0 {
		p.Line("No test has these rules fail: %s", strings.Join(t.Untested, "; "))
	}
}

// missed says what a test expected and what came.
func missed(c policy.CaseProblem) string {
	what := "the policy"
	if c.Rule != "" {
		what = ruleNamed(c.Rule)
	}
	text := fmt.Sprintf("%s is %s", what, c.Got)
	if c.Actual != "" {
		text += fmt.Sprintf(" (%s)", c.Actual)
	}
	text += fmt.Sprintf(", expected %s", c.Expected)
	if c.Says != "" {
		text += fmt.Sprintf(" and %q in what was found", c.Says)
	}
	return text
}
