package policy

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// shape is one JSON Schema, or a part of one.
type shape map[string]any

// noter makes a schema of the language out of the reader itself: the functions that read a document say
// what they would accept in place of reading. What is in the schema is therefore what is read.
type noter struct {
	shapes   []shape
	expected string   // what was said to be expected where no shape was
	required []string // keys that were missed
}

func (w *noter) add(s shape) { w.shapes = append(w.shapes, s) }

// Schema is a JSON Schema of policies, for editors. It knows keys, words and bounds; what depends on
// other keys, and rules in CEL, policy check alone knows.
func Schema() []byte {
	whole := describe(func(r *reader, n *node) { r.policy(n, defaults()) })
	hoist(whole)
	whole["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	whole["title"] = "A policy of Keyward"
	text, err := json.MarshalIndent(whole, "", "  ")
	if err != nil {
		panic("encoding the schema: " + err.Error()) // it is made of texts, numbers, lists and maps alone
	}
	return append(text, '\n')
}

// hoist moves mappings that stand under one name in several places to one place.
func hoist(whole shape) {
	places := map[string]int{}
	each := func(visit func(name string, properties shape, text string)) func(s any) {
		var walk func(s any)
		walk = func(s any) {
			switch s := s.(type) {
			case []shape:
				for _, one := range s {
					walk(one)
				}
			case shape:
				walk(s["items"])
				walk(s["anyOf"])
				properties, _ := s["properties"].(shape)
				for _, name := range slices.Sorted(maps.Keys(properties)) {
					if inner := properties[name].(shape); inner["properties"] != nil {
						text, err := json.Marshal(inner)
						if err != nil {
							panic("encoding the schema: " + err.Error()) // as in Schema
						}
						visit(name, properties, name+" "+string(text))
					}
					walk(properties[name])
				}
			}
		}
		return walk
	}
	each(func(_ string, _ shape, text string) { places[text]++ })(whole)
	defs := shape{}
	each(func(name string, properties shape, text string) {
		if places[text] < 2 || defs[name] != nil && !sameShape(defs[name], properties[name]) {
			return
		}
		defs[name], properties[name] = properties[name], shape{"$ref": "#/$defs/" + name}
	})(whole)
	whole["$defs"] = defs
}

func sameShape(a, b any) bool {
	one, err := json.Marshal(a)
	other, problem := json.Marshal(b)
	return err == nil && problem == nil && string(one) == string(other)
}

// probes are values of every kind. What is written in them does not matter.
func probes() []*node {
	return []*node{
		{kind: mapping, line: 1, column: 1}, {kind: list, line: 1, column: 1}, {kind: text, text: "probe", line: 1, column: 1},
		{kind: number, text: "1", line: 1, column: 1}, {kind: boolean, text: "true", line: 1, column: 1},
	}
}

var kindNamesOfJSON = map[kind]string{mapping: "object", list: "array", text: "string", number: "number", boolean: "boolean"}

// describe is the schema of what a function reads, by trying each kind of value.
func describe(read func(r *reader, n *node)) shape {
	var all []shape
	expected := ""
	for _, n := range probes() {
		w := &noter{}
		r := &reader{note: w, errs: Errors{{}}} // one error from the start: nothing is made of what was not read
		read(r, n)
		for _, s := range w.shapes {
			if len(w.required) > 0 && s["type"] == "object" {
				slices.Sort(w.required)
				s["required"] = slices.Compact(w.required)
			}
			all = append(all, s)
		}
		if len(w.shapes) == 0 && len(r.errs) == 1 {
			all = append(all, shape{"type": kindNamesOfJSON[n.kind]})
		}
		if w.expected != "" && (expected == "" || n.kind == text) {
			expected = w.expected
		}
	}
	all = distinct(all)
	switch {
	case len(all) == 1:
		if expected != "" && all[0]["description"] == nil {
			all[0]["description"] = expected
		}
		return all[0]
	case len(all) > 1:
		return shape{"anyOf": all}
	default:
		return shape{"description": expected}
	}
}

// distinct leaves equal schemas out.
func distinct(all []shape) []shape {
	var out []shape
	seen := map[string]bool{}
	for _, s := range all {
		text, err := json.Marshal(s)
		if err != nil || seen[string(text)] {
			continue
		}
		seen[string(text)] = true
		out = append(out, s)
	}
	return out
}

// objectShape describes a mapping by its table of keys.
func (r *reader) objectShape(n *node, path string, keys []key) {
	if n.kind != mapping {
		r.errs = append(r.errs, Error{})
		return
	}
	properties := shape{}
	for _, k := range keys {
		if k.read != nil {
			properties[k.name] = describe(func(inner *reader, n *node) {
				// The table's functions hold the outer reader, so that it is the one that has to take note.
				saved := *r
				r.note, r.errs = inner.note, inner.errs
				k.read(n, join(path, k.name))
				inner.errs = r.errs
				*r = saved
			})
		}
	}
	r.note.add(shape{"type": "object", "properties": properties, "additionalProperties": false})
}

// listShape describes a list by its elements.
func (r *reader) listShape(n *node, path string, least, most int, read func(n *node, path string)) {
	if n.kind != list {
		r.errs = append(r.errs, Error{})
		return
	}
	items := describe(func(inner *reader, n *node) {
		saved := *r
		r.note, r.errs = inner.note, inner.errs
		read(n, path+"[0]")
		inner.errs = r.errs
		*r = saved
	})
	r.note.add(shape{"type": "array", "items": items, "minItems": least, "maxItems": most})
}

// noted takes note of a shape for values of a kind, and of a refusal for others; true while the language is
// described.
func (r *reader) noted(n *node, of kind, s shape) bool {
	if r.note == nil {
		return false
	}
	if n.kind != of {
		r.errs = append(r.errs, Error{})
		return true
	}
	s = maps.Clone(s)
	if s["enum"] == nil {
		s["type"] = map[kind]string{text: "string", number: "integer", boolean: "boolean"}[of]
	}
	r.note.add(s)
	return true
}

// missed takes note of what a refusal says.
func (w *noter) missed(path, message string) {
	if strings.HasPrefix(message, "is missing") {
		w.required = append(w.required, path[strings.LastIndex(path, ".")+1:])
		return
	}
	if _, after, ok := strings.Cut(message, "expected "); ok {
		w.expected = after
	}
}

// durationShape describes durations within bounds.
func durationShape(least, most time.Duration) shape {
	return shape{
		"pattern": `^(?=.)(\d+d)?(\d+h)?(\d+m)?(\d+s)?$`, "description": "a duration from " + formatDuration(least) + " to " + formatDuration(most) + ", written like 30m, 4h or 7d",
	}
}
