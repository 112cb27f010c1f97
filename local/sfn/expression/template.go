package expression

import (
	"maps"
	"slices"
	"strings"
)

// Template is a payload template: JSON in which the fields whose names end in .$ are expressions.
type Template struct {
	literal any
	fields  []field
	object  bool
	items   []*Template
}

type field struct {
	name       string
	expression Expression // nil when it is a template
	template   *Template
}

// Report takes one problem of a definition: in which field, and what.
type Report func(field, format string, args ...any)

// ParseTemplate reads a template that stands in the field at; what is wrong goes to report.
func ParseTemplate(report Report, at string, v any) *Template {
	switch v := v.(type) {
	case map[string]any:
		t := &Template{object: true}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			t.fields = append(t.fields, parseField(report, at, name, v[name]))
		}
		return t
	case []any:
		t := &Template{items: []*Template{}}
		for _, item := range v {
			t.items = append(t.items, ParseTemplate(report, at+"[]", item))
		}
		return t
	default:
		return &Template{literal: v}
	}
}

func parseField(report Report, at, name string, v any) field {
	plain, dynamic := strings.CutSuffix(name, ".$")
	if !dynamic {
		return field{name: name, template: ParseTemplate(report, at+"."+name, v)}
	}
	text, ok := v.(string)
	if !ok {
		report(at+"."+name, "expected a string with a path or an intrinsic function")
		return field{}
	}
	e, err := Parse(text)
	if err != nil {
		report(at+"."+name, "%v", err)
	}
	return field{name: plain, expression: e}
}

// Names are the fields of a template that is an object, without the .$ of those that are expressions.
func (t *Template) Names() []string {
	var names []string
	for _, f := range t.fields {
		names = append(names, f.name)
	}
	return names
}

// Eval is the value that the template makes.
func (t *Template) Eval(s Scope) (any, *Error) {
	switch {
	case t.object:
		object := map[string]any{}
		for _, f := range t.fields {
			v, err := f.eval(s)
			if err != nil {
				return nil, err
			}
			object[f.name] = v
		}
		return object, nil
	case t.items != nil:
		array := make([]any, len(t.items))
		for i, item := range t.items {
			v, err := item.Eval(s)
			if err != nil {
				return nil, err
			}
			array[i] = v
		}
		return array, nil
	default:
		return t.literal, nil
	}
}

func (f field) eval(s Scope) (any, *Error) {
	if f.expression != nil {
		return f.expression.Value(f.name+".$", s)
	}
	return f.template.Eval(s)
}
