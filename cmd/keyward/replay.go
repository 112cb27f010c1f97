package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keyward/keyward/cmd/keyward/internal/people"
	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/replay"
)

type policyReplay struct {
	File    string   `arg:"" help:"Policy file."`
	Since   string   `help:"How far back: a duration such as 30d or 12h, or a time such as 2026-03-01T00:00:00Z. Evidence is kept for 400 days." default:"30d"`
	Of      string   `help:"Replay on the machines of this policy; without it, on those of the policy that the file names." placeholder:"POLICY"`
	Machine []string `help:"Replay on these machines, whatever their policy." placeholder:"ID"`
}

func (policyReplay) Help() string {
	return "Examples:\n  keyward policy replay policies/web-tier.yaml --since 30d\n  keyward policy replay strict.yaml --of web-tier --since 7d --output json"
}

func (a policyReplay) Run(ctx context.Context, c *cli, p *show.Printer) error {
	candidate, err := readPolicy(a.File)
	if err != nil {
		return named(a.File, err)
	}
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	status, err := api.Status(ctx)
	if err != nil {
		return err
	}
	since, err := sinceWhen(a.Since, status.Time)
	if err != nil {
		return err
	}
	machines, err := a.machines(ctx, api, candidate.Name)
	if err != nil {
		return err
	}
	limit, err := breakerNow(ctx, api)
	if err != nil {
		return err
	}
	waivers, err := api.Waivers(ctx, "", true)
	if err != nil {
		return err
	}
	if waivers.Unread > 0 {
		return fmt.Errorf("reading the waivers: %s cannot be read, and what they allow is not known", count(waivers.Unread, "waiver"))
	}
	progress := p.Progress("reading what is kept of " + count(len(machines), "machine"))
	histories, really, err := kept(ctx, api, machines, reading{candidate, waivers.Waivers, since, status.Time}, progress.Done)
	progress.End()
	if err != nil {
		return err
	}
	result := replayed{Policy: candidate.Name, Digest: candidate.Digest, Since: since, Until: status.Time, Limit: limit.Limit, Window: limit.Window.String()}
	looks := 0
	would := replay.Run(histories, candidate.Integrity, limit)
	result.Trips = append([]record.Trip{}, would.Trips...)
	for i, o := range would.Machines {
		result.Machines = append(result.Machines, replayedMachine{Outcome: o, Really: really[i]})
		looks += o.Looks
	}
	if looks == 0 {
		return fmt.Errorf("no evidence is kept of %s since %s", count(len(machines), "machine"), show.Time(since))
	}
	result.Totals = totals(result.Machines)
	return p.Value(result, func() { printReplay(p, result) })
}

// breakerNow are the limits on revocations as they are now.
func breakerNow(ctx context.Context, api *people.Client) (replay.Breaker, error) {
	v, err := api.Breaker(ctx)
	if err != nil {
		return replay.Breaker{}, err
	}
	window, err := time.ParseDuration(v.Window)
	if err != nil {
		return replay.Breaker{}, fmt.Errorf("reading the breaker: %w", err)
	}
	return replay.Breaker{Limit: v.Limit, Window: window, Rules: guard.RuleLimits(v.Newly)}, nil
}

const keptFor = 400 * 24 * time.Hour

// sinceWhen reads --since: how long before now, or a time.
func sinceWhen(text string, now time.Time) (time.Time, error) {
	const expected = "expected a duration such as 30d or 12h, or a time such as 2026-03-01T00:00:00Z"
	since, err := time.Parse(time.RFC3339, text)
	if d, ok := policy.ParseDuration(text); ok {
		since, err = now.Add(-min(d, 2*keptFor)), nil
	}
	switch {
	case err != nil:
		return since, &invalid{fmt.Errorf("--since is %q, %s", text, expected)}
	case !since.Before(now):
		return since, &invalid{fmt.Errorf("--since is %q, which is not before now, %s; %s", text, show.Time(now), expected)}
	case since.Before(now.Add(-keptFor)):
		return since, &invalid{fmt.Errorf("--since is %q, and evidence is kept for 400 days; %s", text, expected)}
	}
	return since.UTC(), nil
}

// machines are those to replay on, by id.
func (a policyReplay) machines(ctx context.Context, api *people.Client, name string) ([]record.Machine, error) {
	if len(a.Machine) > 0 && a.Of != "" {
		return nil, &invalid{errors.New("--of and --machine both say which machines; expected one of them")}
	}
	all, err := api.Machines(ctx, people.Asked{})
	if err != nil {
		return nil, err
	}
	if a.Of != "" {
		name = a.Of
	}
	machines := slices.DeleteFunc(all, func(m record.Machine) bool {
		if len(a.Machine) > 0 {
			return !slices.Contains(a.Machine, m.ID)
		}
		return m.Policy != name
	})
	for _, id := range a.Machine {
		if !slices.ContainsFunc(machines, func(m record.Machine) bool { return m.ID == id }) {
			return nil, &invalid{fmt.Errorf("--machine is %q, expected the id of an enrolled machine", id)}
		}
	}
	if len(machines) == 0 {
		return nil, &invalid{fmt.Errorf("no machine is enrolled under policy %q; name another with --of, or machines with --machine", name)}
	}
	return machines, nil
}

// reading is what kept evidence is judged by, and of which time it is.
type reading struct {
	candidate    *policy.Policy
	waivers      []record.Waiver
	since, until time.Time
}

// kept reads what is kept of the machines, a few at a time, and judges it by the candidate on the way: a fleet's
// evidence would not fit into memory, its verdicts do.
func kept(ctx context.Context, api *people.Client, machines []record.Machine, r reading, told func(done, all int64)) ([]replay.History, [][]replay.Event, error) {
	const atOnce = 8
	histories, really, problems := make([]replay.History, len(machines)), make([][]replay.Event, len(machines)), make([]error, len(machines))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wait sync.WaitGroup
	var done atomic.Int64
	turns := make(chan struct{}, atOnce)
	for i, m := range machines {
		turns <- struct{}{}
		wait.Go(func() {
			defer func() { <-turns }()
			histories[i], really[i], problems[i] = keptOf(ctx, api, m, r)
			told(done.Add(1), int64(len(machines)))
			if problems[i] != nil {
				cancel() // one machine left out would make the totals wrong
			}
		})
	}
	wait.Wait()
	for _, err := range problems {
		if err != nil && !errors.Is(err, context.Canceled) {
			return nil, nil, err
		}
	}
	return histories, really, ctx.Err()
}

func keptOf(ctx context.Context, api *people.Client, m record.Machine, r reading) (replay.History, []replay.Event, error) {
	h := replay.History{Machine: m.ID}
	var really []replay.Event
	for after := ""; ; {
		page, err := api.History(ctx, m.ID, r.since, r.until, after)
		if err != nil {
			return h, nil, err
		}
		if after == "" {
			really = replay.Really(page.Ledger, page.Notices, r.since, r.until)
		}
		for _, e := range page.Evidence {
			h.Looks = append(h.Looks, replay.Judge(r.candidate, e, m, r.waivers))
		}
		if page.Next == "" {
			return h, really, nil
		}
		if page.Next <= after {
			return h, nil, fmt.Errorf("reading the history of %s: its pages do not go on after %s", m.ID, after)
		}
		after = page.Next
	}
}
