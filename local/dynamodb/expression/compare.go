package expression

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Equal says whether two values are the same: of one type, numbers by worth, sets in any order.
func (v Value) Equal(o Value) bool {
	if v.Kind != o.Kind || v.Text != o.Text || v.Bool != o.Bool || !slices.Equal(v.Set, o.Set) ||
		len(v.Map) != len(o.Map) || len(v.List) != len(o.List) {
		return false
	}
	for i := range v.List {
		if !v.List[i].Equal(o.List[i]) {
			return false
		}
	}
	for name, e := range v.Map {
		if other, ok := o.Map[name]; !ok || !e.Equal(other) {
			return false
		}
	}
	return true
}

// Compare orders two values of one type among S, N and B; ok is false for all others.
func (v Value) Compare(o Value) (order int, ok bool) {
	if v.Kind != o.Kind {
		return 0, false
	}
	switch v.Kind {
	case String, Binary:
		return strings.Compare(v.Text, o.Text), true
	case Number:
		return compareNumbers(v.Text, o.Text), true
	}
	return 0, false
}

// count is what the function size gives; ok is false for types that have no size.
func (v Value) count() (n int, ok bool) {
	switch v.Kind {
	case String:
		return utf8.RuneCountInString(v.Text), true
	case Binary:
		return len(v.Text), true
	case Map:
		return len(v.Map), true
	case List:
		return len(v.List), true
	case StringSet, NumberSet, BinarySet:
		return len(v.Set), true
	}
	return 0, false
}

// contains is the function of that name.
func (v Value) contains(o Value) bool {
	switch v.Kind {
	case String, Binary:
		return v.Kind == o.Kind && strings.Contains(v.Text, o.Text)
	case List:
		return slices.ContainsFunc(v.List, o.Equal)
	case StringSet, NumberSet, BinarySet:
		return v.Kind == o.Kind+"S" && slices.Contains(v.Set, o.Text)
	}
	return false
}

// Bytes is the size of an item by DynamoDB's rules ("Item sizes and formats"): names and texts in
// UTF-8, numbers at about a byte for two digits, three bytes and one an element around documents.
func Bytes(item Item) int {
	n := 0
	for name, v := range item {
		n += len(name) + v.bytes()
	}
	return n
}

func (v Value) bytes() int {
	switch v.Kind {
	case String, Binary:
		return len(v.Text)
	case Number:
		return numberBytes(v.Text)
	case Map:
		return 3 + len(v.Map) + Bytes(v.Map)
	case List:
		n := 3 + len(v.List)
		for _, e := range v.List {
			n += e.bytes()
		}
		return n
	case StringSet, NumberSet, BinarySet:
		n := 0
		for _, e := range v.Set {
			if v.Kind == NumberSet {
				n += numberBytes(e)
			} else {
				n += len(e)
			}
		}
		return n
	}
	return 1
}

func numberBytes(text string) int {
	n, _ := parseNumber(text)
	size := (len(n.digits)+1)/2 + 1
	if n.negative {
		size++
	}
	return size
}
