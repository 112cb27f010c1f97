package asl

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
	expression expression // nil when it is a template
	template   *Template
}

// expression is a path or an intrinsic function; field is the name of the field that it is for.
type expression interface {
	value(field string, s Scope) (any, *Error)
}

func parseTemplate(r *reader, at string, v any) *Template {
	switch v := v.(type) {
	case map[string]any:
		t := &Template{object: true}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			t.fields = append(t.fields, parseField(r, at, name, v[name]))
		}
		return t
	case []any:
		t := &Template{items: []*Template{}}
		for _, item := range v {
			t.items = append(t.items, parseTemplate(r, at+"[]", item))
		}
		return t
	default:
		return &Template{literal: v}
	}
}

func parseField(r *reader, at, name string, v any) field {
	plain, dynamic := strings.CutSuffix(name, ".$")
	if !dynamic {
		return field{name: name, template: parseTemplate(r, at+"."+name, v)}
	}
	text, ok := v.(string)
	if !ok {
		r.problem(at+"."+name, "expected a string with a path or an intrinsic function")
		return field{}
	}
	e, err := parseExpression(text)
	if err != nil {
		r.problem(at+"."+name, "%v", err)
	}
	return field{name: plain, expression: e}
}

func (t *Template) eval(s Scope) (any, *Error) {
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
			v, err := item.eval(s)
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
		return f.expression.value(f.name+".$", s)
	}
	return f.template.eval(s)
}
