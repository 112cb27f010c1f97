package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/keyward/keyward/cmd/keyward/internal/people"
	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/shared/record"
)

// requestsOf name requests by their machines: the newest of each, or one boot of a single one.
type requestsOf struct {
	Machines []string `arg:"" help:"ID of the machine; more for the same with several."`
	Boot     string   `help:"Boot id of the request of a single machine; without it the newest." placeholder:"ID"`
	Reason   string   `required:"" help:"Why; it is recorded with your name."`
}

// find is each machine's request. Nothing is done about any when one has none.
func (a requestsOf) find(ctx context.Context, api *people.Client) ([]record.Chosen, error) {
	if a.Boot != "" && len(a.Machines) > 1 {
		return nil, &invalid{fmt.Errorf("--boot %s: expected with a single machine, and there are %d", a.Boot, len(a.Machines))}
	}
	var chosen []record.Chosen
	for _, id := range a.Machines {
		r, err := requestOf{Machine: id, Boot: a.Boot}.find(ctx, api)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, record.Chosen{Machine: r.Machine, ID: r.ID})
	}
	return chosen, nil
}

// act does the same with each: with a single one as one says, with several by a selection.
func (a requestsOf) act(ctx context.Context, c *cli, p *show.Printer, word, done string) error {
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	chosen, err := a.find(ctx, api)
	if err != nil {
		return err
	}
	if len(chosen) > 1 {
		results, err := api.Act(ctx, word, record.Selection{Requests: chosen, Reason: a.Reason})
		return printActed(p, results, err)
	}
	r, err := api.Rule(ctx, chosen[0].Machine, chosen[0].ID, word, a.Reason)
	if err != nil {
		return err
	}
	return p.Value(r, func() {
		showRequest(p, r)
		p.Line("%s", done)
	})
}

// printActed shows what became of each; one that was refused makes the command fail.
func printActed(p *show.Printer, results []record.Acted, err error) error {
	if err != nil {
		return err
	}
	var rows [][]string
	refused := 0
	for _, r := range results {
		state, why := "", r.Detail
		if r.Request != nil {
			state, why = r.Request.State, r.Request.Reason
		}
		if r.Status >= 400 {
			refused++
		}
		rows = append(rows, []string{r.Machine, strconv.Itoa(r.Status), state, why})
	}
	if err := p.Value(results, func() { p.Table([]string{"MACHINE", "STATUS", "STATE", "WHY"}, rows, "") }); err != nil {
		return err
	}
	if refused > 0 {
		return fmt.Errorf("%d of %d were refused", refused, len(results))
	}
	return nil
}

type requestApprove struct{ requestsOf }

func (requestApprove) Help() string {
	return "A machine that fails its policy is warned and loses the key again after the grace, unless what it fails by is waived.\n\n" +
		"Examples:\n  keyward request approve i-1234567890abcdef0 --reason 'checked by hand, ticket 4711'\n" +
		"  keyward request approve i-1234567890abcdef0 i-0598c7d356eba48d7 --reason 'ticket 4711'"
}

func (a requestApprove) Run(ctx context.Context, c *cli, p *show.Printer) error {
	return a.act(ctx, c, p, "approve", "It gets its key when it asks again.")
}

type requestDeny struct{ requestsOf }

func (requestDeny) Help() string {
	return "A machine that starts anew asks anew, and is answered by its policy.\n\n" +
		"Example:\n  keyward request deny i-1234567890abcdef0 --reason 'it is not ours'"
}

func (a requestDeny) Run(ctx context.Context, c *cli, p *show.Printer) error {
	return a.act(ctx, c, p, "deny", "It gets no key before it starts anew.")
}

type requestCheck struct{ requestsOf }

func (requestCheck) Help() string {
	return "Example:\n  keyward request check i-1234567890abcdef0 --reason 'it was put right'"
}

func (a requestCheck) Run(ctx context.Context, c *cli, p *show.Printer) error {
	return a.act(ctx, c, p, "check", "It is looked at now.")
}

type requestRevoke struct{ requestsOf }

func (requestRevoke) Help() string {
	return "It is ordered in your name, and carried out within a minute: a machine that complies loses its key too, and no warning comes before. Holds, closed change calendars, " +
		"the breaker and other users of the key stop it. Only 'keyward machine restore' gives the key back.\n\n" +
		"Example:\n  keyward request revoke i-1234567890abcdef0 --reason 'the server was stolen, ticket 4713'"
}

func (a requestRevoke) Run(ctx context.Context, c *cli, p *show.Printer) error {
	return a.act(ctx, c, p, "revoke", "Its key is taken now; keyward machine show says when that is done.")
}

type requestIgnore struct {
	requestsOf
	waiverEnd
}

func (requestIgnore) Help() string {
	return "A waiver for each rule that the machine fails, pinned to it and to what was seen: what it fails by beside counts as before.\n\n" +
		"Example:\n  keyward request ignore i-1234567890abcdef0 --for 7d --reason 'the shop has to run, ticket 4711'"
}

func (a requestIgnore) Run(ctx context.Context, c *cli, p *show.Printer) error {
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	end, err := a.end(ctx, api)
	if err != nil {
		return err
	}
	chosen, err := a.find(ctx, api)
	if err != nil {
		return err
	}
	if len(chosen) > 1 {
		results, err := api.Act(ctx, "ignore", record.IgnoreSelection{Requests: chosen, Reason: a.Reason, Expires: end})
		return printActed(p, results, err)
	}
	set, err := api.Ignore(ctx, chosen[0].Machine, chosen[0].ID, record.IgnoreWish{Reason: a.Reason, Expires: end})
	if err != nil {
		return err
	}
	return p.Value(set, func() {
		for _, w := range set.Waivers {
			printWaiver(p, w)
		}
		p.Line("%s is looked at now.", set.Request.Machine)
	})
}
