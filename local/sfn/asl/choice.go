package asl

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/keyward/keyward/local/sfn/expression"
)

// Choice is one rule of a Choice state and where it leads.
type Choice struct {
	rule rule
	Next string
}

// rule says whether it matches.
type rule func(s Scope) (bool, *Error)

// parseChoice reads a rule of the Choices list; only there may Next stand.
func parseChoice(r *reader) Choice {
	c := Choice{Next: read[string](r, "Next")}
	if c.Next == "" {
		r.problem("Next", "expected the name of a state")
	}
	c.rule = parseRule(r)
	return c
}

func parseRule(r *reader) rule {
	read[string](r, "Comment")
	defer r.end()
	switch {
	case r.has("And"):
		return join(parseRules(r, "And"), false)
	case r.has("Or"):
		return join(parseRules(r, "Or"), true)
	case r.has("Not"):
		raw, _ := r.take("Not")
		inner := parseRule(r.within("Not", raw))
		return func(s Scope) (bool, *Error) {
			matched, err := inner(s)
			return !matched, err
		}
	default:
		return parseComparison(r)
	}
}

func parseRules(r *reader, name string) []rule {
	var rules []rule
	for _, below := range r.list(name) {
		rules = append(rules, parseRule(below))
	}
	return rules
}

// join is Or when until is true, And when it is false: the first rule that says so decides.
func join(rules []rule, until bool) rule {
	return func(s Scope) (bool, *Error) {
		for _, one := range rules {
			matched, err := one(s)
			if err != nil || matched == until {
				return matched, err
			}
		}
		return !until, nil
	}
}

// never is the rule of a definition that is refused.
func never(Scope) (bool, *Error) { return false, nil }

func parseComparison(r *reader) rule {
	if !r.has("Variable") {
		r.problem("Variable", "expected a path, or And, Or, Not")
		return never
	}
	variable := r.required("Variable")
	if len(r.fields) != 1 {
		r.problem("Variable", "expected exactly one operator beside it")
		return never
	}
	var operator string
	for operator = range r.fields {
	}
	if test, ok := typeTests[operator]; ok {
		return is(variable, test, read[bool](r, operator), operator == "IsPresent")
	}
	c, ok := comparisonOf(operator)
	if !ok {
		return never // end names it
	}
	if strings.HasSuffix(operator, "Path") {
		other := r.required(operator)
		return compared(variable, c, func(s Scope) (any, *Error) { return chosen(other, s) })
	}
	raw, _ := r.take(operator)
	constant, err := expression.Decode(raw)
	if _, fits := c.compare(constant, constant); err != nil || !fits {
		r.problem(operator, "expected another type of value, found %s", raw)
	}
	return compared(variable, c, func(Scope) (any, *Error) { return constant, nil })
}

// chosen is the value at a path of a choice; that there is none ends the execution.
func chosen(p *expression.Path, s Scope) (any, *Error) {
	v, ok := p.Find(s)
	if !ok {
		return nil, expression.Fail(Runtime, "Invalid path '%s': The choice state's condition path references an invalid value.", p)
	}
	return v, nil
}

func is(p *expression.Path, test func(any) bool, want, presence bool) rule {
	return func(s Scope) (bool, *Error) {
		v, found := p.Find(s)
		if presence {
			return found == want, nil
		}
		if !found {
			_, err := chosen(p, s)
			return false, err
		}
		return test(v) == want, nil
	}
}

func compared(p *expression.Path, c comparison, other func(Scope) (any, *Error)) rule {
	return func(s Scope) (bool, *Error) {
		a, err := chosen(p, s)
		if err != nil {
			return false, err
		}
		b, err := other(s)
		if err != nil {
			return false, err
		}
		order, fits := c.compare(a, b)
		return fits && c.accepts(order), nil
	}
}

func isA[T any](v any) bool { _, ok := v.(T); return ok }

func isTimestamp(v any) bool { _, ok := timestamp(v); return ok }

var typeTests = map[string]func(any) bool{
	"IsPresent":   func(any) bool { return true },
	"IsNull":      func(v any) bool { return v == nil },
	"IsString":    isA[string],
	"IsNumeric":   isA[json.Number],
	"IsBoolean":   isA[bool],
	"IsTimestamp": isTimestamp,
}

// comparison compares two values when both are of its type.
type comparison struct {
	compare func(a, b any) (order int, fits bool)
	accepts func(order int) bool
}

var relations = map[string]func(int) bool{
	"Equals":            func(o int) bool { return o == 0 },
	"LessThan":          func(o int) bool { return o < 0 },
	"LessThanEquals":    func(o int) bool { return o <= 0 },
	"GreaterThan":       func(o int) bool { return o > 0 },
	"GreaterThanEquals": func(o int) bool { return o >= 0 },
}

var orders = map[string]func(a, b any) (int, bool){
	"String":    ordered(func(v any) (string, bool) { s, ok := v.(string); return s, ok }, strings.Compare),
	"Numeric":   ordered(number, func(a, b float64) int { return sign(a < b, a > b) }),
	"Timestamp": ordered(timestamp, time.Time.Compare),
	"Boolean": ordered(func(v any) (bool, bool) { b, ok := v.(bool); return b, ok },
		func(a, b bool) int { return sign(false, a != b) }),
}

func ordered[T any](of func(any) (T, bool), compare func(a, b T) int) func(a, b any) (int, bool) {
	return func(a, b any) (int, bool) {
		x, first := of(a)
		y, second := of(b)
		return compare(x, y), first && second
	}
}

func sign(less, more bool) int {
	switch {
	case less:
		return -1
	case more:
		return 1
	}
	return 0
}

func comparisonOf(operator string) (comparison, bool) {
	if operator == "StringMatches" {
		return comparison{compare: matches, accepts: relations["Equals"]}, true
	}
	operator = strings.TrimSuffix(operator, "Path")
	for kind, order := range orders {
		relation, ok := strings.CutPrefix(operator, kind)
		if accepts := relations[relation]; ok && accepts != nil && (kind != "Boolean" || relation == "Equals") {
			return comparison{compare: order, accepts: accepts}, true
		}
	}
	return comparison{}, false
}

func number(v any) (float64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil
}

// timestamp reads RFC 3339 with a capital T, and a capital Z unless there is an offset.
func timestamp(v any) (time.Time, bool) {
	text, ok := v.(string)
	if !ok {
		return time.Time{}, false
	}
	var t time.Time
	err := t.UnmarshalText([]byte(text)) // stricter than time.Parse
	return t, err == nil
}

var matchEscapes = strings.NewReplacer(`\*`, `\*`, `\\`, `\\`, `*`, "*", "?", `\?`, "[", `\[`, "]", `\]`, "/", "\x00")

// matches is StringMatches: * stands for anything, \* for itself, and nothing else is special.
func matches(value, pattern any) (int, bool) {
	text, first := value.(string)
	p, second := pattern.(string)
	if !first || !second {
		return 0, false
	}
	// path.Match stops * at a slash, which means nothing here.
	matched, err := path.Match(matchEscapes.Replace(p), strings.ReplaceAll(text, "/", "\x00"))
	return sign(false, !matched), err == nil
}

func noChoice(name string) *Error {
	return &Error{Name: NoChoiceMatched, Cause: fmt.Sprintf("No choices matched in state %q", name)}
}
