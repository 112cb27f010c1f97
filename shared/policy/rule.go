package policy

import (
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/evidence"
)

// Missing is what a rule says when the facts it needs are not there. The zero value is Unknown.
type Missing Verdict

// Rule is one requirement on a machine: a name, and one condition or several that are joined.
type Rule struct {
	Name       string
	Fix        string // how to put it right, for the mails
	Missing    Missing
	Info       bool   // shown, never judged
	Expected   string // in words
	any        bool   // one of the conditions is enough
	conditions []condition
}

// condition is one check on the evidence. It sees nothing else but the time of the judgement.
type condition interface {
	expected() string
	needs() Needs
	judge(ev *evidence.Evidence, now time.Time) outcome
}

// outcome is what one condition found. The zero value is Unknown.
type outcome struct {
	verdict  Verdict
	actual   string
	offender string
	why      string
	values   []string // what failed, as in Finding.Values
	unsure   []string // what could not be known, in the same form
	firm     bool     // an Unknown that missing does not change: it is not for want of a fact
}

func passed(actual string) outcome { return outcome{verdict: Pass, actual: actual} }

// failed is the outcome that found something wrong; values are as in Finding.Values.
func failed(actual, offender string, values ...string) outcome {
	return outcome{verdict: Fail, actual: actual, offender: offender, values: values}
}

// missing is the outcome for want of a fact.
func missing(what, why string) outcome {
	if why == "" {
		why = "no_reason"
	}
	actual := what + " unknown (" + why + ")"
	return outcome{actual: actual, why: why, unsure: []string{actual}}
}

// check turns a fact and whether it satisfies into an outcome, so that a fact that is not known can
// never be taken for its zero value.
func check[T any](what string, f evidence.Fact[T], judge func(T) outcome) outcome {
	if !f.Known {
		return missing(what, f.Why)
	}
	return judge(f.Value)
}

// finding is the rule's finding on one machine.
func (r *Rule) finding(ev *evidence.Evidence, now time.Time) Finding {
	f := Finding{Rule: r.Name, Info: r.Info, Expected: r.Expected, Fix: r.Fix}
	if ev == nil {
		f.Actual, f.Why = "no evidence", "no_evidence"
		return f
	}
	outcomes := make([]outcome, 0, 4)
	for _, c := range r.conditions {
		outcomes = append(outcomes, c.judge(ev, now))
	}
	o := joinAll(outcomes)
	if r.any {
		o = joinAny(outcomes)
	}
	if o.verdict == Unknown && !o.firm {
		o.verdict = Verdict(r.Missing)
	}
	f.Verdict, f.Actual, f.Offender, f.Why = o.verdict, o.actual, o.offender, o.why
	if f.Verdict == Fail {
		f.Values, f.Unsure = r.pinned(o)
	}
	return f
}

// pinned is what a failed rule found, one by one, and what beside it could not be known. What is missing
// is a failure of its own where the rule says so, and nothing where it says that it passes.
func (r *Rule) pinned(o outcome) (values []string, unsure string) {
	values = o.values
	switch {
	case len(o.unsure) == 0:
	case o.firm || Verdict(r.Missing) == Unknown:
		unsure = o.unsure[0]
	case Verdict(r.Missing) == Fail:
		values = slices.Concat(values, o.unsure)
	}
	return pins(values), unsure
}

// joinAll: any Fail makes Fail, else any Unknown makes Unknown. None at all is Unknown.
func joinAll(outcomes []outcome) outcome {
	switch {
	case has(outcomes, Fail):
		return merge(outcomes, Fail)
	case has(outcomes, Unknown) || len(outcomes) == 0:
		return merge(outcomes, Unknown)
	default:
		return merge(outcomes, Pass)
	}
}

// joinAny: any Pass makes Pass, else any Unknown makes Unknown. None at all is Unknown.
func joinAny(outcomes []outcome) outcome {
	switch {
	case has(outcomes, Pass):
		return merge(outcomes, Pass)
	case has(outcomes, Unknown) || len(outcomes) == 0:
		return merge(outcomes, Unknown)
	default:
		return merge(outcomes, Fail)
	}
}

func has(outcomes []outcome, v Verdict) bool {
	for _, o := range outcomes {
		if o.verdict == v {
			return true
		}
	}
	return false
}

// merge tells what those outcomes found that decided.
func merge(outcomes []outcome, v Verdict) outcome {
	sum := outcome{verdict: v}
	for _, o := range outcomes {
		sum.firm = sum.firm || o.firm
		sum.values, sum.unsure = append(sum.values, o.values...), append(sum.unsure, o.unsure...)
		if o.verdict != v {
			continue
		}
		if sum.actual != "" && o.actual != "" {
			sum.actual += "; "
		}
		sum.actual += o.actual
		if sum.offender == "" {
			sum.offender = o.offender
		}
		if sum.why == "" {
			sum.why = o.why
		}
	}
	return sum
}

// expected puts the conditions of a rule in words.
func (r *Rule) expected() string {
	words := make([]string, len(r.conditions))
	for i, c := range r.conditions {
		words[i] = c.expected()
	}
	if r.any {
		return strings.Join(words, ", or ")
	}
	return strings.Join(words, ", and ")
}
