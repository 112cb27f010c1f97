package custom

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/policy"
)

// program is one custom rule, compiled. It is only read, so that many goroutines may judge by it.
type program struct {
	rule       policy.Custom
	noun       string // mounts
	each       *field // nil for a rule about the whole evidence
	where      cel.Program
	expression cel.Program
	message    cel.Program
	reads      []read
	most       uint64 // what it may cost on one machine

	own    []read // what tells elements apart
	looked []read // what was looked at beside that; with it, the values of a finding
	pinned bool   // whether that is everything that was looked at
}

// vars are the variables of one evaluation.
type vars struct {
	evidence *object
	element  ref.Val
	clock    *clock
}

// ResolveName is a variable's value.
func (v *vars) ResolveName(name string) (any, bool) {
	switch name {
	case evidenceName:
		return v.evidence, true
	case elementName:
		return v.element, v.element != nil
	case clockName:
		return v.clock, true
	}
	return nil, false
}

// Parent is nil: there is nothing around these variables.
func (v *vars) Parent() cel.Activation { return nil }

// Reason codes beside those of facts.
const (
	whyNoElements = "no_elements"
	whyEvaluation = "evaluation_error"
)

// Judge judges evidence: the whole of it, or the elements of each one by one.
func (p *program) Judge(ev *evidence.Evidence, now time.Time) policy.Answer {
	root := newObject(known().evidence, reflect.ValueOf(ev).Elem(), "")
	v := &vars{evidence: root, clock: &clock{ev.Collect, now}}
	if p.each == nil {
		return p.whole(v)
	}
	list, ok := p.list(root).(traits.Lister)
	if !ok {
		return p.missing(p.list(root))
	}
	t := &tally{program: p}
	for i := range int(list.Size().(types.Int)) {
		v.element = list.Get(types.Int(i))
		t.add(v)
	}
	return t.answer()
}

// list is the list of each, or the unknown in its place.
func (p *program) list(root *object) ref.Val {
	var at ref.Val = root
	for name := range strings.SplitSeq(p.rule.Each.Text, ".") {
		o, ok := at.(*object)
		if !ok {
			return at
		}
		at = o.get(o.class.byName[name])
	}
	return at
}

func (p *program) whole(v *vars) policy.Answer {
	switch found := run(p.expression, v); found.verdict {
	case policy.Pass:
		return policy.Answer{Verdict: policy.Pass, Actual: "as expected"}
	case policy.Fail:
		said := p.say(v)
		return policy.Answer{Verdict: policy.Fail, Actual: said, Values: p.values(v)}
	default:
		return policy.Answer{Actual: found.text, Why: found.why, Unsure: []string{found.text}, Firm: found.firm}
	}
}

// missing is the answer when the list itself is not known.
func (p *program) missing(v ref.Val) policy.Answer {
	f := doubt(v)
	return policy.Answer{Actual: f.text, Why: f.why, Unsure: []string{f.text}}
}

// found is what one evaluation of a condition gave.
type found struct {
	verdict policy.Verdict
	text    string // of Unknown: which facts, and why
	why     string
	firm    bool
}

// run evaluates a condition.
func run(p cel.Program, v *vars) found {
	out, _, err := p.Eval(v)
	switch {
	case err != nil:
		return found{text: "cannot be evaluated: " + clean(err.Error()), why: whyEvaluation, firm: true}
	case out == types.True:
		return found{verdict: policy.Pass}
	case out == types.False:
		return found{verdict: policy.Fail}
	}
	return doubt(out)
}

// doubt puts an unknown of CEL in words.
func doubt(v ref.Val) found {
	u, ok := v.(*types.Unknown)
	if !ok {
		return found{text: "cannot be evaluated", why: whyEvaluation, firm: true}
	}
	paths, whys := reasons(u)
	words := make([]string, len(paths))
	for i := range paths {
		words[i] = fmt.Sprintf("%s unknown (%s)", paths[i], whys[i])
	}
	return found{text: strings.Join(words, ", "), why: whys[0]}
}

// say is what a person reads of something that fails: the rule's message, else what it is.
func (p *program) say(v *vars) string {
	if p.message != nil {
		if out, _, err := p.message.Eval(v); err == nil {
			if s, ok := out.(types.String); ok && strings.TrimSpace(string(s)) != "" {
				return clean(string(s))
			}
		}
	}
	if what := p.describe(v); what != "" {
		return what
	}
	return "not as expected"
}

// maxSaid is how much of one text of an evaluation is kept, in characters.
const maxSaid = 200

// clean makes one line of what an expression put together.
func clean(s string) string {
	r := []rune(strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " "))
	if len(r) > maxSaid {
		return string(r[:maxSaid]) + "..."
	}
	return string(r)
}
