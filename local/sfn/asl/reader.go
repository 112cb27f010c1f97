package asl

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/keyward/keyward/local/sfn/expression"
)

// reader takes the fields of one JSON object and gathers what is wrong with them. What was not taken
// in the end is not known here.
type reader struct {
	where    string
	fields   map[string]json.RawMessage
	problems *[]error
}

func (r *reader) problem(field, format string, args ...any) {
	*r.problems = append(*r.problems, fmt.Errorf("%s: %s: %s", r.where, field, fmt.Sprintf(format, args...)))
}

func (r *reader) has(name string) bool { _, ok := r.fields[name]; return ok }

func (r *reader) take(name string) (json.RawMessage, bool) {
	raw, ok := r.fields[name]
	delete(r.fields, name)
	return raw, ok
}

// end refuses what is left.
func (r *reader) end() {
	for _, name := range slices.Sorted(maps.Keys(r.fields)) {
		r.problem(name, "keyward local does not know this field here")
	}
}

// within is a reader of an object below, such as one choice of several.
func (r *reader) within(at string, raw json.RawMessage) *reader {
	below := &reader{where: r.where + ": " + at, problems: r.problems}
	if err := json.Unmarshal(raw, &below.fields); err != nil || below.fields == nil {
		r.problem(at, "expected an object")
	}
	return below
}

// read takes a field of a plain type; absent it is the zero value.
func read[T any](r *reader, name string) T {
	v, _ := optional[T](r, name)
	return v
}

func optional[T any](r *reader, name string) (T, bool) {
	var v T
	raw, ok := r.take(name)
	if !ok {
		return v, false
	}
	if err := json.Unmarshal(raw, &v); err != nil || bytes.Equal(raw, []byte("null")) {
		r.problem(name, "expected %s, found %s", kindOf(v), raw)
		return v, false
	}
	return v, true
}

func kindOf(v any) string {
	switch v.(type) {
	case string:
		return "a string"
	case bool:
		return "true or false"
	case int, int64:
		return "a whole number"
	case float64:
		return "a number"
	default:
		return "another type"
	}
}

// number takes a whole number between least and most; absent it is the default.
func (r *reader) number(name string, least, most, absent int) int {
	v, ok := optional[int](r, name)
	if !ok {
		return absent
	}
	if v < least || v > most {
		r.problem(name, "expected %d to %d, found %d", least, most, v)
	}
	return v
}

// path takes a path; absent it is $, and null is nil.
func (r *reader) path(name string) *expression.Path {
	raw, ok := r.take(name)
	if !ok {
		return expression.Root
	}
	if bytes.Equal(raw, []byte("null")) {
		return nil
	}
	return r.parsed(name, raw)
}

// required takes a path that must not be null.
func (r *reader) required(name string) *expression.Path {
	raw, _ := r.take(name)
	return r.parsed(name, raw)
}

func (r *reader) parsed(name string, raw json.RawMessage) *expression.Path {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		r.problem(name, "expected a path, found %s", raw)
		return expression.Root
	}
	p, err := expression.ParsePath(text)
	if err != nil {
		r.problem(name, "%v", err)
		return expression.Root
	}
	return p
}

// resultPath takes a path into the state's input, of member names only.
func (r *reader) resultPath() *expression.Path {
	p := r.path("ResultPath")
	if p == nil {
		return nil
	}
	if !p.Plain() {
		r.problem("ResultPath", "expected a path of names below $, found %s", p)
	}
	return p
}

func (r *reader) template(name string) *expression.Template {
	raw, ok := r.take(name)
	if !ok {
		return nil
	}
	v, err := expression.Decode(raw)
	if err != nil {
		r.problem(name, "%v", err)
		return nil
	}
	return expression.ParseTemplate(r.problem, name, v)
}

// list takes an array of objects, each as a reader.
func (r *reader) list(name string) []*reader {
	raw, ok := r.take(name)
	if !ok {
		return nil
	}
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil || len(items) == 0 {
		r.problem(name, "expected a list that is not empty")
	}
	readers := make([]*reader, len(items))
	for i, item := range items {
		readers[i] = r.within(fmt.Sprintf("%s[%d]", name, i), item)
	}
	return readers
}
