package expression

import (
	"slices"
	"strconv"
	"strings"
)

// Condition says whether an item meets a condition or filter; a missing item is an empty one.
type Condition func(Item) bool

// Condition binds a ConditionExpression or a FilterExpression; kind is that name.
func (b *Bindings) Condition(kind, source string) (Condition, error) {
	b.begin(kind)
	tree, err := conditionLanguage.parse(kind, source)
	if err != nil {
		return nil, err
	}
	return b.or(tree)
}

func (b *Bindings) or(node *orNode) (Condition, error) {
	terms := make([]Condition, len(node.Terms))
	for i, n := range node.Terms {
		term, err := b.and(n)
		if err != nil {
			return nil, err
		}
		terms[i] = term
	}
	if len(terms) == 1 {
		return terms[0], nil
	}
	return func(item Item) bool {
		return slices.ContainsFunc(terms, func(c Condition) bool { return c(item) })
	}, nil
}

func (b *Bindings) and(node *andNode) (Condition, error) {
	terms := make([]Condition, len(node.Terms))
	for i, n := range node.Terms {
		term, err := b.not(n)
		if err != nil {
			return nil, err
		}
		terms[i] = term
	}
	if len(terms) == 1 {
		return terms[0], nil
	}
	return func(item Item) bool {
		return !slices.ContainsFunc(terms, func(c Condition) bool { return !c(item) })
	}, nil
}

func (b *Bindings) not(node *notNode) (Condition, error) {
	if node.Not == nil {
		return b.test(node.Test)
	}
	inner, err := b.not(node.Not)
	if err != nil {
		return nil, err
	}
	return func(item Item) bool { return !inner(item) }, nil
}

func (b *Bindings) test(node *testNode) (Condition, error) {
	if node.Group != nil {
		if node.Group.parenthesised() {
			return nil, b.errorf("The expression has redundant parentheses;")
		}
		return b.or(node.Group)
	}
	var operands []operand
	for _, n := range append([]*operandNode{node.Left, node.Right, node.Low, node.High}, node.In...) {
		if n == nil {
			continue
		}
		o, err := b.operand(n)
		if err != nil {
			return nil, err
		}
		operands = append(operands, o)
	}
	if len(operands) == 1 {
		return b.call(operands[0], node)
	}
	for _, o := range operands {
		if o.function != "" && o.function != "size" {
			return nil, b.errorf("The function is not allowed to be used this way in an expression; function: %s", o.function)
		}
	}
	operator := node.Compare
	switch {
	case node.Low != nil:
		operator = "BETWEEN"
	case node.In != nil:
		operator = "IN"
	}
	return b.compare(operator, operands)
}

// parenthesised says whether there is nothing but a group inside.
func (n *orNode) parenthesised() bool {
	return len(n.Terms) == 1 && len(n.Terms[0].Terms) == 1 && n.Terms[0].Terms[0].Not == nil && n.Terms[0].Terms[0].Test.Group != nil
}

// subject is the first word of a test, for the error that it is compared with nothing.
func (n *testNode) subject() string {
	if n.Left.Path != nil {
		return n.Left.Path.Head
	}
	return n.Left.Value
}

// call is a function that stands alone.
func (b *Bindings) call(o operand, node *testNode) (Condition, error) {
	switch o.function {
	case "":
		return nil, b.errorf("Syntax error; token: \"<EOF>\", near: %q", node.subject())
	case "size":
		return nil, b.errorf("The function is not allowed to be used this way in an expression; function: size")
	}
	return func(item Item) bool {
		first, exists := o.arguments[0].get(item)
		if o.function == "attribute_exists" {
			return exists
		}
		if o.function == "attribute_not_exists" {
			return !exists
		}
		second, ok := o.arguments[1].get(item)
		if !exists || !ok {
			return false
		}
		switch o.function {
		case "attribute_type":
			return string(first.Kind) == second.Text
		case "contains":
			return first.contains(second)
		}
		text := first.Kind == String || first.Kind == Binary
		return text && first.Kind == second.Kind && strings.HasPrefix(first.Text, second.Text)
	}, nil
}

func (o operand) get(item Item) (Value, bool) {
	switch {
	case o.value != nil:
		return *o.value, true
	case o.path != nil:
		return o.path.get(item)
	}
	v, ok := o.arguments[0].get(item)
	if !ok {
		return Value{}, false
	}
	n, ok := v.count()
	return Value{Kind: Number, Text: strconv.Itoa(n)}, ok
}

func (b *Bindings) compare(operator string, operands []operand) (Condition, error) {
	if operator != "=" && operator != "<>" && operator != "IN" {
		if err := b.checkOrdered(operator, operands); err != nil {
			return nil, err
		}
	}
	for _, o := range operands[1:] {
		if operands[0].same(o) {
			return nil, b.errorf("The first operand must be distinct from the remaining operands for this operator or function; operator: %s, first operand: %s", operator, o.path)
		}
	}
	return func(item Item) bool {
		first, ok := operands[0].get(item)
		if operator == "<>" {
			other, there := operands[1].get(item)
			return !ok || !there || !first.Equal(other)
		}
		if !ok {
			return false
		}
		if operator == "BETWEEN" {
			return ordered(">=", first, operands[1], item) && ordered("<=", first, operands[2], item)
		}
		return slices.ContainsFunc(operands[1:], func(o operand) bool { return ordered(operator, first, o, item) })
	}, nil
}

func ordered(operator string, first Value, o operand, item Item) bool {
	second, ok := o.get(item)
	if !ok {
		return false
	}
	if operator == "=" || operator == "IN" {
		return first.Equal(second)
	}
	order, ok := first.Compare(second)
	return ok && holds(operator, order)
}

func holds(operator string, order int) bool {
	switch operator {
	case "=":
		return order == 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

// checkOrdered refuses values that have no order, and bounds that are the wrong way round.
func (b *Bindings) checkOrdered(operator string, operands []operand) error {
	for _, o := range operands {
		if o.value == nil {
			continue
		}
		if _, ok := o.value.Compare(*o.value); !ok {
			return b.errorf("Incorrect operand type for operator or function; operator or function: %s, operand type: %s", operator, o.value.Kind)
		}
	}
	if operator != "BETWEEN" || operands[1].value == nil || operands[2].value == nil {
		return nil
	}
	low, high := *operands[1].value, *operands[2].value
	order, ok := low.Compare(high)
	switch {
	case !ok:
		return b.errorf("The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: %s, upper bound operand: AttributeValue: %s", low, high)
	case order > 0:
		return b.errorf("The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: %s, upper bound operand: AttributeValue: %s", low, high)
	}
	return nil
}
