package expression

// KeyCondition is a bound KeyConditionExpression: the partition, and what the sort key must meet.
type KeyCondition struct {
	Partition Value
	Sort      Condition // nil when it says nothing of the sort key
	SortKind  Kind      // of what the sort key is compared with
	Low       *Value    // no sort key that meets it is below this; nil when unknown
}

// KeyCondition binds a KeyConditionExpression for a table or index with these key attributes; sort is
// empty where there is no sort key.
func (b *Bindings) KeyCondition(source, partition, sort string) (KeyCondition, error) {
	b.begin("KeyConditionExpression")
	tree, err := conditionLanguage.parse(b.kind, source)
	if err != nil {
		return KeyCondition{}, err
	}
	var tests []*testNode
	if err := b.conjuncts(tree, &tests); err != nil {
		return KeyCondition{}, err
	}
	var out KeyCondition
	seen := map[string]bool{}
	for _, t := range tests {
		name, err := b.keyTest(t, &out, partition, sort)
		if err != nil {
			return out, err
		}
		if seen[name] {
			return out, errorf("KeyConditionExpressions must only contain one condition per key")
		}
		seen[name] = true
	}
	if !seen[partition] {
		return out, errorf("Query condition missed key schema element: %s", partition)
	}
	return out, nil
}

// conjuncts takes ANDs and parentheses apart; a key condition has nothing else.
func (b *Bindings) conjuncts(node *orNode, into *[]*testNode) error {
	if len(node.Terms) > 1 {
		return b.errorf("Invalid operator used in KeyConditionExpression: OR")
	}
	for _, n := range node.Terms[0].Terms {
		if n.Not != nil {
			return b.errorf("Invalid operator used in KeyConditionExpression: NOT")
		}
		if n.Test.Group == nil {
			*into = append(*into, n.Test)
			continue
		}
		if err := b.conjuncts(n.Test.Group, into); err != nil {
			return err
		}
	}
	return nil
}

var errKeyCondition = errorf("Query key condition not supported")

func (b *Bindings) keyTest(t *testNode, out *KeyCondition, partition, sort string) (string, error) {
	condition, err := b.test(t)
	if err != nil {
		return "", err
	}
	subject, low := t.Left, t.Right
	if t.Low != nil {
		low = t.Low
	}
	if f := t.Left.Function; f != nil {
		if f.Name != "begins_with" {
			return "", b.errorf("Invalid operator used in KeyConditionExpression: %s", f.Name)
		}
		subject, low = f.Arguments[0], f.Arguments[1]
	}
	if operator := t.Compare; operator == "<>" || t.In != nil {
		if t.In != nil {
			operator = "IN"
		}
		return "", b.errorf("Invalid operator used in KeyConditionExpression: %s", operator)
	}
	if subject.Path == nil || len(subject.Path.Tail) > 0 || low == nil || low.Value == "" || (t.High != nil && t.High.Value == "") {
		return "", errKeyCondition
	}
	name, err := b.name(subject.Path.Head)
	if err != nil {
		return "", err
	}
	value, err := b.value(low.Value)
	if err != nil {
		return "", err
	}
	switch {
	case name == partition && t.Compare == "=":
		out.Partition = value
	case name == sort && sort != "":
		out.Sort, out.SortKind = condition, value.Kind
		if t.Compare != "<" && t.Compare != "<=" {
			out.Low = &value
		}
	default:
		return name, errKeyCondition
	}
	return name, nil
}
