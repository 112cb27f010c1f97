package main

import (
	"context"
	"fmt"
	"time"

	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/shared/record"
)

type holdCommands struct {
	Set  holdSet  `cmd:"" help:"Stop revocations on a machine, a policy or everything."`
	Lift holdLift `cmd:"" help:"End a hold."`
	List holdList `cmd:"" help:"List the holds."`
}

type holdSet struct {
	Scope  string        `arg:"" help:"machine:ID, policy:NAME or global."`
	Reason string        `required:"" help:"Why; it is recorded with your name."`
	For    time.Duration `help:"How long, such as 2h; without it until it is lifted."`
}

func (holdSet) Help() string {
	return "Example:\n  keyward hold set machine:i-1234567890abcdef0 --for 2h --reason 'database migration'"
}

func (a holdSet) Run(ctx context.Context, c *cli, p *show.Printer) error {
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	if a.For < 0 {
		return &invalid{fmt.Errorf("--for %s: expected a duration such as 2h", a.For)}
	}
	r := record.HoldWish{Reason: a.Reason}
	if a.For > 0 {
		status, err := api.Status(ctx) // its time is the stack's, which in keyward local is not ours
		if err != nil {
			return err
		}
		r.Expires = status.Time.Add(a.For)
	}
	h, err := api.SetHold(ctx, record.Scope(a.Scope), r)
	if err != nil {
		return err
	}
	return p.Value(h, func() { p.Line("Held: %s, until %s.", h.Scope, until(h.Expires)) })
}

func until(t time.Time) string {
	if t.IsZero() {
		return "it is lifted"
	}
	return show.Time(t)
}

type holdLift struct {
	Scope  string `arg:"" help:"machine:ID, policy:NAME or global."`
	Reason string `required:"" help:"Why; it is recorded with your name."`
}

func (holdLift) Help() string {
	return "Example:\n  keyward hold lift machine:i-1234567890abcdef0 --reason 'migration done'"
}

func (a holdLift) Run(ctx context.Context, c *cli, p *show.Printer) error {
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	if err := api.LiftHold(ctx, record.Scope(a.Scope), a.Reason); err != nil {
		return err
	}
	return p.Value(map[string]string{"lifted": a.Scope}, func() { p.Line("Lifted: %s.", a.Scope) })
}

type holdList struct{}

func (holdList) Run(ctx context.Context, c *cli, p *show.Printer) error {
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	holds, err := api.Holds(ctx)
	if err != nil {
		return err
	}
	return p.Value(holds, func() {
		var rows [][]string
		for _, h := range holds {
			rows = append(rows, []string{string(h.Scope), h.Reason, h.By, show.Time(h.SetAt), until(h.Expires)})
		}
		p.Table([]string{"SCOPE", "REASON", "BY", "SET", "UNTIL"}, rows, "Nothing is held.")
	})
}
