package events

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// compileMatcher compiles one element of a leaf's list.
func compileMatcher(v any) (matcher, error) {
	operator, ok := v.(map[string]any)
	if !ok {
		return exact(v)
	}
	if len(operator) != 1 {
		return nil, fmt.Errorf("want one operator, got %d", len(operator))
	}
	for name, operand := range operator {
		switch name {
		case "exists":
			want, ok := operand.(bool)
			if !ok {
				return nil, fmt.Errorf("exists: want true or false")
			}
			return func(_ any, there bool) bool { return there == want }, nil
		case "numeric":
			return numeric(operand)
		case "anything-but":
			return anythingBut(operand)
		}
		return text(name, operand)
	}
	return nil, nil
}

// exact matches a string, number, boolean or null. Numbers are compared as they are written, which is
// what EventBridge documents: 300 and 300.0 differ.
func exact(v any) (matcher, error) {
	if _, isList := v.([]any); isList {
		return nil, fmt.Errorf("a list inside a list")
	}
	return func(leaf any, there bool) bool { return there && leaf == v }, nil
}

// text compiles the operators on strings.
func text(name string, operand any) (matcher, error) {
	compare, ok := map[string]func(s, operand string) bool{
		"prefix": strings.HasPrefix, "suffix": strings.HasSuffix, "equals-ignore-case": strings.EqualFold,
	}[name]
	if !ok {
		return nil, fmt.Errorf("operator %q is not one that is here", name)
	}
	want, ok := operand.(string)
	if !ok {
		return nil, fmt.Errorf("%s: want a string", name)
	}
	return func(leaf any, there bool) bool {
		s, ok := leaf.(string)
		return there && ok && compare(s, want)
	}, nil
}

// anythingBut matches every leaf that is there and is none of the operands.
func anythingBut(operand any) (matcher, error) {
	list, ok := operand.([]any)
	if !ok {
		list = []any{operand}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("anything-but: an empty list")
	}
	var refused []matcher
	for _, one := range list {
		if one == nil {
			return nil, fmt.Errorf("anything-but: null")
		}
		var m matcher
		var err error
		if inner, isObject := one.(map[string]any); isObject {
			m, err = compileButOperator(inner)
		} else {
			m, err = exact(one)
		}
		if err != nil {
			return nil, fmt.Errorf("anything-but: %w", err)
		}
		refused = append(refused, m)
	}
	return func(leaf any, there bool) bool {
		for _, m := range refused {
			if m(leaf, there) {
				return false
			}
		}
		return there
	}, nil
}

func compileButOperator(operator map[string]any) (matcher, error) {
	for name, operand := range operator {
		if len(operator) == 1 {
			return text(name, operand)
		}
	}
	return nil, fmt.Errorf("want one operator, got %d", len(operator))
}

// numeric compiles [">", 0, "<=", 5] and its kin.
func numeric(operand any) (matcher, error) {
	list, ok := operand.([]any)
	if !ok || (len(list) != 2 && len(list) != 4) {
		return nil, fmt.Errorf("numeric: want a list of one or two comparisons")
	}
	type bound struct {
		operator string
		value    float64
	}
	var bounds []bound
	for i := 0; i < len(list); i += 2 {
		operator, _ := list[i].(string)
		value, ok := number(list[i+1])
		if !strings.Contains(" < <= > >= = ", " "+operator+" ") || !ok || (operator == "=" && len(list) > 2) {
			return nil, fmt.Errorf("numeric: %v %v is not a comparison", list[i], list[i+1])
		}
		bounds = append(bounds, bound{operator, value})
	}
	return func(leaf any, there bool) bool {
		v, ok := number(leaf)
		for _, b := range bounds {
			ok = ok && there && holds(b.operator, v, b.value)
		}
		return ok
	}, nil
}

func number(v any) (float64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := strconv.ParseFloat(n.String(), 64)
	return f, err == nil
}

func holds(operator string, a, b float64) bool {
	switch operator {
	case "<":
		return a < b
	case "<=":
		return a <= b
	case ">":
		return a > b
	case ">=":
		return a >= b
	}
	return a == b
}
