package stack

import (
	"encoding/json"
	"strings"
)

// json is any value as JSON, with its functions resolved.
func (p *properties) json(name string) json.RawMessage {
	n := p.take(name)
	if n == nil {
		p.r.problem(p.node.line, p.path, "expected the property %s", name)
		return nil
	}
	return p.r.json(p.path+"."+name, n)
}

func (r *reader) json(path string, n *node) json.RawMessage {
	if n.kind == intrinsic && n.tag == "Transform" {
		return r.include(path, n)
	}
	v := r.value(path, n)
	if r.stopped(v) {
		return nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		r.problem(n.line, path, "writing it as JSON: %v", err)
	}
	return b
}

func (r *reader) stopped(v any) bool { return v == nil && len(r.problems) > 0 }

// value is a node as encoding/json would have read it.
func (r *reader) value(path string, n *node) any {
	switch n.kind {
	case sequence:
		all := make([]any, 0, len(n.items))
		for _, item := range n.items {
			all = append(all, r.value(path, item))
		}
		return all
	case mapping:
		all := map[string]any{}
		for _, m := range n.members {
			all[m.name] = r.value(path+"."+m.name, m.value)
		}
		return all
	case null:
		return nil
	case intrinsic:
		return r.text(path, n)
	}
	if !n.quoted {
		var v any
		if json.Unmarshal([]byte(strings.ToLower(n.text)), &v) == nil {
			return v
		}
	}
	return n.text
}
