package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/simulate"
)

// simulateCommand is keyward simulate.
type simulateCommand struct {
	Machines  int      `help:"Machines, in fleets that know nothing of each other." default:"10000" placeholder:"N"`
	Days      int      `help:"Days of virtual time." default:"30" placeholder:"N"`
	Seed      uint64   `help:"Equal seeds give equal runs." default:"1" placeholder:"N"`
	Faults    string   `help:"How much goes wrong: none, some or many." enum:"none,some,many" default:"some"`
	Fleet     int      `help:"Machines of one fleet." default:"1000" placeholder:"N"`
	Number    int      `help:"Run one fleet alone, counted from 1." placeholder:"N"`
	Only      []int    `help:"Run these machines of each fleet alone, counted from 0." placeholder:"N"`
	Trace     string   `help:"Print the steps of this machine up to each violation." placeholder:"ID"`
	Quiet     float64  `help:"Days between two things that happen to a machine, on average." default:"20" placeholder:"DAYS"`
	Incidents []string `help:"Only these happen to machines; a name that there is not lists them." placeholder:"NAME,..."`
	Policies  []string `help:"Machines have only these of the simulation's policies." placeholder:"NAME,..."`
	Shrink    int      `help:"How many smaller runs are tried for a violation." default:"20" placeholder:"N"`
	JSON      bool     `help:"Print the report as JSON, as --output json does." name:"json"`
}

// Run runs it. A broken invariant is exit code 3: the run was done, and not everything is in order.
func (s *simulateCommand) Run(ctx context.Context, c *cli, p *show.Printer) error {
	o := simulate.Options{
		Machines: s.Machines, Days: s.Days, Seed: s.Seed, Faults: s.Faults, Fleet: s.Fleet, Number: s.Number, Only: s.Only,
		Trace: s.Trace, Shrink: s.Shrink, Quiet: s.Quiet,
		Incidents: s.Incidents, Policies: s.Policies,
	}
	if err := o.Check(); err != nil {
		return &invalid{err}
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400) // a fleet is some tens of megabytes, and is written all the time
	}
	progress := p.Progress("simulating")
	o.Told = progress.Done
	r, err := simulate.Run(ctx, o)
	progress.End()
	if err != nil {
		return err
	}
	if s.JSON || c.Output == "json" {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		if err := e.Encode(r); err != nil {
			return err
		}
	} else {
		r.Print(os.Stdout)
	}
	if r.Broken > 0 {
		return &notInOrder{fmt.Sprintf("an invariant broke %d times", r.Broken)}
	}
	return nil
}
