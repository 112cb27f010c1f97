package stack

// readConditions gives each condition its value: Equals of two values is what is carried.
func (r *reader) readConditions(n *node) {
	r.conditions = map[string]bool{}
	if n == nil {
		return
	}
	for _, m := range n.members {
		at := "Conditions." + m.name
		if m.value.kind != intrinsic || m.value.tag != "Equals" || m.value.items[0].kind != sequence || len(m.value.items[0].items) != 2 {
			r.problem(m.line, at, "keyward local carries the function Equals of two values alone")
			continue
		}
		pair := m.value.items[0].items
		r.conditions[m.name] = r.text(at, pair[0]) == r.text(at, pair[1])
	}
}

// condition is the value of the condition that a node names.
func (r *reader) condition(at string, n *node) bool {
	v, known := r.conditions[n.text]
	if n.kind != scalar || !known {
		r.problem(n.line, at, "there is no condition %q", n.text)
	}
	return v
}

// choose resolves If: the name of a condition, the value when it holds, the value when not.
func (r *reader) choose(at string, n *node) string {
	if n.kind != sequence || len(n.items) != 3 {
		r.problem(n.line, at, "keyward local carries the function If with a condition and two values alone")
		return ""
	}
	if r.condition(at, n.items[0]) {
		return r.text(at, n.items[1])
	}
	return r.text(at, n.items[2])
}
