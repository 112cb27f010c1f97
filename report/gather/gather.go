// Package gather reads what a report is made of, from whatever keeps it: the people's API or the store. What cannot be
// read is named in the report's gaps, and left out of what needs it; only the list of machines has to be there.
package gather

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/keyward/keyward/report"
	"github.com/keyward/keyward/shared/record"
)

// Source is what a report is read from.
type Source interface {
	Machines(ctx context.Context) ([]record.Machine, error)
	// Ledger is a machine's whole ledger, with the heads of its chains as they were before any entry was read.
	Ledger(ctx context.Context, machine string) ([]record.Entry, map[string]record.Head, error)
	// Looks calls back with each inspection that was sent within a time, oldest first.
	Looks(ctx context.Context, machine string, since, until time.Time, each func(record.Evidence)) error
	Requests(ctx context.Context) ([]record.Request, error)
	PolicyNames(ctx context.Context) ([]string, error)
	PolicyVersions(ctx context.Context, name string) ([]record.Policy, error) // none of a name that never was one
	Holds(ctx context.Context) ([]record.Hold, error)
	Waivers(ctx context.Context) (record.WaiverList, error)
	BreakerEvents(ctx context.Context) ([]record.BreakerEvent, error)
}

// Place is what is reported on, and when it was read.
type Place struct {
	Account, Region, Version string
	ReadAt                   time.Time
}

// AtOnce is how many machines are read at a time.
const AtOnce = 8

// after is how long after a period inspections are still read: they show how long the last start lasted.
const after = 48 * time.Hour

// gatherer is a reading under way.
type gatherer struct {
	source Source
	period report.Period
	needs  report.Needs

	mu   sync.Mutex
	data report.Data
	lost map[string][]string // machines by what of them could not be read, and why
}

// Gather reads what these sections need. Progress is called, by one at a time, with how many machines were read.
func Gather(ctx context.Context, source Source, place Place, period report.Period, sections []report.ID, progress func(done, all int)) (report.Data, error) {
	g := &gatherer{source: source, period: period, needs: report.NeedsOf(sections), lost: map[string][]string{}, data: report.Data{
		Account: place.Account, Region: place.Region, Version: place.Version, ReadAt: place.ReadAt,
		Ledger: map[string][]record.Entry{}, Looks: map[string][]report.Look{}, Policies: map[string][]record.Policy{},
		NoLedger: map[string]bool{}, NoLooks: map[string]bool{},
	}}
	machines, err := source.Machines(ctx)
	if err != nil {
		return report.Data{}, err
	}
	g.data.Machines = machines
	g.machines(ctx, progress)
	g.others(ctx)
	if err := ctx.Err(); err != nil {
		return report.Data{}, fmt.Errorf("reading for the report: %w", err)
	}
	g.named()
	return g.data, nil
}

func (g *gatherer) gap(what string, err error) {
	g.data.Gaps = append(g.data.Gaps, what+": "+said(err))
}

// said is why something could not be read. Whoever is the source says what of an error may be shown.
func said(err error) string { return report.Clean(err.Error()) }

// machines reads ledgers and inspections, some machines at once.
func (g *gatherer) machines(ctx context.Context, progress func(done, all int)) {
	if !g.needs.Ledger && !g.needs.Looks {
		return
	}
	var wait sync.WaitGroup
	done, turns := 0, make(chan struct{}, AtOnce)
	for _, m := range g.data.Machines {
		turns <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		wait.Go(func() {
			defer func() { <-turns }()
			g.machine(ctx, m.ID)
			g.mu.Lock()
			defer g.mu.Unlock()
			done++
			progress(done, len(g.data.Machines))
		})
	}
	wait.Wait()
}

func (g *gatherer) machine(ctx context.Context, id string) {
	if g.needs.Ledger {
		entries, heads, err := g.source.Ledger(ctx, id)
		g.mu.Lock()
		if err != nil {
			g.data.NoLedger[id] = true
			g.lose("the ledger of", err, id)
		} else {
			g.data.Ledger[id] = entries
			for _, wrong := range report.Broken(entries, heads) {
				g.data.Gaps = append(g.data.Gaps, "the ledger of "+id+" is not whole: "+wrong)
			}
		}
		g.mu.Unlock()
	}
	if !g.needs.Looks {
		return
	}
	var looks []report.Look
	err := g.source.Looks(ctx, id, g.period.From, g.period.To.Add(after), func(e record.Evidence) {
		l := report.LookOf(e)
		if n := len(looks); n > 0 && l.Sent.Before(g.period.To) { // what the newest showed counts, and a month's lists would not fit
			looks[n-1] = looks[n-1].Spare(l)
		}
		looks = append(looks, l)
	})
	g.mu.Lock()
	defer g.mu.Unlock()
	if err != nil {
		g.data.NoLooks[id] = true
		g.lose("the inspections of", err, id)
		return
	}
	g.data.Looks[id] = looks
}

func (g *gatherer) lose(what string, err error, id string) {
	key := what + "\x00" + said(err)
	g.lost[key] = append(g.lost[key], id)
}

// named makes gaps of the machines that were lost, each named, some on a line.
func (g *gatherer) named() {
	const perLine = 50
	for _, key := range slices.Sorted(maps.Keys(g.lost)) {
		what, why, _ := strings.Cut(key, "\x00")
		ids := g.lost[key]
		slices.Sort(ids)
		for some := range slices.Chunk(ids, perLine) {
			g.data.Gaps = append(g.data.Gaps, what+" "+strings.Join(some, ", ")+": "+why)
		}
	}
	slices.Sort(g.data.Gaps)
}

// others reads what is not of one machine.
func (g *gatherer) others(ctx context.Context) {
	var err error
	d := &g.data
	if g.needs.Requests {
		if d.Requests, err = g.source.Requests(ctx); err != nil {
			g.gap("the key requests", err)
		}
	}
	if g.needs.Holds {
		if d.Holds, err = g.source.Holds(ctx); err != nil {
			g.gap("people's holds", err)
		}
	}
	if g.needs.Waivers {
		list, err := g.source.Waivers(ctx)
		if d.Waivers = list.Waivers; err != nil {
			g.gap("the waivers", err)
		}
		if list.Unread > 0 {
			d.Gaps = append(d.Gaps, fmt.Sprintf("%d of the waivers: their rows cannot be read", list.Unread))
		}
	}
	if g.needs.Breaker {
		if d.Events, err = g.source.BreakerEvents(ctx); err != nil {
			g.gap("what was done about the breakers", err)
		}
	}
	if g.needs.Policies {
		g.policies(ctx)
	}
}

// policies reads the versions of every policy that is there or that something names.
func (g *gatherer) policies(ctx context.Context) {
	names, err := g.source.PolicyNames(ctx)
	if err != nil {
		g.gap("the list of policies", err)
	}
	for _, m := range g.data.Machines {
		names = append(names, m.Policy)
		for _, e := range g.data.Ledger[m.ID] {
			names = append(names, e.Policy)
		}
	}
	for _, r := range g.data.Requests {
		names = append(names, r.Policy)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if name == "" {
			continue
		}
		versions, err := g.source.PolicyVersions(ctx, name)
		if err != nil {
			g.gap("the versions of policy "+name, err)
		}
		if len(versions) > 0 {
			g.data.Policies[name] = versions
		}
	}
}
