package policy

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/evidence"
)

// Custom is a rule whose condition is written in CEL, as the document has it. Parse only carries the
// texts; package custom checks and compiles them, so that programs which read policies and judge nothing
// do not link CEL.
type Custom struct {
	Rule       string // its name
	Path       string // rules[3]
	Each       Source // which list is gone through; empty for a rule about the whole evidence
	Where      Source // which elements count; empty for all
	Expression Source // what has to be true of each
	Message    Source // what is said of one of which it is not; may be empty
	Empty      Verdict
}

var identifier = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)

// Mentions says whether the rule can look at a part of the evidence: one of these words is the list of each
// or stands in one of the texts. A part can only be reached by its name, so what is not mentioned is not
// looked at; a word in a quoted text counts all the same.
func (c Custom) Mentions(words ...string) bool {
	for _, s := range []Source{c.Each, c.Where, c.Expression, c.Message} {
		for _, found := range identifier.FindAllString(s.Text, -1) {
			if slices.Contains(words, found) {
				return true
			}
		}
	}
	return false
}

// Program is a custom rule that was compiled.
type Program interface {
	// Judge judges evidence; now is the time of the judgement.
	Judge(ev *evidence.Evidence, now time.Time) Answer
}

// Answer is what a Program found; Actual, Offender, Why, Values and Unsure are as in Finding.
type Answer struct {
	Verdict  Verdict
	Actual   string
	Offender string
	Why      string
	Values   []string
	Unsure   []string
	// Firm says that an Unknown is not for want of a fact, so that the rule's missing does not change it.
	Firm bool
}

// Customs are the custom rules of the policy, in its order; empty for most policies.
func (p *Policy) Customs() []Custom {
	var all []Custom
	for i := range p.Rules {
		if c := p.Rules[i].custom(); c != nil {
			all = append(all, c.text)
		}
	}
	return all
}

// WithPrograms is the policy with the compiled form of each of its Customs, in their order. The policy
// itself is not changed: others may be judging by it.
func (p *Policy) WithPrograms(programs []Program) *Policy {
	compiled := *p
	compiled.Rules = slices.Clone(p.Rules)
	for i := range compiled.Rules {
		c := compiled.Rules[i].custom()
		if c == nil || len(programs) == 0 {
			continue
		}
		with := *c
		with.program, programs = programs[0], programs[1:]
		compiled.Rules[i].conditions = []condition{&with}
	}
	return &compiled
}

// custom is the rule's condition if it is one in CEL.
func (r *Rule) custom() *customCondition {
	if len(r.conditions) != 1 {
		return nil
	}
	c, _ := r.conditions[0].(*customCondition)
	return c
}

// customCondition is a condition in CEL. Without its program it is Unknown, whatever missing says.
type customCondition struct {
	text    Custom
	program Program
}

func (c *customCondition) expected() string {
	words := oneLine(c.text.Expression.Text)
	if c.text.Each.Text == "" {
		return words
	}
	of := "each of " + c.text.Each.Text
	if c.text.Where.Text != "" {
		of += " where " + oneLine(c.text.Where.Text)
	}
	return of + ": " + words
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// whyNotCompiled is the reason code of a custom rule that nobody compiled.
const whyNotCompiled = "not_compiled"

func (c *customCondition) judge(ev *evidence.Evidence, now time.Time) outcome {
	if c.program == nil {
		return outcome{actual: "the rule was not compiled", why: whyNotCompiled, firm: true}
	}
	a := c.program.Judge(ev, now)
	return outcome{
		verdict: a.Verdict, actual: a.Actual, offender: a.Offender, why: a.Why,
		values: a.Values, unsure: a.Unsure, firm: a.Firm,
	}
}
