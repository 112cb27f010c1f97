package expression

import (
	"slices"
)

// Update is a bound UpdateExpression.
type Update struct {
	actions []action
}

type action struct {
	section string
	path    path
	left    operand
	right   *operand // of SET a = left + right
	minus   bool
}

// Update binds an UpdateExpression.
func (b *Bindings) Update(source string) (*Update, error) {
	b.begin("UpdateExpression")
	tree, err := updateLanguage.parse(b.kind, source)
	if err != nil {
		return nil, err
	}
	u := &Update{}
	seen := map[string]bool{}
	for _, s := range tree.Sections {
		name, err := b.section(s, u)
		if err != nil {
			return nil, err
		}
		if seen[name] {
			return nil, b.errorf("The %q section can only be used once in an update expression;", name)
		}
		seen[name] = true
	}
	paths := make([]path, len(u.actions))
	for i, a := range u.actions {
		paths[i] = a.path
	}
	return u, b.disjoint(paths)
}

func (b *Bindings) section(s *sectionNode, u *Update) (string, error) {
	for _, n := range s.Set {
		if err := b.setAction(n, u); err != nil {
			return "", err
		}
	}
	for _, n := range s.Remove {
		p, err := b.path(n)
		if err != nil {
			return "", err
		}
		u.actions = append(u.actions, action{section: "REMOVE", path: p})
	}
	if err := b.pairs("ADD", s.Add, u); err != nil {
		return "", err
	}
	if err := b.pairs("DELETE", s.Delete, u); err != nil {
		return "", err
	}
	return u.actions[len(u.actions)-1].section, nil
}

func (b *Bindings) setAction(n *setNode, u *Update) error {
	p, err := b.path(n.Path)
	if err != nil {
		return err
	}
	a := action{section: "SET", path: p, minus: n.Operator == "-"}
	if a.left, err = b.operand(n.Left); err != nil {
		return err
	}
	if n.Right != nil {
		right, err := b.operand(n.Right)
		if err != nil {
			return err
		}
		a.right = &right
		for _, o := range []operand{a.left, right} {
			if o.value != nil && o.value.Kind != Number {
				return b.errorf("Incorrect operand type for operator or function; operator or function: %s, operand type: %s", n.Operator, o.value.Kind)
			}
		}
	}
	u.actions = append(u.actions, a)
	return nil
}

// pairs binds ADD and DELETE, which take values only.
func (b *Bindings) pairs(section string, nodes []*pairNode, u *Update) error {
	words := map[Kind]string{String: "STRING", Number: "NUMBER", Binary: "BINARY", Bool: "BOOLEAN", Null: "NULL", Map: "MAP", List: "LIST"}
	for _, n := range nodes {
		p, err := b.path(n.Path)
		if err != nil {
			return err
		}
		v, err := b.value(n.Value)
		if err != nil {
			return err
		}
		if word, scalar := words[v.Kind]; scalar && (section == "DELETE" || v.Kind != Number) {
			return b.errorf("Incorrect operand type for operator or function; operator: %s, operand type: %s, typeSet: ALLOWED_FOR_%s_OPERAND", section, word, section)
		}
		u.actions = append(u.actions, action{section: section, path: p, left: operand{value: &v}})
	}
	return nil
}

// Names are the top-level attributes that the update writes.
func (u *Update) Names() []string { return u.Paths().Names() }

// Paths are the places that the update writes, which UPDATED_OLD and UPDATED_NEW show.
func (u *Update) Paths() Projection {
	var p Projection
	for _, a := range u.actions {
		p.paths = append(p.paths, a.path)
	}
	return p
}

var (
	errOperandType = errorf("An operand in the update expression has an incorrect data type")
	errNoAttribute = errorf("The provided expression refers to an attribute that does not exist in the item")
)

// Apply is the item after the update. Every operand is read from the item as it was before.
func (u *Update) Apply(item Item) (Item, error) {
	type change struct {
		path path
		to   *Value
	}
	var sets, removes []change
	for _, a := range u.actions {
		to, err := a.result(item)
		switch {
		case err != nil:
			return nil, err
		case to == nil:
			removes = append(removes, change{a.path, nil})
		default:
			sets = append(sets, change{a.path, to})
		}
	}
	last := func(c change) int { return c.path[len(c.path)-1].index }
	slices.SortStableFunc(sets, func(a, b change) int { return last(a) - last(b) })
	slices.SortStableFunc(removes, func(a, b change) int { return last(b) - last(a) }) // so that an index still means what it meant
	v := Value{Kind: Map, Map: item}
	if item == nil {
		v.Map = Item{}
	}
	for _, c := range append(sets, removes...) {
		next, err := v.with(c.path, c.to)
		if err != nil {
			return nil, err
		}
		v = next
	}
	return v.Map, nil
}

// result is the new value, nil for none.
func (a action) result(item Item) (*Value, error) {
	switch a.section {
	case "REMOVE":
		return nil, nil
	case "SET":
		v, err := a.left.compute(item)
		if err != nil || a.right == nil {
			return &v, err
		}
		right, err := a.right.compute(item)
		if err != nil {
			return nil, err
		}
		if v.Kind != Number || right.Kind != Number {
			return nil, errOperandType
		}
		v, err = addNumbers(v.Text, right.Text, a.minus)
		return &v, err
	}
	old, exists := a.path.get(item)
	if a.section == "ADD" {
		return a.add(old, exists)
	}
	return a.subtract(old, exists)
}

func (a action) add(old Value, exists bool) (*Value, error) {
	v := *a.left.value
	switch {
	case !exists:
		return &v, nil
	case old.Kind != v.Kind:
		return nil, errOperandType
	case v.Kind == Number:
		sum, err := addNumbers(old.Text, v.Text, false)
		return &sum, err
	}
	all := slices.Concat(old.Set, v.Set)
	slices.Sort(all)
	return &Value{Kind: v.Kind, Set: slices.Compact(all)}, nil
}

func (a action) subtract(old Value, exists bool) (*Value, error) {
	v := *a.left.value
	if !exists {
		return nil, nil
	}
	if old.Kind != v.Kind {
		return nil, errOperandType
	}
	rest := slices.DeleteFunc(slices.Clone(old.Set), func(e string) bool { return slices.Contains(v.Set, e) })
	if len(rest) == 0 {
		return nil, nil
	}
	return &Value{Kind: v.Kind, Set: rest}, nil
}

// compute is the value of an operand of SET.
func (o operand) compute(item Item) (Value, error) {
	switch {
	case o.value != nil:
		return *o.value, nil
	case o.path != nil:
		v, ok := o.path.get(item)
		if !ok {
			return v, errNoAttribute
		}
		return v, nil
	case o.function == "if_not_exists":
		otherwise, err := o.arguments[1].compute(item) // which has to be there in either case
		if v, ok := o.arguments[0].path.get(item); ok {
			return v, err
		}
		return otherwise, err
	}
	left, err := o.arguments[0].compute(item)
	if err != nil {
		return left, err
	}
	right, err := o.arguments[1].compute(item)
	if err != nil {
		return right, err
	}
	if left.Kind != List || right.Kind != List {
		return left, errOperandType
	}
	return Value{Kind: List, List: slices.Concat([]Value{}, left.List, right.List)}, nil
}
