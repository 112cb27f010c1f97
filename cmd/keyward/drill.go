package main

import (
	"context"
	"fmt"
	"time"

	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/shared/record"
)

type drillCommands struct {
	Show drillShow `cmd:"" help:"Show the last fire drills, and each step of the newest."`
	Run  drillRun  `cmd:"" help:"Begin one now; it takes about half an hour."`
}

type drillShow struct {
	Last int `help:"How many drills, at most 31." default:"7"`
}

func (drillShow) Help() string { return "Example:\n  keyward drill show" }

func (a drillShow) Run(ctx context.Context, c *cli, p *show.Printer) error {
	if a.Last < 1 {
		return &invalid{fmt.Errorf("--last %d: expected 1 to 31", a.Last)}
	}
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	all, err := api.Drills(ctx)
	if err != nil {
		return err
	}
	all = all[:min(a.Last, len(all))]
	return p.Value(map[string]any{"drills": append([]record.Drill{}, all...)}, func() { printDrills(p, all) })
}

func printDrills(p *show.Printer, all []record.Drill) {
	var rows [][]string
	for _, d := range all {
		outcome, took := d.Outcome, "-"
		if d.Runs() {
			outcome = "runs: " + string(d.Phase)
		} else {
			took = d.EndedAt.Sub(d.BegunAt).Round(time.Second).String()
		}
		rows = append(rows, []string{d.ID, outcome, took, d.By, show.Or(d.Why, "-")})
	}
	p.Table([]string{"DRILL", "OUTCOME", "TOOK", "BY", "WHY"}, rows, "No drill was run.")
	if len(all) == 0 {
		return
	}
	rows = nil
	for _, s := range all[0].Steps {
		rows = append(rows, []string{s.Name, show.Time(s.At), fmt.Sprintf("%.1f s", s.Seconds)})
	}
	p.Line("")
	p.Table([]string{"STEP", "AT", "SECONDS"}, rows, "No step of it was done yet.")
}

type drillRun struct{}

func (drillRun) Help() string { return "Example:\n  keyward drill run" }

func (drillRun) Run(ctx context.Context, c *cli, p *show.Printer) error {
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	at, err := api.RunDrill(ctx)
	if err != nil {
		return err
	}
	return p.Value(map[string]time.Time{"askedAt": at}, func() {
		p.Line("Asked for a fire drill at %s, unless one runs; keyward drill show has it.", show.Time(at))
	})
}
