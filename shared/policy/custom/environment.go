package custom

import (
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/decls"
	"cel.dev/cel-go/common/env"
	"cel.dev/cel-go/common/types"
)

// The variables of expressions.
const (
	elementName  = "e"        // one element of each
	evidenceName = "evidence" // everything
)

// Limits on the form of an expression; the text itself is limited by the policy's reader.
const (
	maxNodes   = 1000
	maxNesting = 60
	maxLoops   = 2
)

// standard is CEL's own library without what would get round the types, and without has: a fact that is
// not known makes the rule Unknown, and testing for it would turn doubt into an answer.
func standard() cel.EnvOption {
	without := env.NewLibrarySubset().AddExcludedMacros("has").
		AddExcludedFunctions(&env.Function{Name: "dyn"}, &env.Function{Name: "type"})
	return cel.StdLib(cel.StdLibSubset(without))
}

// base is the environment of expressions about the whole evidence. It is made when the first policy with
// a custom rule is compiled.
var base = sync.OnceValues(func() (*cel.Env, error) {
	own, err := types.NewRegistry()
	if err != nil {
		return nil, err
	}
	options := []cel.EnvOption{
		standard(), cel.CustomTypeAdapter(own), cel.CustomTypeProvider(provider{own}),
		cel.Variable(evidenceName, types.NewObjectType(known().evidence.name)),
		cel.EnableHiddenAccumulatorName(true), cel.DefaultUTCTimeZone(true),
		cel.ExpressionNodeLimit(maxNodes), cel.ParserRecursionLimit(maxNesting), cel.ExpressionNestingDepthLimit(maxNesting), cel.ParserErrorRecoveryLimit(4),
		cel.ASTValidators(
			cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals(), cel.ValidateHomogeneousAggregateLiterals(),
			cel.ValidateComprehensionNestingLimit(maxLoops),
		),
	}
	return cel.NewCustomEnv(append(options, functions()...)...)
})

// environment is the one for expressions about one element, or about the whole evidence when each is nil.
func environment(each *field) (*cel.Env, error) {
	whole, err := base()
	if err != nil || each == nil {
		return whole, err
	}
	return whole.Extend(cel.VariableDecls(decls.NewVariable(elementName, element(each))))
}

// element is the type of the elements of a list.
func element(each *field) *types.Type { return each.cel.Parameters()[0] }
