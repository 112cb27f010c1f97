// Package policies_test runs the tests that stand beside the policies of the project.
package policies_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/policy/custom"
)

// Every policy has tests, all of them pass, one has the whole pass, and of every rule that is judged one
// has it fail.
func TestPolicies(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.yaml")
	if err != nil || len(files) < 8 {
		t.Fatalf("Glob = %v, %v", files, err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, ".test.yaml") {
			continue
		}
		p, err := custom.Parse(read(t, file))
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		cases, err := policy.ParseCases(read(t, strings.TrimSuffix(file, ".yaml")+".test.yaml"), p)
		if err != nil {
			t.Errorf("tests of %s: %v", file, err)
			continue
		}
		passes := false
		for _, r := range policy.RunCases(p, cases) {
			for _, problem := range r.Problems {
				t.Errorf("%s: %s: line %d: rule %q is %s (%s), expected %s %q", file, r.Name, problem.Line, problem.Rule, problem.Got, problem.Actual, problem.Expected, problem.Says)
			}
			passes = passes || policy.Evaluate(p, r.Evidence, policy.CaseTime).Verdict == policy.Pass
		}
		if !passes {
			t.Errorf("%s: no test has a machine that passes", file)
		}
		judged := map[string]bool{}
		for _, r := range p.Rules {
			judged[r.Name] = !r.Info
		}
		for _, name := range cases.Untested(p) {
			if judged[name] {
				t.Errorf("%s: no test has rule %q fail", file, name)
			}
		}
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
