package custom

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"

	"github.com/keyward/keyward/shared/policy"
)

// report takes over CEL's errors: where in the document, and what is allowed.
func (t *text) report(issues *cel.Issues) {
	for _, e := range issues.Errors() {
		t.wrong(max(1, e.Location.Line()), max(0, e.Location.Column())+1, t.explain(e.ExprID, e.Message))
	}
}

var (
	undefinedField = regexp.MustCompile(`^undefined field '([^']*)'$`)
	undeclared     = regexp.MustCompile(`^undeclared reference to '([^']*)'`)
	noOverload     = regexp.MustCompile(`^found no matching overload for '([^']*)' applied to '(.*)'$`)
	badLiteral     = regexp.MustCompile(`^invalid (duration|timestamp) argument$`)
)

// explain puts an error of CEL in words that say what is allowed.
func (t *text) explain(id int64, message string) string {
	if m := undefinedField.FindStringSubmatch(message); m != nil {
		return t.noField(id, m[1])
	}
	if m := undeclared.FindStringSubmatch(message); m != nil {
		return t.noName(m[1])
	}
	if m := noOverload.FindStringSubmatch(message); m != nil {
		return fmt.Sprintf("%s does not go with %s", operator(m[1]), strings.Replace(plain(m[2]), ", clock)", ")", 1))
	}
	if m := badLiteral.FindStringSubmatch(message); m != nil {
		return map[string]string{
			"duration":  `is no duration, expected hours, minutes or seconds such as duration("72h")`,
			"timestamp": `is no time, expected one such as timestamp("2026-01-31T00:00:00Z")`,
		}[m[1]]
	}
	if rest, ok := strings.CutPrefix(message, "Syntax error: "); ok {
		rest, _, _ = strings.Cut(rest, " expecting ")
		return "is not CEL: " + strings.NewReplacer("mismatched input '<EOF>'", "something is missing at the end", "\n", " ").Replace(rest)
	}
	return plain(strings.ReplaceAll(message, "\n", " "))
}

// noField names the fields that there are, when it is plain of what.
func (t *text) noField(id int64, name string) string {
	k := t.operand(id)
	if k == nil {
		return fmt.Sprintf("there is no field %q", name)
	}
	return fmt.Sprintf("%s has no field %q, expected %s%s",
		strings.TrimPrefix(k.name, typePrefix), name, strings.Join(k.names(), ", "), policy.DidYouMean(name, k.names()))
}

// operand is the class from which an expression selects a field.
func (t *text) operand(id int64) *class {
	var found *class
	ast.PostOrderVisit(t.parsed.Expr(), ast.NewExprVisitor(func(x ast.Expr) {
		if x.ID() == id && x.Kind() == ast.SelectKind {
			found = t.classOf(x.AsSelect().Operand())
		}
	}))
	return found
}

// classOf follows names and selections. A variable of exists or all has the class of the list it goes
// through.
func (t *text) classOf(x ast.Expr) *class {
	switch x.Kind() {
	case ast.IdentKind:
		switch name := x.AsIdent(); name {
		case evidenceName:
			return known().evidence
		case elementName:
			if t.each != nil {
				return t.each.of
			}
		default:
			return t.variable(name)
		}
	case ast.SelectKind:
		if k := t.classOf(x.AsSelect().Operand()); k != nil {
			if f := k.byName[x.AsSelect().FieldName()]; f != nil {
				return f.of
			}
		}
	}
	return nil
}

func (t *text) variable(name string) *class {
	var found *class
	ast.PostOrderVisit(t.parsed.Expr(), ast.NewExprVisitor(func(x ast.Expr) {
		if x.Kind() == ast.ComprehensionKind && x.AsComprehension().IterVar() == name {
			found = t.classOf(x.AsComprehension().IterRange())
		}
	}))
	return found
}

// noName names the variables and functions that there are.
func (t *text) noName(name string) string {
	variables := []string{evidenceName}
	if t.each != nil {
		variables = []string{elementName, evidenceName}
	}
	switch {
	case name == "has":
		return "has is not part of the language: a fact that is not known makes the rule Unknown, and missing says what follows"
	case name == elementName:
		return `there is no "e" without each; expected evidence`
	case name == "dyn" || name == "type":
		return name + " is not part of the language: every value has the type that the evidence gives it"
	}
	all := append(slices.Clone(variables), words()...)
	return fmt.Sprintf("there is no %q, expected %s or a function%s", name, strings.Join(variables, ", "), policy.DidYouMean(name, all))
}

// words are the functions that people write by name.
func words() []string {
	return []string{
		ageName, versionCall, networkCall, "size", "contains", "startsWith", "endsWith", "matches", "string", "int", "duration", "timestamp",
		"exists", "all", "exists_one", "filter", "map", "getHours", "getDayOfWeek",
	}
}

// operator is what an operator of CEL looks like in an expression.
func operator(name string) string {
	switch name {
	case operators.Conditional:
		return "? :"
	case operators.Index:
		return "[ ]"
	}
	return strings.Trim(name, "_@")
}
