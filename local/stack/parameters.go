package stack

import (
	"regexp"
	"slices"
	"strconv"
)

// readParameters gives every parameter its value: the caller's, else the default. Bounds hold for both.
func (r *reader) readParameters(n *node) {
	r.parameters = map[string]string{}
	known := map[string]bool{}
	if n != nil {
		for _, m := range n.members {
			known[m.name] = true
			r.parameters[m.name] = r.readParameter(m.name, m.value)
		}
	}
	for name := range r.options.Parameters {
		if !known[name] {
			r.problem(1, "Parameters", "there is no parameter %s", name)
		}
	}
}

func (r *reader) readParameter(name string, n *node) string {
	p := r.properties("Parameters."+name, n)
	p.ignore("Description", "ConstraintDescription")
	kind := p.required("Type")
	value, given := r.options.Parameters[name]
	fallback := p.text("Default")
	switch {
	case given:
	case p.has("Default"):
		value = fallback
	default:
		r.problem(n.line, p.path, "it has no default and was given no value")
	}
	allowed := p.texts("AllowedValues")
	pattern := p.text("AllowedPattern")
	longest := p.integer("MaxLength", len(value))
	least, most := r.bound(p, "MinValue"), r.bound(p, "MaxValue")
	p.end()
	switch {
	case kind != "String" && kind != "Number":
		r.problem(n.line, p.path, "keyward local carries the types String and Number alone, found %q", kind)
	case !given && !p.has("Default"):
	case kind == "Number" && !isNumber(value):
		r.problem(n.line, p.path, "expected a number, found %q", value)
	case kind == "Number" && (below(value, least) || below(most, value)):
		r.problem(n.line, p.path, "%s is outside of MinValue %s and MaxValue %s", value, least, most)
	case len(value) > longest:
		r.problem(n.line, p.path, "it has %d characters, at most MaxLength %d", len(value), longest)
	case len(allowed) > 0 && !slices.Contains(allowed, value):
		r.problem(n.line, p.path, "%q is none of %q", value, allowed)
	case pattern != "":
		r.checkPattern(p, value, pattern)
	}
	return value
}

func (r *reader) checkPattern(p *properties, value, pattern string) {
	expression, err := regexp.Compile("^(?:" + pattern + ")$")
	switch {
	case err != nil:
		r.problem(p.node.line, p.path+".AllowedPattern", "reading it: %v", err)
	case !expression.MatchString(value):
		r.problem(p.node.line, p.path, "%q does not match %s", value, pattern)
	}
}

// bound is a limit of a number, "" when there is none.
func (r *reader) bound(p *properties, name string) string {
	text := p.text(name)
	if text != "" && !isNumber(text) {
		r.problem(p.node.line, p.path+"."+name, "expected a number, found %q", text)
		return ""
	}
	return text
}

// below is whether a is less than b; what is not there is no bound.
func below(a, b string) bool {
	x, one := strconv.ParseFloat(a, 64)
	y, other := strconv.ParseFloat(b, 64)
	return one == nil && other == nil && x < y
}

func isNumber(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}
