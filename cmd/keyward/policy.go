package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/policy/custom"
)

type policyCommands struct {
	Check    policyCheck    `cmd:"" help:"Check policy files; every error with line and column. Needs no AWS."`
	Test     policyTest     `cmd:"" help:"Run the tests that stand beside a policy. Needs no AWS."`
	Explain  policyExplain  `cmd:"" help:"Say in plain sentences what a policy asks and what follows. Needs no AWS."`
	Schema   policySchema   `cmd:"" help:"Print the JSON Schema of policies, for editors. Needs no AWS."`
	Try      policyTry      `cmd:"" help:"Judge the last known evidence of machines by a policy file. Changes nothing."`
	Put      policyPut      `cmd:"" help:"Store a policy."`
	List     policyList     `cmd:"" help:"List the policies."`
	Show     policyShow     `cmd:"" help:"Print a stored policy."`
	Versions policyVersions `cmd:"" help:"List the versions of a policy, newest first."`
	Diff     policyDiff     `cmd:"" help:"Show what changed from one version of a policy to another."`
	Delete   policyDelete   `cmd:"" help:"End a policy that no machine is under; its versions stay."`
	Replay   policyReplay   `cmd:"" help:"Tell what a policy would have done with the evidence that is kept. Changes nothing."`
}

type policyCheck struct {
	Files []string `arg:"" help:"Policy files, and files of tests (FILE.test.yaml)."`
}

func (policyCheck) Help() string { return "Example:\n  keyward policy check policies/*.yaml" }

// checked is the outcome of one file, for programs.
type checked struct {
	File   string         `json:"file"`
	Policy string         `json:"policy,omitempty"`
	Rules  int            `json:"rules"`
	Tests  int            `json:"tests,omitempty"` // in a file of tests
	Errors []policy.Error `json:"errors"`
}

func (a policyCheck) Run(p *show.Printer) error {
	var results []checked
	wrong := 0
	for _, file := range a.Files {
		parsed, tests, err := checkFile(file)
		r := checked{File: file, Errors: []policy.Error{}}
		var found policy.Errors
		switch {
		case errors.As(err, &found):
			r.Errors = found
			wrong++
		case err != nil:
			return err
		default:
			r.Policy, r.Rules, r.Tests = parsed.Name, len(parsed.Rules), tests
		}
		results = append(results, r)
	}
	err := p.Value(results, func() {
		for _, r := range results {
			for _, e := range r.Errors {
				for line := range strings.SplitSeq(r.File+":"+e.Error(), "\n") {
					p.Line("%s", line)
				}
			}
			switch {
			case len(r.Errors) > 0:
			case r.Tests > 0:
				p.Line("%s: %s of policy %s, no errors", r.File, count(r.Tests, "test"), r.Policy)
			default:
				p.Line("%s: policy %s, %s, no errors", r.File, r.Policy, count(r.Rules, "rule"))
			}
		}
	})
	if err == nil && wrong > 0 {
		return &invalid{fmt.Errorf("%d of %d files have errors", wrong, len(a.Files))}
	}
	return err
}

// checkFile checks a policy, or a file of tests with the policy that they are of.
func checkFile(file string) (*policy.Policy, int, error) {
	if !strings.HasSuffix(file, testSuffix) {
		p, err := readPolicy(file)
		return p, 0, err
	}
	p, cases, at, err := readCases(file)
	if err != nil && at != file {
		return nil, 0, named(at, err)
	}
	if err != nil {
		return nil, 0, err
	}
	return p, len(cases.All), nil
}

func readPolicy(file string) (*policy.Policy, error) {
	text, err := readSmall(file)
	if err != nil {
		return nil, err
	}
	return custom.Parse(text)
}

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// named puts the file's name before each error of a policy.
func named(file string, err error) error {
	var found policy.Errors
	if !errors.As(err, &found) {
		return err
	}
	var lines []error
	for _, e := range found {
		lines = append(lines, fmt.Errorf("%s:%w", file, e))
	}
	return &invalid{errors.Join(lines...)}
}

type policyPut struct {
	File string `arg:"" help:"Policy file."`
	Yes  bool   `help:"Do not ask, whatever follows for machines."`
	Over int    `help:"Only over this version, the one that was read; otherwise nothing is stored." placeholder:"VERSION"`
}

func (policyPut) Help() string { return "Example:\n  keyward policy put policies/web-tier.yaml" }

func (a policyPut) Run(ctx context.Context, c *cli, p *show.Printer) error {
	parsed, err := readPolicy(a.File)
	if err != nil {
		return named(a.File, err)
	}
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	if err := a.agreed(ctx, api, parsed, p); err != nil {
		return err
	}
	stored, err := api.PutPolicy(ctx, parsed.Name, []byte(parsed.Text), a.Over)
	if err != nil {
		return err
	}
	return p.Value(stored, func() { p.Line("Policy %s is stored as version %d.", stored.Name, stored.Version) })
}

type policyList struct{}

func (policyList) Run(ctx context.Context, c *cli, p *show.Printer) error {
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	policies, err := api.Policies(ctx)
	if err != nil {
		return err
	}
	return p.Value(policies, func() {
		var rows [][]string
		for _, s := range policies {
			rows = append(rows, []string{s.Name, fmt.Sprint(s.Version), show.Time(s.PutAt), s.PutBy})
		}
		p.Table([]string{"POLICY", "VERSION", "PUT", "BY"}, rows, "No policy is stored; machines have the built-in one, under which requests wait for a person.")
	})
}
