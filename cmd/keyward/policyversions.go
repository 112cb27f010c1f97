package main

import (
	"context"
	"fmt"

	"github.com/keyward/keyward/cmd/keyward/internal/show"
)

type policyShow struct {
	Name    string `arg:"" help:"Name of the policy."`
	Version int    `help:"This version; without it the current one." placeholder:"VERSION"`
}

func (a policyShow) Run(ctx context.Context, c *cli, p *show.Printer) error {
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	read := api.Policy
	if a.Version != 0 {
		read = api.PolicyVersion(a.Version)
	}
	stored, err := read(ctx, a.Name)
	if err != nil {
		return err
	}
	return p.Value(stored, func() { p.Text(stored.Text) })
}

type policyVersions struct {
	Name string `arg:"" help:"Name of the policy."`
}

func (a policyVersions) Run(ctx context.Context, c *cli, p *show.Printer) error {
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	versions, err := api.PolicyVersions(ctx, a.Name)
	if err != nil {
		return err
	}
	return p.Value(versions, func() {
		var rows [][]string
		for _, v := range versions {
			what := v.Digest[:min(len(v.Digest), 12)]
			if v.Deleted != nil {
				what = "deleted: " + v.Deleted.Reason
			}
			rows = append(rows, []string{fmt.Sprint(v.Version), show.Time(v.PutAt), v.PutBy, what})
		}
		p.Table([]string{"VERSION", "PUT", "BY", "DIGEST"}, rows, "")
	})
}

type policyDiff struct {
	Name string `arg:"" help:"Name of the policy."`
	From int    `arg:"" help:"Version on the left."`
	To   int    `arg:"" help:"Version on the right."`
}

func (policyDiff) Help() string { return "Example:\n  keyward policy diff web-tier 3 4" }

func (a policyDiff) Run(ctx context.Context, c *cli, p *show.Printer) error {
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	d, err := api.PolicyDiff(ctx, a.Name, a.From, a.To)
	if err != nil {
		return err
	}
	return p.Value(d, func() {
		if d.Diff == "" {
			p.Line("The versions %d and %d of policy %s are the same.", d.From, d.To, d.Policy)
			return
		}
		p.Text(d.Diff)
	})
}

type policyDelete struct {
	Name   string `arg:"" help:"Name of the policy."`
	Reason string `required:"" help:"Why; it is recorded with your name."`
}

func (policyDelete) Help() string {
	return "Machines that are enrolled under it keep it from being deleted.\n\nExample:\n  keyward policy delete web-tier --reason 'replaced by web'"
}

func (a policyDelete) Run(ctx context.Context, c *cli, p *show.Printer) error {
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	ended, err := api.DeletePolicy(ctx, a.Name, a.Reason)
	if err != nil {
		return err
	}
	return p.Value(ended, func() { p.Line("Policy %s is deleted; its versions stay.", ended.Name) })
}
