// Package asl is the Amazon States Language as far as our definitions use it: JSONPath as the query
// language, the states Task, Wait, Choice, Pass, Succeed and Fail, lambda:invoke as the only task.
// Parse refuses what it does not know by naming state and field, and every state that is missing or
// unreachable, so that a definition that is accepted can be run whole.
//
// Everything is pure: no clock, no calls. local/sfn runs what is parsed here. The language is described
// at https://states-language.net/spec.html and in the Step Functions Developer Guide.
package asl

import (
	"time"

	"github.com/keyward/keyward/local/sfn/expression"
)

// Names of errors that the interpreter itself raises: "Error names" in the Developer Guide.
const (
	All               = "States.ALL"
	Runtime           = expression.Runtime
	Timeout           = "States.Timeout"
	TaskFailed        = "States.TaskFailed"
	NoChoiceMatched   = "States.NoChoiceMatched"
	DataLimitExceeded = "States.DataLimitExceeded"
)

// What paths and templates work with, under the names of this package.
type (
	// Error is a failure inside an execution. States.Runtime and States.DataLimitExceeded end the
	// execution; all others go to the state's Retry and Catch.
	Error = expression.Error
	// Scope is what a path may refer to.
	Scope = expression.Scope
)

// MaxData is the largest input, output or result, in bytes.
const MaxData = 256 << 10

// Machine is a definition that may be run.
type Machine struct {
	StartAt string
	Timeout time.Duration // 0 means a year, the longest that AWS lets an execution run
	States  map[string]*State
}
