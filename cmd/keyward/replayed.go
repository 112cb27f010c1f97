package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/replay"
)

// replayed is the whole answer, for programs.
type replayed struct {
	Policy   string            `json:"policy"`
	Digest   string            `json:"digest"`
	Since    time.Time         `json:"since"`
	Until    time.Time         `json:"until"`
	Limit    int               `json:"breakerLimit"`  // machines that may lose their keys within the window
	Window   string            `json:"breakerWindow"` // such as 1h0m0s
	Trips    []record.Trip     `json:"trips"`         // rules that only notify from then on
	Totals   []total           `json:"totals"`
	Machines []replayedMachine `json:"machines"`
}

// total counts the events of one kind.
type total struct {
	Kind   replay.Kind `json:"kind"`
	Would  int         `json:"would"`
	Really int         `json:"really"`
}

type replayedMachine struct {
	replay.Outcome
	Really []replay.Event `json:"really"`
}

func totals(machines []replayedMachine) []total {
	all := make([]total, 0, len(replay.Kinds()))
	for _, kind := range replay.Kinds() {
		t := total{Kind: kind}
		for _, m := range machines {
			t.Would += times(m.Events, kind)
			t.Really += times(m.Really, kind)
		}
		all = append(all, t)
	}
	return all
}

func times(events []replay.Event, kind replay.Kind) (n int) {
	for _, e := range events {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

func printReplay(p *show.Printer, r replayed) {
	var looks, unknown int
	var without, ends []string
	var rows [][]string
	for _, m := range r.Machines {
		looks, unknown = looks+m.Looks, unknown+m.Verdicts[policy.Unknown.String()]
		if m.Looks == 0 {
			without = append(without, m.Machine)
		}
		for _, row := range replay.Compare(m.Machine, m.Events, m.Really) {
			rows = append(rows, []string{m.Machine, string(row.Event().Kind), moment(row.Would), moment(row.Really), remark(row.Would), show.Or(row.Event().Why, "-")})
		}
		if !m.Due.IsZero() {
			ends = append(ends, fmt.Sprintf("%s ends %s, and its key is due at %s", m.Machine, m.Standing, show.Time(m.Due)))
		}
	}
	p.Line("Policy %s on %s, %s from %s to %s, %d of them Unknown.", r.Policy, count(len(r.Machines), "machine"), count(looks, "inspection"), show.Time(r.Since), show.Time(r.Until), unknown)
	p.Line("At most %s within %s, as the breaker allows now.", count(r.Limit, "revocation"), r.Window)
	for _, t := range r.Trips {
		p.Line("From %s on %s only notifies: %d of %s that complied fail it.", show.Time(t.At), ruleNamed(t.Rule), t.Failed, count(t.Passed, "machine"))
	}
	if len(without) > 0 {
		p.Line("No evidence is kept of %s.", strings.Join(without, ", "))
	}
	p.Line("")
	var sums [][]string
	for _, t := range r.Totals {
		sums = append(sums, []string{string(t.Kind), fmt.Sprint(t.Would), fmt.Sprint(t.Really)})
	}
	p.Table([]string{"WHAT", "WOULD HAVE BEEN", "REALLY"}, sums, "")
	p.Line("")
	p.Table([]string{"MACHINE", "WHAT", "WOULD HAVE BEEN", "REALLY", "REMARK", "WHY"}, rows, "Nothing would have happened, and nothing did.")
	for _, line := range ends {
		p.Line("%s.", line)
	}
}

func ruleNamed(rule string) string {
	if rule == "" {
		return "the whole policy"
	}
	return "rule " + strconv.Quote(rule)
}

func moment(e *replay.Event) string {
	if e == nil {
		return "-"
	}
	return show.Time(e.At)
}

// remark says how sure it is, and what was promised.
func remark(e *replay.Event) string {
	switch {
	case e == nil:
		return "-"
	case e.Doubt != "":
		return "in doubt: " + e.Doubt
	case e.Supposed:
		return "supposed: the inspections around it say so"
	case !e.Due.IsZero():
		return "due " + show.Time(e.Due)
	default:
		return "-"
	}
}
