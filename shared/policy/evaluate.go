package policy

import (
	"slices"
	"time"

	"github.com/keyward/keyward/shared/evidence"
)

// Evaluate judges one machine's evidence by the policy. All rules run, so that the findings are
// complete; they stand in the policy's order. Any failed rule makes Fail, else any unknown one makes
// Unknown. No evidence, or no rule that judges, is Unknown: nothing was shown to be in order.
//
// now is the time of the judgement; ages are counted up to it. The rules of p are only read, so one
// policy may judge on many goroutines at once.
func Evaluate(p *Policy, ev *evidence.Evidence, now time.Time) Result {
	r := Result{Policy: p.Name, Version: p.Version, Digest: p.Digest, Findings: make([]Finding, 0, len(p.Rules))}
	for i := range p.Rules {
		r.Findings = append(r.Findings, p.Rules[i].finding(ev, now))
	}
	r.Verdict = Sum(r.Findings)
	return r
}

// Sum is the verdict of all findings together, without the informational ones.
func Sum(findings []Finding) Verdict {
	var count [len(verdictNames)]int
	for _, f := range findings {
		if !f.Info {
			count[f.Counts()]++
		}
	}
	return joined(count)
}

func joined(count [len(verdictNames)]int) Verdict {
	switch {
	case count[Fail] > 0:
		return Fail
	case count[Unknown] > 0 || count[Pass] == 0:
		return Unknown
	default:
		return Pass
	}
}

// WhyLocked is why a rule is unknown that passed and whose pass shows nothing.
const WhyLocked = "locked"

// Withhold makes the passes of these rules Unknown: what they look at was stopped when the key was
// revoked, and a revocation never cures its own finding.
func (r Result) Withhold(rules []string) Result {
	if len(rules) == 0 {
		return r
	}
	r.Findings = slices.Clone(r.Findings)
	var count [len(verdictNames)]int
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Verdict == Pass && slices.Contains(rules, f.Rule) {
			f.Verdict, f.Why = Unknown, WhyLocked
			f.Actual += "; it was stopped for the revocation, so this shows nothing"
		}
		if !f.Info {
			count[f.Counts()]++
		}
	}
	r.Verdict = joined(count)
	return r
}

// Stoppable are the rules whose failure can end by stopping a service or unmounting a file system: those
// about ports that have to be closed, products that have to be stopped, mounts, modules, files that have to be
// absent and signs of tampering, and those in CEL that look at any of these.
func (p *Policy) Stoppable() []string {
	var names []string
	for i := range p.Rules {
		if slices.ContainsFunc(p.Rules[i].conditions, stoppable) {
			names = append(names, p.Rules[i].Name)
		}
	}
	return names
}

func stoppable(c condition) bool {
	switch c := c.(type) {
	case *portsCondition:
		return len(c.closed)+len(c.only) > 0
	case *facts:
		return c.stops
	case *productCondition:
		return c.state == stateStopped
	case *customCondition:
		return c.text.Mentions("listeners", "products", "mounts", "modules", "files", "suid", "tamper")
	default:
		return false
	}
}
