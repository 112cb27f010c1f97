// Package form turns what AWS's protocols carry as text (forms, paths, query strings) into JSON
// documents, first by shape, then by the type of the input they are for. It refuses forms that are
// ambiguous or far beyond what AWS allows. It is called by local/wire alone.
package form

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Bounds of a form: far above what AWS allows in one call, far below what could hurt.
const (
	maxFormValues = 10_000
	maxFormDepth  = 12
)

// Document turns a form of the Query and EC2 protocols into a JSON document: a dot goes one level
// down, numbers are places in a list, and the word "member", which Query puts before a number, is left
// out. Every value stays a string; Typed turns it into what the input's field is. Action and Version
// are left out.
func Document(form url.Values) ([]byte, error) {
	if len(form) > maxFormValues {
		return nil, fmt.Errorf("reading the form: %d parameters, expected at most %d", len(form), maxFormValues)
	}
	root := &node{}
	for name, values := range form {
		if name == "Action" || name == "Version" {
			continue
		}
		if len(values) != 1 {
			return nil, fmt.Errorf("reading the form: parameter %q %d times, expected once", name, len(values))
		}
		path := slices.DeleteFunc(strings.Split(name, "."), func(s string) bool { return s == "member" })
		if len(path) == 0 || len(path) > maxFormDepth || slices.Contains(path, "") {
			return nil, fmt.Errorf("reading the form: parameter %q, expected 1 to %d names between dots", name, maxFormDepth)
		}
		if err := root.set(path, values[0]); err != nil {
			return nil, fmt.Errorf("reading the form: parameter %q: %w", name, err)
		}
	}
	document, err := root.document()
	if err != nil {
		return nil, fmt.Errorf("reading the form: %w", err)
	}
	if document == nil {
		return []byte("{}"), nil
	}
	if _, ok := document.(map[string]any); !ok {
		return nil, fmt.Errorf("reading the form: a parameter without a name")
	}
	return json.Marshal(document)
}

// node is a value or has children, never both.
type node struct {
	value    *string
	children map[string]*node
}

func (n *node) set(path []string, value string) error {
	if n.value != nil {
		return fmt.Errorf("is a value and a structure at once")
	}
	if len(path) == 0 {
		if n.children != nil {
			return fmt.Errorf("is a value and a structure at once")
		}
		n.value = &value
		return nil
	}
	if n.children == nil {
		n.children = map[string]*node{}
	}
	child := n.children[path[0]]
	if child == nil {
		child = &node{}
		n.children[path[0]] = child
	}
	return child.set(path[1:], value)
}

// document is the node as encoding/json would have read it.
func (n *node) document() (any, error) {
	if n.value != nil {
		return *n.value, nil
	}
	if n.children == nil {
		return nil, nil
	}
	places, err := n.places()
	if err != nil {
		return nil, err
	}
	if places == nil {
		members := map[string]any{}
		for name, child := range n.children {
			if members[name], err = child.document(); err != nil {
				return nil, err
			}
		}
		return members, nil
	}
	list := make([]any, len(places))
	for i, p := range places {
		if list[i], err = p.node.document(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

type place struct {
	number int
	node   *node
}

// places are the children in the order of their numbers, or nil when they have names.
func (n *node) places() ([]place, error) {
	var list []place
	for name, child := range n.children {
		number, err := strconv.Atoi(name)
		if err == nil && number > 0 {
			list = append(list, place{number, child})
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	if len(list) != len(n.children) {
		return nil, fmt.Errorf("names and numbers beside each other")
	}
	slices.SortFunc(list, func(a, b place) int { return cmp.Compare(a.number, b.number) })
	for i := 1; i < len(list); i++ {
		if list[i].number == list[i-1].number {
			return nil, fmt.Errorf("number %d twice in a list", list[i].number)
		}
	}
	return list, nil
}
