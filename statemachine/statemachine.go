// Package statemachine is the definition of the enforcement: from a verdict to the warning, the wait,
// another look, the revocation and its read-back; or to a restore, or to one notice. template.yaml
// deploys the file, tests and tools read it here.
//
// It decides nothing: every decision is the answer of a function, and an answer that is not known
// holds. The input of an execution and of its tasks is shared/enforcement.
package statemachine

import _ "embed" // the definition

// Enforcement is the definition in the Amazon States Language, with ${RecheckFunctionArn},
// ${SafeguardFunctionArn}, ${RevokeFunctionArn}, ${RestoreFunctionArn} and ${NotifyFunctionArn} still to be substituted.
//
//go:embed enforcement.asl.json
var Enforcement []byte
