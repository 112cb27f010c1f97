// Package expression is how a state of the Amazon States Language takes apart and puts together its
// data: reference paths, payload templates and intrinsic functions, as far as our definitions use
// them. What it cannot do, such as wildcards, filters and most functions, is refused when it is parsed.
//
// Values are those of Decode and are never changed. local/sfn/asl parses states with it.
package expression

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Names of errors that come from here: "Error names" in the Step Functions Developer Guide.
const (
	Runtime          = "States.Runtime"
	ResultPathMatch  = "States.ResultPathMatchFailure"
	IntrinsicFailure = "States.IntrinsicFailure"
)

// Error is a failure inside an execution, by the name that Retry and Catch see.
type Error struct {
	Name  string
	Cause string
}

func (e *Error) Error() string { return e.Name + ": " + e.Cause }

// Fail makes an Error.
func Fail(name, format string, args ...any) *Error {
	return &Error{Name: name, Cause: fmt.Sprintf(format, args...)}
}

// Scope is what a path may refer to: the state's input as $, the context object as $$.
type Scope struct {
	Input   any
	Context any
}

// Expression is a path or the call of an intrinsic function. Value is what it comes to; field is the
// name of the field that it is for, which errors show.
type Expression interface {
	Value(field string, s Scope) (any, *Error)
}

// Literal is the expression of a fixed value.
func Literal(v any) Expression { return literal{v} }

type literal struct{ v any }

func (l literal) Value(string, Scope) (any, *Error) { return l.v, nil }

// Decode reads one JSON value, keeping numbers as they are written.
func Decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("more follows the JSON value")
	}
	return v, nil
}

// Encode writes a value of Decode as JSON.
func Encode(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "null" // only values of Decode come here, and they can be written
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}
