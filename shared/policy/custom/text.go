package custom

import (
	"fmt"
	"regexp"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"

	"github.com/keyward/keyward/shared/policy"
)

// text is one text of a rule on its way to a program.
type text struct {
	rule     policy.Custom
	name     string // where, expression, message
	source   policy.Source
	want     *cel.Type
	env      *cel.Env
	each     *field
	problems policy.Errors
	reads    []read
	parsed   *ast.AST
	cost     uint64 // on one machine, at most
}

// compile is the program, nil when something is wrong with the text.
func (t *text) compile() cel.Program {
	parsed, issues := t.env.Parse(t.source.Text)
	if issues.Err() != nil {
		t.report(issues)
		return nil
	}
	t.parsed = parsed.NativeRep()
	checked, issues := t.env.Check(parsed)
	if issues.Err() != nil {
		t.report(issues)
		return nil
	}
	if out := checked.OutputType(); !out.IsExactType(t.want) {
		t.wrong(1, 1, fmt.Sprintf("gives %s, expected %s", plain(out.String()), t.want))
		return nil
	}
	t.parsed = checked.NativeRep()
	t.forms()
	if len(t.problems) > 0 || !t.affordable(checked) {
		return nil
	}
	made, err := t.env.Program(checked, cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		t.wrong(1, 1, "cannot be compiled: "+err.Error())
		return nil
	}
	return made
}

// affordable refuses what could take long on some evidence, before any evidence is there.
func (t *text) affordable(checked *cel.Ast) bool {
	var k *class
	most, times := uint64(MaxWhole), uint64(1)
	if t.each != nil {
		k, most, times = t.each.of, MaxElement, uint64(t.each.most())
	}
	c, err := t.env.EstimateCost(checked, estimator{k})
	const instead = "; go through a list with each, or with exists or all in place of filter and map"
	switch {
	case err != nil:
		t.wrong(1, 1, "its cost cannot be estimated: "+err.Error())
	case c.IsUnknown():
		t.wrong(1, 1, fmt.Sprintf("its cost has no bound, expected at most %d%s", most, instead))
	case c.Max > most:
		t.wrong(1, 1, fmt.Sprintf("may cost %d, expected at most %d%s", c.Max, most, instead))
	default:
		t.cost = c.Max * times
		return true
	}
	return false
}

// forms refuses what the types allow and nobody can have meant, and collects what is read.
func (t *text) forms() {
	ast.PostOrderVisit(t.parsed.Expr(), ast.NewExprVisitor(func(x ast.Expr) {
		switch x.Kind() {
		case ast.StructKind:
			t.at(x.ID(), "makes an object, and there is nothing to do with one")
		case ast.ComprehensionKind:
			for _, v := range []string{x.AsComprehension().IterVar(), x.AsComprehension().IterVar2()} {
				if v == elementName || v == evidenceName {
					t.at(x.ID(), fmt.Sprintf("calls the elements of a list %q, which is taken; expected another name", v))
				}
			}
		case ast.CallKind:
			t.call(x.ID(), x.AsCall())
		}
	}))
	if len(t.problems) == 0 {
		t.reads = readsOf(t.parsed, t.each)
	}
}

// call holds that what can be checked before anything is judged is there to be checked.
func (t *text) call(id int64, c ast.CallExpr) {
	args := c.Args()
	switch c.FunctionName() {
	case versionCall, networkCall, "matches":
		if len(args) == 0 {
			return
		}
		last := args[len(args)-1]
		literal, ok := stringOf(last)
		if !ok {
			t.at(last.ID(), c.FunctionName()+" is compared with something that is worked out, expected a text in quotes, which can be checked now")
			return
		}
		_, isConstraint := policy.ParseConstraint(literal)
		_, unreadable := regexp.Compile(literal)
		switch {
		case c.FunctionName() == "matches" && unreadable != nil:
			t.at(last.ID(), "is no regular expression of RE2: "+unreadable.Error())
		case c.FunctionName() == versionCall && !isConstraint:
			t.at(last.ID(), fmt.Sprintf("got %q, expected %s", literal, policy.ConstraintExpected))
		case c.FunctionName() == networkCall && !isNetwork(literal):
			t.at(last.ID(), fmt.Sprintf("got %q, expected a network such as 10.0.0.0/8 or fd00::/8", literal))
		}
	case operators.Equals, operators.NotEquals:
		if t.parsed.GetType(args[0].ID()).Kind() == cel.StructKind {
			t.at(id, "compares whole objects, expected one of their fields")
		}
	}
}

func stringOf(x ast.Expr) (string, bool) {
	if x.Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := x.AsLiteral().Value().(string)
	return s, ok
}

// at reports something wrong at an expression.
func (t *text) at(id int64, message string) {
	l := t.parsed.SourceInfo().GetStartLocation(id)
	t.wrong(max(1, l.Line()), max(0, l.Column())+1, message)
}

// wrong reports something wrong at a place in the text, both from 1.
func (t *text) wrong(line, column int, message string) {
	e := policy.Error{Path: t.rule.Path + "." + t.name, Message: message}
	e.Line, e.Column = t.source.Position(line, column)
	if lines := strings.Split(t.source.Text, "\n"); line <= len(lines) {
		e.Source, e.Mark = shown(lines[line-1], column)
	}
	t.problems = append(t.problems, e)
}

// shown is a line of source around its mark; lines can be long.
func shown(line string, mark int) (string, int) {
	const before, most = 60, 100
	r := []rune(strings.ReplaceAll(line, "\t", " "))
	if mark > before {
		cut := min(mark-before, len(r))
		r, mark = r[cut:], mark-cut
	}
	return strings.TrimRight(string(r[:min(len(r), most)]), " "), mark
}
