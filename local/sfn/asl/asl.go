// Package asl is the Amazon States Language as far as our definitions use it: JSONPath as the query
// language, the states Task, Wait, Choice, Pass, Succeed and Fail, lambda:invoke as the only task.
// Parse refuses what it does not know by naming state and field, and every state that is missing or
// unreachable, so that a definition that is accepted can be run whole.
//
// Everything is pure: no clock, no calls. local/sfn runs what is parsed here. The language is described
// at https://states-language.net/spec.html and in the Step Functions Developer Guide.
package asl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Names of errors that the interpreter itself raises: "Error names" in the Developer Guide.
const (
	All               = "States.ALL"
	Runtime           = "States.Runtime"
	Timeout           = "States.Timeout"
	TaskFailed        = "States.TaskFailed"
	NoChoiceMatched   = "States.NoChoiceMatched"
	ResultPathMatch   = "States.ResultPathMatchFailure"
	IntrinsicFailure  = "States.IntrinsicFailure"
	DataLimitExceeded = "States.DataLimitExceeded"
)

// Error is a failure inside an execution. States.Runtime and States.DataLimitExceeded end the
// execution; all others go to the state's Retry and Catch.
type Error struct {
	Name  string
	Cause string
}

func (e *Error) Error() string { return e.Name + ": " + e.Cause }

func fail(name, format string, args ...any) *Error {
	return &Error{Name: name, Cause: fmt.Sprintf(format, args...)}
}

// MaxData is the largest input, output or result, in bytes.
const MaxData = 256 << 10

// Scope is what a path may refer to: the state's input as $, the context object as $$.
type Scope struct {
	Input   any
	Context any
}

// Machine is a definition that may be run.
type Machine struct {
	StartAt string
	Timeout time.Duration // 0 means a year, the longest that AWS lets an execution run
	States  map[string]*State
}

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
