package expression

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
)

// Path is a reference path: $ or $$, then members and array elements.
type Path struct {
	text    string
	context bool
	steps   []step
}

type step struct {
	name  string
	index int // of an array, when name is ""
}

// Root is the path $.
var Root = &Path{text: "$"}

var stepPattern = regexp.MustCompile(`^(?:\.([\pL_][\pL\pN_-]*)|\['([^'\\]+)'\]|\[(\d{1,6})\])`)

// ParsePath reads a path. Wildcards, slices, filters, negative indexes and .. are refused.
func ParsePath(text string) (*Path, error) {
	p := &Path{text: text}
	rest := text
	switch {
	case len(rest) > 1 && rest[:2] == "$$":
		p.context, rest = true, rest[2:]
	case len(rest) > 0 && rest[0] == '$':
		rest = rest[1:]
	default:
		return nil, fmt.Errorf("path %q: expected it to begin with $", text)
	}
	for rest != "" {
		m := stepPattern.FindStringSubmatch(rest)
		if m == nil {
			return nil, fmt.Errorf("path %q: keyward local reads .name, ['name'] and [0], found %q", text, rest)
		}
		index, _ := strconv.Atoi(m[3])
		p.steps = append(p.steps, step{name: m[1] + m[2], index: index})
		rest = rest[len(m[0]):]
	}
	return p, nil
}

// Plain says whether the path is of member names below $ alone, as a ResultPath must be.
func (p *Path) Plain() bool {
	return !p.context && !slices.ContainsFunc(p.steps, func(s step) bool { return s.name == "" })
}

func (p *Path) String() string { return p.text }

// Find is the value at the path.
func (p *Path) Find(s Scope) (any, bool) {
	v := s.Input
	if p.context {
		v = s.Context
	}
	for _, st := range p.steps {
		if st.name != "" {
			object, _ := v.(map[string]any)
			found, ok := object[st.name]
			if !ok {
				return nil, false
			}
			v = found
			continue
		}
		array, _ := v.([]any)
		if st.index >= len(array) {
			return nil, false
		}
		v = array[st.index]
	}
	return v, true
}

// Selected applies InputPath or OutputPath; nil is a path of null, which selects an empty object.
func (p *Path) Selected(s Scope) (any, *Error) {
	if p == nil {
		return map[string]any{}, nil
	}
	v, ok := p.Find(s)
	if !ok {
		return nil, Fail(Runtime, "Invalid path '%s': no results for it in the input", p.text)
	}
	return v, nil
}

// Value makes a Path an Expression.
func (p *Path) Value(field string, s Scope) (any, *Error) {
	v, ok := p.Find(s)
	if !ok {
		in := s.Input
		if p.context {
			in = s.Context
		}
		return nil, Fail(Runtime, "The JSONPath '%s' specified for the field '%s' could not be found in the input '%s'", p.text, field, Encode(in))
	}
	return v, nil
}

// Put is in with value at the path, as ResultPath says; nil is a ResultPath of null, which drops value.
// Nothing of in is changed.
func (p *Path) Put(in, value any) (any, *Error) {
	if p == nil {
		return in, nil
	}
	if len(p.steps) == 0 {
		return value, nil
	}
	object, ok := in.(map[string]any)
	if !ok {
		return nil, Fail(ResultPathMatch, "Unable to apply ReferencePath %s to input %s", p.text, Encode(in))
	}
	object = maps.Clone(object)
	name := p.steps[0].name
	rest := &Path{text: p.text, steps: p.steps[1:]}
	below := object[name]
	if below == nil && len(rest.steps) > 0 {
		below = map[string]any{}
	}
	changed, err := rest.Put(below, value)
	if err != nil {
		return nil, err
	}
	object[name] = changed
	return object, nil
}
