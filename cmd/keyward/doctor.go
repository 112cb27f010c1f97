package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/keyward/keyward/cmd/keyward/internal/checkup"
	"github.com/keyward/keyward/cmd/keyward/internal/people"
	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/shared/doctor"
	"github.com/keyward/keyward/shared/fault"
)

type doctorCommand struct {
	Stack string `help:"Name of the stack." default:"keyward" env:"KEYWARD_STACK" placeholder:"NAME"`
}

func (doctorCommand) Help() string {
	return "Reads a deployed stack with your own credentials, changes nothing, and says of each part whether it is in order: ok, warning, " +
		"problem with what to do, or not known and why.\n\nExit codes: 0 no problem, 3 a problem, 1 something is not known.\n\nExample:\n  keyward doctor --stack keyward"
}

// examined is the result for programs.
type examined struct {
	Stack  string        `json:"stack"`
	Checks []doctor.Line `json:"checks"`
	Worst  doctor.State  `json:"worst"`
}

func (a doctorCommand) Run(ctx context.Context, c *cli, p *show.Printer) error {
	cfg, err := c.aws(ctx)
	if err != nil {
		return err
	}
	lines, err := checkup.Examine(ctx, cfg, a.Stack, func(url string) (*people.Client, error) {
		asked := *c
		if asked.API == "" {
			asked.API = url
		}
		return asked.people(ctx)
	})
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Invalid) {
		return &invalid{fmt.Errorf("there is no stack %s in this account and Region: %s", a.Stack, fault.Safe(err))}
	}
	if err != nil {
		return err
	}
	worst := doctor.Worst(lines)
	err = p.Value(examined{a.Stack, lines, worst}, func() {
		var rows [][]string
		for _, l := range lines {
			rows = append(rows, []string{l.State.Shown(), l.Check, l.Text})
		}
		p.Table([]string{"", "CHECK", "FOUND"}, rows, "")
		for _, l := range lines {
			if l.Do != "" {
				p.Line("%s: %s", l.Check, l.Do)
			}
		}
	})
	switch {
	case err != nil:
		return err
	case worst == doctor.Problem:
		return &notInOrder{"the stack has problems"}
	case worst == doctor.Unknown:
		return errors.New("not everything could be checked")
	}
	return nil
}
