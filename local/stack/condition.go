package stack

// readConditions gives each condition its value.
func (r *reader) readConditions(n *node) {
	r.conditions = map[string]bool{}
	if n == nil {
		return
	}
	for _, m := range n.members {
		r.conditions[m.name] = r.truth("Conditions."+m.name, m.value)
	}
}

// readRules checks what has to be true of the parameters.
func (r *reader) readRules(n *node) {
	if n == nil {
		return
	}
	for _, m := range n.members {
		p := r.properties("Rules."+m.name, m.value)
		holds := true
		if c := p.take("RuleCondition"); c != nil {
			holds = r.truth(p.path+".RuleCondition", c)
		}
		for _, a := range p.list("Assertions") {
			is, text := a.take("Assert"), a.text("AssertDescription")
			a.end()
			if is == nil {
				r.problem(a.node.line, a.path, "expected the property Assert")
			} else if ok := r.truth(a.path+".Assert", is); holds && !ok {
				r.problem(m.line, p.path, "%s", text)
			}
		}
		p.end()
	}
}

// truth is the value of a condition: Equals of two values, Not of one, and Or of two are what is carried.
func (r *reader) truth(at string, n *node) bool {
	arguments := func(many int) []*node {
		if n.items[0].kind != sequence || len(n.items[0].items) != many {
			return nil
		}
		return n.items[0].items
	}
	if n.kind == intrinsic && n.tag == "Equals" {
		if pair := arguments(2); pair != nil {
			return r.text(at, pair[0]) == r.text(at, pair[1])
		}
	}
	if n.kind == intrinsic && n.tag == "Not" {
		if one := arguments(1); one != nil {
			return !r.truth(at, one[0])
		}
	}
	if n.kind == intrinsic && n.tag == "Or" {
		if pair := arguments(2); pair != nil {
			first, second := r.truth(at, pair[0]), r.truth(at, pair[1]) // both, so that what is wrong with either is said
			return first || second
		}
	}
	r.problem(n.line, at, "keyward local carries the functions Equals of two values, Not of a condition, and Or of two alone")
	return false
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
