package policy

import (
	"fmt"
	"strings"
	"time"
)

// Limits of notify.escalate.
const (
	MaxSteps = 5
	minAfter = 5 * time.Minute
	maxAfter = 30 * day
)

// Step is who hears of a violation that nobody corrects.
type Step struct {
	After time.Duration `json:"after"` // the warning, or where no key is taken the finding; whole minutes, 5 min to 30 days
	To    []string      `json:"to"`    // besides the machine's owner
}

// escalate reads steps of which each is later than the one before.
func (r *reader) escalate(n *node, path string) []Step {
	var steps []Step
	r.each(n, path, "steps", 1, MaxSteps, func(n *node, path string) {
		var s Step
		before := len(r.errs)
		seen := r.object(n, path, []key{
			{"after", func(n *node, path string) { s.After = r.after(n, path) }},
			{"to", func(n *node, path string) { s.To = r.addresses(n, path, 10) }},
		})
		if n.kind == mapping && seen["after"] == nil {
			r.fail(n, join(path, "after"), "is missing, expected a duration from %s to %s", formatDuration(minAfter), formatDuration(maxAfter))
		}
		if n.kind == mapping && seen["to"] == nil {
			r.fail(n, join(path, "to"), "is missing, expected a list of e-mail addresses")
		}
		if last := len(steps) - 1; last >= 0 && len(r.errs) == before && s.After <= steps[last].After {
			r.fail(seen["after"], join(path, "after"), "got %s, expected more than the %s of the step before", seen["after"], formatDuration(steps[last].After))
		}
		steps = append(steps, s)
	})
	return steps
}

// after reads when a step is due; the sweep that finds it counts in minutes.
func (r *reader) after(n *node, path string) time.Duration {
	d := r.duration(n, path, minAfter, maxAfter)
	if d%time.Minute != 0 {
		r.got(n, path, "whole minutes")
	}
	return d
}

// explainEscalation says who hears of a violation that lasts, and from when its time counts.
func (p *Policy) explainEscalation() []string {
	if len(p.Notify.Escalate) == 0 {
		return nil
	}
	from := "it was found"
	switch {
	case p.Integrity.OnFail == ActRevoke:
		from = "the warning was accepted"
	case p.TakesKeys():
		from += ", or where a key is taken the warning was accepted"
	}
	var steps []string
	for _, s := range p.Notify.Escalate {
		steps = append(steps, fmt.Sprintf("after %s %s", formatDuration(s.After), strings.Join(s.To, ", ")))
	}
	return []string{fmt.Sprintf("Others hear of a machine that stays Bad, counted from when %s: %s.", from, strings.Join(steps, "; "))}
}
