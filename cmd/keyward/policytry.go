package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keyward/keyward/cmd/keyward/internal/people"
	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/waiver"
)

type policyTry struct {
	File    string   `arg:"" help:"Policy file."`
	Machine []string `help:"Try it on these machines, whatever their policy." placeholder:"ID"`
	All     bool     `help:"Try it on every enrolled machine."`
	Most    int      `help:"How many machines to print; 0 prints all. Those that fail come first." default:"50"`
}

func (policyTry) Help() string {
	return "Examples:\n  keyward policy try policies/web-tier.yaml --machine i-1234567890abcdef0\n  keyward policy try strict.yaml --all --output json"
}

// tried is the whole answer, for programs.
type tried struct {
	Policy   string         `json:"policy"`
	Digest   string         `json:"digest"`
	Machines []triedMachine `json:"machines"` // those that fail first, then unknown ones, then the rest
	Totals   map[string]int `json:"totals"`   // by verdict
	Rules    []triedRule    `json:"rules"`    // that fail or are unknown somewhere
}

// triedRule counts the machines on which a rule fails or is unknown.
type triedRule struct {
	Rule    string `json:"rule"`
	Fail    int    `json:"fail"`
	Unknown int    `json:"unknown"`
}

// triedMachine is one machine under the policy.
type triedMachine struct {
	Machine  string           `json:"machine"`
	Name     string           `json:"name,omitempty"`
	Now      policy.Verdict   `json:"now"` // by the policy that it has
	Verdict  policy.Verdict   `json:"verdict"`
	Sent     time.Time        `json:"sent"`     // when the inspection was sent; zero: no evidence is kept
	Why      string           `json:"why"`      // the first finding, or why there is no evidence
	Findings []policy.Finding `json:"findings"` // failed and unknown ones
}

func (a policyTry) Run(ctx context.Context, c *cli, p *show.Printer) error {
	switch {
	case a.All == (len(a.Machine) > 0):
		return &invalid{errors.New("expected either --machine or --all")}
	case a.Most < 0:
		return &invalid{fmt.Errorf("--most is %d, expected 0 or more", a.Most)}
	}
	candidate, err := readPolicy(a.File)
	if err != nil {
		return named(a.File, err)
	}
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	machines, err := a.machines(ctx, api)
	if err != nil {
		return err
	}
	waivers, err := api.Waivers(ctx, "", false)
	if err != nil {
		return err
	}
	if waivers.Unread > 0 {
		return fmt.Errorf("reading the waivers: %s cannot be read, and what they allow is not known", count(waivers.Unread, "waiver"))
	}
	status, err := api.Status(ctx)
	if err != nil {
		return err
	}
	t := tried{Policy: candidate.Name, Digest: candidate.Digest, Totals: map[string]int{}}
	progress := p.Progress("trying it on " + count(len(machines), "machine"))
	t.Machines, err = tryAll(ctx, api, machines, trial{candidate, waivers.Waivers, status.Time}, progress.Done)
	progress.End()
	if err != nil {
		return err
	}
	t.sum()
	return p.Value(t, func() { printTried(p, t, a.Most) })
}

// machines are those that are asked for, by id.
func (a policyTry) machines(ctx context.Context, api *people.Client) ([]record.Machine, error) {
	all, err := api.Machines(ctx, people.Asked{})
	if err != nil {
		return nil, err
	}
	if a.All {
		return all, nil
	}
	var chosen []record.Machine
	for _, id := range slices.Compact(slices.Sorted(slices.Values(a.Machine))) {
		at := slices.IndexFunc(all, func(m record.Machine) bool { return m.ID == id })
		if at < 0 {
			return nil, &invalid{fmt.Errorf("--machine is %q, expected the id of an enrolled machine", id)}
		}
		chosen = append(chosen, all[at])
	}
	return chosen, nil
}

// trial is what the last evidence is judged by, and when.
type trial struct {
	candidate *policy.Policy
	waivers   []record.Waiver
	now       time.Time
}

// tryAll reads the last evidence of each machine, a few at a time.
func tryAll(ctx context.Context, api *people.Client, machines []record.Machine, t trial, told func(done, all int64)) ([]triedMachine, error) {
	const atOnce = 8
	out, problems := make([]triedMachine, len(machines)), make([]error, len(machines))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wait sync.WaitGroup
	var done atomic.Int64
	turns := make(chan struct{}, atOnce)
	for i, m := range machines {
		turns <- struct{}{}
		wait.Go(func() {
			defer func() { <-turns }()
			if out[i], problems[i] = tryOne(ctx, api, m, t); problems[i] != nil {
				cancel() // one machine left out would make the totals wrong
			}
			told(done.Add(1), int64(len(machines)))
		})
	}
	wait.Wait()
	for _, err := range problems {
		if err != nil && !errors.Is(err, context.Canceled) {
			return nil, err
		}
	}
	return out, ctx.Err()
}

