package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Pattern is a compiled event pattern. The zero value matches nothing.
type Pattern struct{ root *node }

// node is one level of a pattern: fields that must all match, alternatives of $or, or the matchers of
// a leaf, of which one must.
type node struct {
	fields   map[string]*node
	any      [][]*node // each $or: one of its nodes must match
	matchers []matcher
}

// matcher judges one leaf of an event; there is none when the field is missing.
type matcher func(leaf any, there bool) bool

// ParsePattern compiles an event pattern. What is not exact, prefix, suffix, anything-but, numeric,
// exists, equals-ignore-case or $or is refused by name.
func ParsePattern(text []byte) (*Pattern, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return nil, fmt.Errorf("reading event pattern: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading event pattern: text behind its end")
	}
	members, ok := tree.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("reading event pattern: want a JSON object")
	}
	root, err := compile(members, "")
	if err != nil {
		return nil, fmt.Errorf("reading event pattern: %w", err)
	}
	return &Pattern{root}, nil
}

// Matches says whether an event, one JSON document, meets the pattern.
func (p *Pattern) Matches(event []byte) bool { return p.matches(decoded(event)) }

// decoded is an event with its numbers as they are written; nil when it is not JSON.
func decoded(event []byte) any {
	d := json.NewDecoder(bytes.NewReader(event))
	d.UseNumber()
	var tree any
	if d.Decode(&tree) != nil {
		return nil
	}
	return tree
}

func (p *Pattern) matches(event any) bool {
	return p.root != nil && event != nil && p.root.matches(event, true)
}

func compile(members map[string]any, path string) (*node, error) {
	if len(members) == 0 {
		return nil, fmt.Errorf("%s: an empty object matches nothing", or(path, "the pattern"))
	}
	n := &node{fields: map[string]*node{}}
	for name, v := range members {
		at := strings.TrimPrefix(path+"."+name, ".")
		if name == "$or" {
			alternatives, err := compileOr(v, at)
			if err != nil {
				return nil, err
			}
			n.any = append(n.any, alternatives)
			continue
		}
		var err error
		switch v := v.(type) {
		case map[string]any:
			n.fields[name], err = compile(v, at)
		case []any:
			n.fields[name], err = compileLeaf(v, at)
		default:
			err = fmt.Errorf("%s: want a list or an object", at)
		}
		if err != nil {
			return nil, err
		}
	}
	return n, nil
}

func compileOr(v any, at string) ([]*node, error) {
	list, ok := v.([]any)
	if !ok || len(list) < 2 {
		return nil, fmt.Errorf("%s: want a list of at least two objects", at)
	}
	var alternatives []*node
	for _, one := range list {
		members, ok := one.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s: want a list of objects", at)
		}
		n, err := compile(members, at)
		if err != nil {
			return nil, err
		}
		alternatives = append(alternatives, n)
	}
	return alternatives, nil
}

func compileLeaf(list []any, at string) (*node, error) {
	if len(list) == 0 {
		return nil, fmt.Errorf("%s: an empty list matches nothing", at)
	}
	n := &node{}
	for _, one := range list {
		m, err := compileMatcher(one)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
		n.matchers = append(n.matchers, m)
	}
	return n, nil
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// matches judges a part of an event against this level. A list matches when one of its elements does.
func (n *node) matches(part any, there bool) bool {
	if list, ok := part.([]any); ok {
		for _, e := range list {
			if n.matches(e, true) {
				return true
			}
		}
		return len(list) == 0 && n.matches(nil, false)
	}
	members, isObject := part.(map[string]any)
	if n.matchers != nil {
		for _, m := range n.matchers {
			if m(part, there && !isObject) {
				return true
			}
		}
		return false
	}
	for name, field := range n.fields {
		v, ok := members[name]
		if !field.matches(v, ok) {
			return false
		}
	}
	for _, alternatives := range n.any {
		if !anyMatches(alternatives, part, there) {
			return false
		}
	}
	return true
}

func anyMatches(alternatives []*node, part any, there bool) bool {
	for _, a := range alternatives {
		if a.matches(part, there) {
			return true
		}
	}
	return false
}
