package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/cmd/keyward/internal/people"
	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

type waiverCommands struct {
	Set  waiverSet  `cmd:"" help:"Allow what machines fail by for a time."`
	List waiverList `cmd:"" help:"List the waivers."`
	Show waiverShow `cmd:"" help:"Show one waiver."`
	Lift waiverLift `cmd:"" help:"End a waiver before its time."`
}

type waiverSet struct {
	Scope  string            `arg:"" help:"A machine's id, machine:ID, policy:NAME or global."`
	Rule   string            `required:"" help:"Name of the rule."`
	Value  []string          `sep:"none" help:"What is allowed, as findings show it; again for another. For one machine, without it, what it fails by now."`
	Tag    map[string]string `help:"Only machines enrolled with this tag, such as tier=web; again for another. With policy:NAME and global."`
	Policy string            `help:"With global: only the rule of this policy."`
	waiverEnd
	Reason string `required:"" help:"Why; it is recorded with your name."`
}

type waiverEnd struct {
	Until string `help:"Until when: a date or a time with its zone, such as 2026-04-01 or 2026-04-01T08:00:00Z." xor:"end" required:""`
	For   string `help:"How long instead, such as 12h or 30d; at most 365d." xor:"end" required:""`
}

func (waiverSet) Help() string {
	return "Examples:\n  keyward waiver set i-1234567890abcdef0 --rule 'no plain web' --for 30d --reason 'the old shop moves in April'\n" +
		"  keyward waiver set policy:web-tier --rule 'no plain web' --value 'tcp/8080, /usr/sbin/nginx' --until 2026-04-01 --reason 'ticket 4711'"
}

// machineIDs are what a scope may be shortened to.
var machineIDs = regexp.MustCompile(`^m?i-[0-9a-f]{8,32}$`)

func (a waiverSet) Run(ctx context.Context, c *cli, p *show.Printer) error {
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	end, err := a.end(ctx, api)
	if err != nil {
		return err
	}
	if machineIDs.MatchString(a.Scope) {
		a.Scope = "machine:" + a.Scope
	}
	set, err := api.SetWaiver(ctx, record.WaiverWish{
		Scope: record.Scope(a.Scope), Tags: a.Tag, Policy: a.Policy, Rule: a.Rule, Values: a.Value, Reason: a.Reason, Expires: end,
	})
	if err != nil {
		return err
	}
	return p.Value(set, func() {
		printWaiver(p, set.Waiver)
		switch len(set.Machines) {
		case 0:
			p.Line("No machine fails by this now.")
		case 1:
			p.Line("%s fails by it and is looked at now.", set.Machines[0])
		default:
			p.Line("%d machines fail by it and are looked at now.", len(set.Machines))
		}
		if set.Note != "" {
			p.Line("Note: %s.", set.Note)
		}
	})
}

// end is when the waiver ends, by the stack's time, which in keyward local is not ours.
func (a waiverEnd) end(ctx context.Context, api *people.Client) (time.Time, error) {
	if a.For == "" {
		for _, layout := range []string{time.DateOnly, time.RFC3339} {
			if end, err := time.Parse(layout, a.Until); err == nil {
				return end.UTC(), nil
			}
		}
		return time.Time{}, &invalid{fmt.Errorf("--until %s: expected a date such as 2026-04-01, or a time such as 2026-04-01T08:00:00Z", a.Until)}
	}
	d, ok := policy.ParseDuration(a.For)
	if !ok || d <= 0 {
		return time.Time{}, &invalid{fmt.Errorf("--for %s: expected a duration such as 12h or 30d", a.For)}
	}
	status, err := api.Status(ctx)
	return status.Time.Add(d), err
}

func printWaiver(p *show.Printer, w record.Waiver) {
	rows := [][]string{
		{"waiver", w.ID}, {"for", selector(w)}, {"policy", show.Or(w.Policy, "any")}, {"rule", w.Rule},
	}
	for _, v := range w.Values {
		rows = append(rows, []string{"allows", v})
	}
	rows = append(rows, []string{"until", show.Time(w.Expires)}, []string{"reason", w.Reason}, []string{"set", show.Time(w.SetAt) + " by " + w.By})
	if w.Lifted != nil {
		rows = append(rows, []string{"lifted", show.Time(w.Lifted.At) + " by " + w.Lifted.By + ": " + w.Lifted.Reason})
	}
	p.Table(nil, rows, "")
}

// selector says which machines a waiver is for.
func selector(w record.Waiver) string {
	text := string(w.Scope)
	for _, k := range slices.Sorted(maps.Keys(w.Tags)) {
		text += " " + k + "=" + w.Tags[k]
	}
	return text
}

type waiverList struct {
	Machine string `help:"Only those that are for this machine."`
	All     bool   `help:"With those that have ended."`
}

func (waiverList) Help() string {
	return "Example:\n  keyward waiver list --machine i-1234567890abcdef0"
}

func (a waiverList) Run(ctx context.Context, c *cli, p *show.Printer) error {
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	list, err := api.Waivers(ctx, a.Machine, a.All)
	if err != nil {
		return err
	}
	err = p.Value(list, func() {
		var rows [][]string
		for _, w := range list.Waivers {
			end := show.Time(w.Expires)
			if w.Lifted != nil {
				end = "lifted " + show.Time(w.Lifted.At)
			}
			rows = append(rows, []string{w.ID, selector(w), w.Rule, strings.Join(w.Values, "; "), end, w.By, w.Reason})
		}
		p.Table([]string{"WAIVER", "FOR", "RULE", "ALLOWS", "UNTIL", "BY", "REASON"}, rows, "Nothing is waived.")
	})
	if err == nil && list.Unread > 0 {
		return errors.New(unreadable(list.Unread))
	}
	return err
}

func unreadable(n int) string {
	return fmt.Sprintf("%d waivers are there and cannot be read: nothing is revoked from the machines that they may be for", n)
}

type waiverShow struct {
	ID string `arg:"" help:"Id of the waiver, such as w-0123456789ab."`
}

func (waiverShow) Help() string { return "Example:\n  keyward waiver show w-0123456789ab" }

func (a waiverShow) Run(ctx context.Context, c *cli, p *show.Printer) error {
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	w, err := api.Waiver(ctx, a.ID)
	if err != nil {
		return err
	}
	return p.Value(w, func() { printWaiver(p, w) })
}

type waiverLift struct {
	ID     string `arg:"" help:"Id of the waiver."`
	Reason string `required:"" help:"Why; it is recorded with your name."`
}

func (waiverLift) Help() string {
	return "Example:\n  keyward waiver lift w-0123456789ab --reason 'the old shop is gone'"
}

func (a waiverLift) Run(ctx context.Context, c *cli, p *show.Printer) error {
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	w, err := api.LiftWaiver(ctx, a.ID, a.Reason)
	if err != nil {
		return err
	}
	return p.Value(w, func() { p.Line("Lifted: %s. What it allowed counts from the next look on.", w.ID) })
}
