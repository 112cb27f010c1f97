package policy

import (
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
	var count [len(verdictNames)]int
	for i := range p.Rules {
		f := p.Rules[i].finding(ev, now)
		r.Findings = append(r.Findings, f)
		if !f.Info {
			count[f.Verdict]++
		}
	}
	switch {
	case count[Fail] > 0:
		r.Verdict = Fail
	case count[Unknown] > 0 || count[Pass] == 0:
		r.Verdict = Unknown
	default:
		r.Verdict = Pass
	}
	return r
}
