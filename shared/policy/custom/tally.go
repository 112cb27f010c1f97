package custom

import (
	"fmt"
	"strings"

	"github.com/keyward/keyward/shared/policy"
)

// tally counts what the elements of a list gave.
type tally struct {
	*program
	passed, failed, doubted int
	said                    []string // of the first that failed
	values                  []string
	unsure                  []string
	why                     string
	firm                    bool
}

const few = 3

// add judges one element.
func (t *tally) add(v *vars) {
	if t.where != nil {
		switch counts := run(t.where, v); counts.verdict {
		case policy.Fail:
			return
		case policy.Unknown:
			t.doubt(v, counts)
			return
		}
	}
	switch f := run(t.expression, v); f.verdict {
	case policy.Pass:
		t.passed++
	case policy.Fail:
		t.failed++
		if len(t.said) < few {
			t.said = append(t.said, t.say(v))
		}
		t.values = append(t.values, t.program.values(v)...)
	default:
		t.doubt(v, f)
	}
}

func (t *tally) doubt(v *vars, f found) {
	t.doubted++
	if t.why == "" {
		t.why = f.why
	}
	t.firm = t.firm || f.firm
	if len(t.unsure) < policy.MaxValues {
		t.unsure = append(t.unsure, strings.TrimPrefix(t.name(v)+": "+f.text, ": "))
	}
}

// answer: any that fails makes Fail, else any doubt Unknown. Of none at all the rule says what they mean.
func (t *tally) answer() policy.Answer {
	a := policy.Answer{Unsure: t.unsure, Firm: t.firm}
	switch {
	case t.failed > 0:
		a.Verdict, a.Actual, a.Offender = policy.Fail, several(t.said, t.failed), t.said[0]
		if t.pinned {
			a.Values = t.values
		}
	case t.doubted > 0:
		a.Actual, a.Why = several(t.unsure[:min(few, len(t.unsure))], t.doubted), t.why
	case t.passed > 0:
		a.Verdict, a.Actual = policy.Pass, fmt.Sprintf("%d %s as expected", t.passed, t.noun)
	default:
		a.Verdict, a.Actual, a.Firm = t.rule.Empty, "no "+t.noun+" to look at", true
		if a.Verdict == policy.Unknown {
			a.Why = whyNoElements
		}
		if a.Verdict == policy.Fail {
			a.Values = []string{"no " + t.noun}
		}
	}
	return a
}

// several joins the first few texts and counts the rest.
func several(first []string, all int) string {
	s := strings.Join(first, "; ")
	if more := all - len(first); more > 0 {
		s += fmt.Sprintf("; and %d more", more)
	}
	return s
}
