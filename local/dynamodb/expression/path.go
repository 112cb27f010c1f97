package expression

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// step is one part of a document path: a name, or an index into a list.
type step struct {
	name  string
	index int
	list  bool
}

func (s step) String() string {
	if s.list {
		return "[" + strconv.Itoa(s.index) + "]"
	}
	return s.name
}

// path is a document path with its placeholders resolved, such as a.b[0].
type path []step

// String is the path as DynamoDB's error texts show it: [a, b, [0]].
func (p path) String() string {
	parts := make([]string, len(p))
	for i, s := range p {
		parts[i] = s.String()
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func (p path) get(item Item) (Value, bool) {
	v, ok := item[p[0].name]
	for _, s := range p[1:] {
		if !ok {
			return Value{}, false
		}
		v, ok = v.child(s)
	}
	return v, ok
}

func (v Value) child(s step) (Value, bool) {
	if s.list {
		if v.Kind != List || s.index >= len(v.List) {
			return Value{}, false
		}
		return v.List[s.index], true
	}
	if v.Kind != Map {
		return Value{}, false
	}
	c, ok := v.Map[s.name]
	return c, ok
}

var errPath = errorf("The document path provided in the update expression is invalid for update")

// with is v with the value at the path replaced, or removed when to is nil. What is changed is
// copied, so that the item that was stored stays as it was.
func (v Value) with(p path, to *Value) (Value, error) {
	if len(p) == 0 {
		return *to, nil
	}
	s := p[0]
	child, exists := v.child(s)
	if (s.list && v.Kind != List) || (!s.list && v.Kind != Map) || (len(p) > 1 && !exists) {
		return v, errPath
	}
	if len(p) == 1 && to == nil {
		return v.without(s), nil
	}
	next, err := child.with(p[1:], to)
	if err != nil {
		return v, err
	}
	switch {
	case !s.list:
		v.Map = maps.Clone(v.Map)
		v.Map[s.name] = next
	case exists:
		v.List = slices.Clone(v.List)
		v.List[s.index] = next
	default: // an index past the end appends
		v.List = append(slices.Clip(v.List), next)
	}
	return v, nil
}

func (v Value) without(s step) Value {
	if !s.list {
		v.Map = maps.Clone(v.Map)
		delete(v.Map, s.name)
	} else if s.index < len(v.List) {
		v.List = slices.Delete(slices.Clone(v.List), s.index, s.index+1)
	}
	return v
}

// overlap says how two paths get in each other's way: "overlap" when one is the other or its parent,
// "conflict" when one takes as a map what the other takes as a list, or "".
func (p path) overlap(o path) string {
	for i := range min(len(p), len(o)) {
		if p[i] != o[i] {
			if p[i].list != o[i].list {
				return "conflict"
			}
			return ""
		}
	}
	return "overlap"
}

// Projection is a set of paths to keep. The zero value keeps everything.
type Projection struct{ paths []path }

// Names are the top-level attributes that the projection reads.
func (p Projection) Names() []string {
	var names []string
	for _, one := range p.paths {
		names = append(names, one[0].name)
	}
	return names
}

// Of is the part of an item that the projection keeps; list elements move together.
func (p Projection) Of(item Item) Item {
	if len(p.paths) == 0 {
		return item
	}
	kept, _ := Value{Kind: Map, Map: item}.keep(p.paths)
	if kept.Map == nil {
		return Item{}
	}
	return kept.Map
}

// keep is what of v the paths lead to; ok is false when that is nothing.
func (v Value) keep(paths []path) (kept Value, ok bool) {
	groups := map[step][]path{}
	for _, p := range paths {
		if len(p) == 0 {
			return v, true
		}
		groups[p[0]] = append(groups[p[0]], p[1:])
	}
	for _, s := range slices.SortedFunc(maps.Keys(groups), func(a, b step) int { return a.index - b.index }) {
		child, there := v.child(s)
		if !there {
			continue
		}
		part, found := child.keep(groups[s])
		switch {
		case !found:
		case s.list:
			kept.Kind, kept.List = List, append(kept.List, part)
		default:
			if kept.Map == nil {
				kept.Kind, kept.Map = Map, Item{}
			}
			kept.Map[s.name] = part
		}
	}
	return kept, kept.Kind != ""
}
