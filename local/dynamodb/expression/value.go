// Package expression is DynamoDB's data and its little languages: attribute values, numbers of 38
// digits, and condition, key condition, update and projection expressions, with DynamoDB's own words
// for what is wrong with them.
//
// It refuses reserved words, undefined and unused placeholders, and whatever DynamoDB's grammar does
// not have. It knows neither tables nor requests; local/dynamodb is its caller.
package expression

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Kind is an attribute type by its name on the wire.
type Kind string

// The attribute types.
const (
	String    Kind = "S"
	Number    Kind = "N"
	Binary    Kind = "B"
	Bool      Kind = "BOOL"
	Null      Kind = "NULL"
	Map       Kind = "M"
	List      Kind = "L"
	StringSet Kind = "SS"
	NumberSet Kind = "NS"
	BinarySet Kind = "BS"
)

// Item is what a row holds. An Item that was stored is never changed in place.
type Item = map[string]Value

// Value is one attribute value. The zero value is no value and is refused by Check.
type Value struct {
	Kind Kind
	Text string   // S, N in its canonical form, B as raw bytes
	Bool bool     // BOOL
	Map  Item     // M
	List []Value  // L
	Set  []string // SS, NS, BS: each as in Text, sorted

	problem string // what DynamoDB says about a value that was not well formed
}

const (
	emptyValue   = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
	severalTypes = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
	invalid      = "One or more parameter values were invalid: "
)

// UnmarshalJSON reads {"S": "text"} and its kin. JSON of the wrong shape is an error at once; what
// DynamoDB calls a validation error is kept for Check.
func (v *Value) UnmarshalJSON(b []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		return err
	}
	*v = Value{}
	switch {
	case len(members) == 0:
		v.problem = emptyValue
	case len(members) > 1:
		v.problem = severalTypes
	}
	for kind, raw := range members {
		if err := v.read(Kind(kind), raw); err != nil {
			return err
		}
	}
	return nil
}

func (v *Value) read(kind Kind, raw json.RawMessage) error {
	v.Kind = kind
	switch kind {
	case String:
		return json.Unmarshal(raw, &v.Text)
	case Number:
		if err := json.Unmarshal(raw, &v.Text); err != nil {
			return err
		}
		v.normaliseNumber(&v.Text)
		return nil
	case Binary:
		var b []byte
		err := json.Unmarshal(raw, &b)
		v.Text = string(b)
		return err
	case Bool:
		return json.Unmarshal(raw, &v.Bool)
	case Null:
		var null bool
		err := json.Unmarshal(raw, &null)
		if !null {
			v.problem = invalid + "Null attribute value types must have the value of true"
		}
		return err
	case Map:
		v.Map = Item{}
		return json.Unmarshal(raw, &v.Map)
	case List:
		v.List = []Value{}
		return json.Unmarshal(raw, &v.List)
	case StringSet, NumberSet, BinarySet:
		return v.readSet(raw)
	}
	v.problem = emptyValue
	return nil
}

func (v *Value) readSet(raw json.RawMessage) error {
	if v.Kind == BinarySet {
		var elements [][]byte
		if err := json.Unmarshal(raw, &elements); err != nil {
			return err
		}
		for _, e := range elements {
			v.Set = append(v.Set, string(e))
		}
	} else if err := json.Unmarshal(raw, &v.Set); err != nil {
		return err
	}
	names := map[Kind]string{StringSet: "An string set  may not be empty", NumberSet: "An number set  may not be empty", BinarySet: "Binary sets should not be empty"}
	if len(v.Set) == 0 {
		v.problem = invalid + names[v.Kind]
	}
	if v.Kind == NumberSet {
		for i := range v.Set {
			v.normaliseNumber(&v.Set[i])
		}
	}
	given := strings.Join(v.Set, ", ")
	slices.Sort(v.Set)
	if v.problem == "" && len(slices.Compact(slices.Clone(v.Set))) != len(v.Set) {
		v.problem = invalid + "Input collection [" + given + "] contains duplicates."
	}
	return nil
}

func (v *Value) normaliseNumber(text *string) {
	n, err := parseNumber(*text)
	if err != nil {
		v.problem = err.Error()
		return
	}
	*text = n.String()
}

// maxDepth is how deep maps and lists may be nested (DynamoDB's constraint on item nesting).
const maxDepth = 32

// Check says what DynamoDB would say about a value that is not well formed, or nil.
func (v Value) Check() error { return v.check(1) }

func (v Value) check(depth int) error {
	if v.problem != "" {
		return errorf("%s", v.problem)
	}
	if v.Kind == "" {
		return errorf(emptyValue)
	}
	if depth > maxDepth {
		return errorf("Nesting Levels have exceeded supported limits")
	}
	for _, e := range v.List {
		if err := e.check(depth + 1); err != nil {
			return err
		}
	}
	for _, e := range v.Map {
		if err := e.check(depth + 1); err != nil {
			return err
		}
	}
	return nil
}

// MarshalJSON writes the value as DynamoDB's JSON does.
func (v Value) MarshalJSON() ([]byte, error) {
	switch v.Kind {
	case String, Number:
		return member(v.Kind, v.Text)
	case Binary:
		return member(v.Kind, base64.StdEncoding.EncodeToString([]byte(v.Text)))
	case Bool:
		return member(v.Kind, v.Bool)
	case Null:
		return []byte(`{"NULL":true}`), nil
	case Map:
		return member(v.Kind, v.Map)
	case List:
		return member(v.Kind, v.List)
	case StringSet, NumberSet:
		return member(v.Kind, v.Set)
	case BinarySet:
		encoded := make([]string, len(v.Set))
		for i, e := range v.Set {
			encoded[i] = base64.StdEncoding.EncodeToString([]byte(e))
		}
		return member(v.Kind, encoded)
	}
	return nil, fmt.Errorf("writing an attribute value of kind %q", v.Kind)
}

func member(kind Kind, value any) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(`{"` + string(kind) + `":`)
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return nil, err
	}
	b.Truncate(b.Len() - 1) // Encode ends with a newline
	b.WriteByte('}')
	return b.Bytes(), nil
}

// String is the value as DynamoDB's error texts show it.
func (v Value) String() string {
	text := v.Text
	switch v.Kind {
	case Bool:
		text = fmt.Sprint(v.Bool)
	case Null:
		text = "true"
	case Map, List, StringSet, NumberSet, BinarySet:
		text = "[...]"
	}
	return "{" + string(v.Kind) + ":" + text + "}"
}

// Error is a refusal in DynamoDB's words; a caller answers it as a ValidationException.
type Error struct{ Message string }

func (e *Error) Error() string { return e.Message }

func errorf(format string, args ...any) error {
	return &Error{Message: fmt.Sprintf(format, args...)}
}
