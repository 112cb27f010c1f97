package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/keyward/keyward/cmd/keyward/internal/people"
	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/shared/keyrequest"
	"github.com/keyward/keyward/shared/record"
)

type requestCommands struct {
	List    requestList    `cmd:"" help:"List the key requests, oldest first."`
	Show    requestShow    `cmd:"" help:"Show a key request with everything that became of it."`
	Approve requestApprove `cmd:"" help:"Give a machine its key: it gets it when it asks again."`
	Deny    requestDeny    `cmd:"" help:"Refuse a machine its key for as long as it does not start anew."`
	Ignore  requestIgnore  `cmd:"" help:"Let stand for a time what a machine fails by now."`
	Revoke  requestRevoke  `cmd:"" help:"Have a machine's key taken now, whatever its verdict."`
	Check   requestCheck   `cmd:"" help:"Have the machine of a key request looked at now."`
}

type requestList struct {
	State   string `help:"Only those in this state, such as Pending." placeholder:"STATE"`
	Machine string `help:"Only those of this machine." placeholder:"ID"`
	watchFlags
}

func (requestList) Help() string {
	return "Examples:\n  keyward request list --state Pending\n  keyward request list --state Pending --watch"
}

func (a requestList) Run(ctx context.Context, c *cli, p *show.Printer) error {
	state, err := stateWord(a.State)
	if err != nil {
		return err
	}
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	header, empty := []string{"ASKED", "MACHINE", "STATE", "UNTIL", "WHY"}, "No machine asked for its key."
	if a.Machine != "" || a.State != "" {
		empty = "There is no such key request."
	}
	look := func(ctx context.Context) ([]watched, error) {
		requests, err := api.Requests(ctx, a.Machine, state)
		rows := []watched{}
		for _, r := range requests {
			ends := ""
			if r.State == string(keyrequest.Pending) || r.State == string(keyrequest.Approved) && r.Ruling != nil {
				ends = until(r.ExpiresAt)
			}
			rows = append(rows, watched{
				ID: r.Machine + " " + r.ID, State: r.State + " " + r.Reason, Value: r,
				Cells: []string{show.Time(r.AskedAt), r.Machine, r.State, ends, r.Reason},
			})
		}
		return rows, err
	}
	if a.Watch {
		return a.watch(ctx, p, header, empty, look)
	}
	rows, err := look(ctx)
	if err != nil {
		return err
	}
	return printNew(p, rows, map[string]string{}, true, header, empty)
}

// stateWord takes a state in any case, as people write it.
func stateWord(word string) (string, error) {
	if word == "" {
		return "", nil
	}
	var known []string
	for _, s := range keyrequest.States() {
		if strings.EqualFold(word, string(s)) {
			return string(s), nil
		}
		known = append(known, string(s))
	}
	return "", &invalid{fmt.Errorf("--state %s: expected one of %s", word, strings.Join(known, ", "))}
}

// requestOf names a request by its machine: the newest one, or one of its boots.
type requestOf struct {
	Machine string `arg:"" help:"ID of the machine."`
	Boot    string `help:"Boot id of the request; without it the newest." placeholder:"ID"`
}

func (a requestOf) find(ctx context.Context, api *people.Client) (record.Request, error) {
	if a.Boot != "" {
		return api.Request(ctx, a.Machine, a.Boot)
	}
	all, err := api.Requests(ctx, a.Machine, "")
	if err != nil {
		return record.Request{}, err
	}
	if len(all) == 0 {
		return record.Request{}, fmt.Errorf("%s never asked for its key", a.Machine)
	}
	return slices.MaxFunc(all, func(a, b record.Request) int { return a.AskedAt.Compare(b.AskedAt) }), nil
}

type requestShow struct{ requestOf }

func (a requestShow) Run(ctx context.Context, c *cli, p *show.Printer) error {
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	r, err := a.find(ctx, api)
	if err != nil {
		return err
	}
	return p.Value(r, func() { showRequest(p, r) })
}

func showRequest(p *show.Printer, r record.Request) {
	rows := [][]string{{"machine", r.Machine}, {"boot", r.ID}, {"state", r.State}, {"because", r.Reason}}
	if r.Document {
		rows = append(rows, []string{"identity", "AWS signed the document that the machine sent"})
	}
	if !r.ExpiresAt.IsZero() {
		rows = append(rows, []string{"until", show.Time(r.ExpiresAt)})
	}
	rows = append(rows, []string{"policy", fmt.Sprintf("%s, version %d", r.Policy, r.Version)})
	if v := r.Ruling; v != nil {
		word := "denied"
		if v.Approved {
			word = "approved"
		}
		seen := "it was never inspected"
		if !v.Seen.IsZero() {
			seen = fmt.Sprintf("its inspection of %s says %s", show.Time(v.Seen), v.Verdict)
		}
		rows = append(rows, []string{word, fmt.Sprintf("%s by %s; %s", show.Time(v.At), v.By, seen)})
	}
	rows = append(rows, []string{"asked", show.Time(r.AskedAt)})
	for _, m := range r.Moves {
		rows = append(rows, []string{"", fmt.Sprintf("%s %s by %s: %s", show.Time(m.At), m.To, m.By, m.Why)})
	}
	p.Table(nil, rows, "")
}
