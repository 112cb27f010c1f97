package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/shared/record"
)

type breakerCommands struct {
	Show  breakerShow  `cmd:"" help:"Show the limit, who lost a key in the window, what waits, and which rules tripped."`
	Reset breakerReset `cmd:"" help:"Give room again, or let the rules of a policy revoke again."`
}

type breakerShow struct{}

func (breakerShow) Help() string { return "Example:\n  keyward breaker show" }

func (breakerShow) Run(ctx context.Context, c *cli, p *show.Printer) error {
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	v, err := api.Breaker(ctx)
	if err != nil {
		return err
	}
	return p.Value(v, func() { printBreaker(p, v) })
}

func printBreaker(p *show.Printer, v record.BreakerView) {
	state := "closed"
	if !v.Breaker.OpenSince.IsZero() {
		state = "open since " + show.Time(v.Breaker.OpenSince)
	}
	p.Table(nil, [][]string{
		{"breaker", state},
		{"limit", fmt.Sprintf("%d machines within %s, of %d that are enrolled", v.Limit, v.Window, v.Breaker.Guarded)},
		{"a rule trips", fmt.Sprintf("when more than %d %% of a policy's machines that complied newly fail it, at least %d", v.Newly.Percent, v.Newly.Machines)},
		{"used", fmt.Sprintf("%d, room for %d", len(v.Breaker.Spent), v.Room)},
		{"waiting", show.Or(strings.Join(v.Waiting, " "), "-")},
	}, "")
	var rows [][]string
	for _, s := range v.Breaker.Spent {
		rows = append(rows, []string{s.Machine, show.Time(s.At)})
	}
	p.Line("")
	p.Table([]string{"MACHINE", "COUNTED AT"}, rows, "No machine lost its key within the window.")
	rows = nil
	for _, b := range v.Rules {
		for _, t := range b.Trips {
			rows = append(rows, []string{
				b.Policy, fmt.Sprint(t.PolicyVersion), show.Or(t.Rule, "all rules"), fmt.Sprintf("%d of %d", t.Failed, t.Passed), show.Time(t.At),
			})
		}
	}
	p.Line("")
	p.Table([]string{"POLICY", "VERSION", "ONLY NOTIFIES", "FAILED", "SINCE"}, rows, "No rule has tripped.")
	rows = nil
	for _, e := range v.Events {
		rows = append(rows, []string{show.Time(e.At), e.Kind, string(e.Scope), e.Text, show.Or(e.By, "-")})
	}
	p.Line("")
	p.Table([]string{"TIME", "KIND", "SCOPE", "WHAT", "BY"}, rows, "Nothing happened yet.")
}

type breakerReset struct {
	Scope  string `arg:"" optional:"" default:"global" help:"global, or policy:NAME for its rules."`
	Reason string `required:"" help:"Why; it is recorded with your name."`
}

func (breakerReset) Help() string {
	return "Example:\n  keyward breaker reset policy:web-tier --reason 'the machines are wrong, ticket 4711'"
}

func (a breakerReset) Run(ctx context.Context, c *cli, p *show.Printer) error {
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	e, err := api.ResetBreaker(ctx, record.Scope(a.Scope), a.Reason)
	if err != nil {
		return err
	}
	return p.Value(e, func() { p.Line("Reset: %s.", e.Scope) })
}