func tryOne(ctx context.Context, api *people.Client, m record.Machine, t trial) (triedMachine, error) {
	out := triedMachine{Machine: m.ID, Name: m.Name, Why: "no evidence is kept", Findings: []policy.Finding{}}
	if err := out.Now.UnmarshalJSON([]byte(`"` + cmp.Or(m.State.LastVerdict, policy.Unknown.String()) + `"`)); err != nil {
		return out, fmt.Errorf("reading machine %s: %w", m.ID, err)
	}
	e, err := lastEvidence(ctx, api, m, t.now)
	if err != nil || e == nil {
		return out, err
	}
	result := waiver.Apply(policy.Evaluate(t.candidate, e.Evidence, t.now), t.waivers, m, t.now)
	out.Verdict, out.Sent, out.Why, out.Findings = result.Verdict, e.Sent, "", append(out.Findings, result.Bad()...)
	if len(out.Findings) > 0 {
		out.Why = out.Findings[0].Rule + ": " + out.Findings[0].Actual
	}
	return out, nil
}

// lastEvidence is the newest record of a machine that has evidence, nil if none is kept. Most are found in
// the first, short, window.
func lastEvidence(ctx context.Context, api *people.Client, m record.Machine, now time.Time) (*record.Evidence, error) {
	until := now
	for _, since := range []time.Time{m.State.LastEvidence.Add(-time.Second), now.Add(-7 * 24 * time.Hour), now.Add(-keptFor)} {
		if !since.Before(until) || since.Before(now.Add(-keptFor)) {
			continue
		}
		var last *record.Evidence
		for after := ""; ; {
			page, err := api.History(ctx, m.ID, since, until, after)
			if err != nil {
				return nil, err
			}
			for i := range page.Evidence {
				if page.Evidence[i].Evidence != nil {
					last = &page.Evidence[i]
				}
			}
			if page.Next == "" {
				break
			}
			if page.Next <= after {
				return nil, fmt.Errorf("reading the history of %s: its pages do not go on after %s", m.ID, after)
			}
			after = page.Next
		}
		if last != nil {
			return last, nil
		}
		until = since
	}
	return nil, nil
}

// sum sorts the machines and counts.
func (t *tried) sum() {
	rank := map[policy.Verdict]int{policy.Fail: 0, policy.Unknown: 1, policy.Pass: 2}
	slices.SortStableFunc(t.Machines, func(a, b triedMachine) int {
		return cmp.Or(cmp.Compare(rank[a.Verdict], rank[b.Verdict]), cmp.Compare(a.Machine, b.Machine))
	})
	t.Rules = []triedRule{}
	for _, m := range t.Machines {
		t.Totals[m.Verdict.String()]++
		for _, f := range m.Findings {
			at := slices.IndexFunc(t.Rules, func(r triedRule) bool { return r.Rule == f.Rule })
			if at < 0 {
				t.Rules, at = append(t.Rules, triedRule{Rule: f.Rule}), len(t.Rules)
			}
			if f.Verdict == policy.Fail {
				t.Rules[at].Fail++
			} else {
				t.Rules[at].Unknown++
			}
		}
	}
}

func printTried(p *show.Printer, t tried, most int) {
	var rows [][]string
	for i, m := range t.Machines {
		if most > 0 && i == most {
			break
		}
		sent := "-"
		if !m.Sent.IsZero() {
			sent = show.Time(m.Sent)
		}
		rows = append(rows, []string{m.Machine, show.Or(m.Name, "-"), m.Now.String(), m.Verdict.String(), sent, show.Or(m.Why, "-")})
	}
	p.Line("Policy %s on %s: %d would fail, %d unknown, %d pass. Nothing was changed.", t.Policy, count(len(t.Machines), "machine"),
		t.Totals[policy.Fail.String()], t.Totals[policy.Unknown.String()], t.Totals[policy.Pass.String()])
	p.Line("")
	p.Table([]string{"MACHINE", "NAME", "NOW", "WOULD BE", "INSPECTED", "WHY"}, rows, "No machine is enrolled.")
	if more := len(t.Machines) - len(rows); more > 0 {
		p.Line("and %d more; --most 0 prints all", more)
	}
	if len(t.Rules) == 0 {
		return
	}
	var rules [][]string
	for _, r := range t.Rules {
		rules = append(rules, []string{r.Rule, fmt.Sprint(r.Fail), fmt.Sprint(r.Unknown)})
	}
	p.Line("")
	p.Table([]string{"RULE", "FAIL", "UNKNOWN"}, rules, "")
}
