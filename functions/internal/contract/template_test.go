package contract_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// call is an intrinsic function of CloudFormation: !Ref X is call{"Ref", "X"}.
type call struct {
	name     string
	argument any
}

// entry is one member of a mapping; mappings keep their order.
type entry struct {
	key   string
	value any
}

// value turns YAML into strings, []any, []entry and calls.
func value(t testing.TB, n ast.Node) any {
	t.Helper()
	switch v := n.(type) {
	case *ast.MappingNode:
		var m []entry
		for _, e := range v.Values {
			m = append(m, entry{fmt.Sprint(e.Key.(ast.ScalarNode).GetValue()), value(t, e.Value)})
		}
		return m
	case *ast.MappingValueNode:
		return []entry{{fmt.Sprint(v.Key.(ast.ScalarNode).GetValue()), value(t, v.Value)}}
	case *ast.SequenceNode:
		list := []any{}
		for _, item := range v.Values {
			list = append(list, value(t, item))
		}
		return list
	case *ast.TagNode:
		return call{strings.TrimPrefix(v.Start.Value, "!"), value(t, v.Value)}
	case *ast.LiteralNode:
		return v.Value.Value
	case ast.ScalarNode:
		return fmt.Sprint(v.GetValue())
	default:
		t.Fatalf("template.yaml: %s is not expected", n.Type())
		return nil
	}
}

// at is the value under a path of keys, nil when there is none.
func at(v any, path ...string) any {
	for _, key := range path {
		m, ok := v.([]entry)
		if !ok {
			return nil
		}
		i := slices.IndexFunc(m, func(e entry) bool { return e.key == key })
		if i < 0 {
			return nil
		}
		v = m[i].value
	}
	return v
}

// list is a value that may be one or many.
func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	default:
		return []any{v}
	}
}

// either is a list, or a value that may be one or many, with both values of a choice: what is allowed in one of them has to stand.
func either(v any) []any {
	if c, ok := v.(call); ok && c.name == "If" {
		return list(c.argument)[1:]
	}
	return list(v)
}

// short writes a value in one line, ARNs without the parts that are the same in all.
func short(v any) string {
	switch v := v.(type) {
	case string:
		return strings.NewReplacer("arn:${AWS::Partition}:", "", "${AWS::Region}:${AWS::AccountId}:", "", ":${AWS::AccountId}:", ":").Replace(v)
	case call:
		return short(v.argument)
	case []any:
		var parts []string
		for _, item := range v {
			parts = append(parts, short(item))
		}
		return strings.Join(parts, ", ")
	case []entry:
		var parts []string
		for _, e := range v {
			parts = append(parts, e.key+" "+short(e.value))
		}
		return strings.Join(parts, "; ")
	default:
		return ""
	}
}

// statement is one statement of a policy.
type statement struct {
	Sid       string
	Effect    string
	Actions   []string
	Resources []string
	Condition any
}

func statements(t testing.TB, v any) []statement {
	t.Helper()
	var all []statement
	for _, s := range list(v) {
		st := statement{Sid: short(at(s, "Sid")), Effect: short(at(s, "Effect")), Condition: at(s, "Condition")}
		for _, a := range list(at(s, "Action")) {
			st.Actions = append(st.Actions, a.(string))
		}
		for _, r := range either(at(s, "Resource")) {
			st.Resources = append(st.Resources, short(r))
		}
		if st.Sid == "" || st.Effect == "" || len(st.Actions) == 0 || len(st.Resources) == 0 && at(s, "Principal") == nil {
			t.Errorf("template.yaml: statement %+v is not whole: it needs Sid, Effect, Action and Resource", st)
		}
		all = append(all, st)
	}
	return all
}

// role is what one resource of the template may do.
type role struct {
	LogicalID  string
	Statements []statement
	Denied     bool // it carries NeverUseGuardedKeys
	Properties any
}

// stack is the template as far as these tests look at it.
type stack struct {
	text      string
	globals   any
	resources []entry
}

func template(t testing.TB) stack {
	t.Helper()
	return parsed(t, read(t, "template.yaml"))
}

// parsed is a template with this text.
func parsed(t testing.TB, text string) stack {
	t.Helper()
	file, err := parser.ParseBytes([]byte(text), 0)
	if err != nil {
		t.Fatal(err)
	}
	doc := value(t, file.Docs[0].Body)
	return stack{text: text, globals: at(doc, "Globals", "Function"), resources: at(doc, "Resources").([]entry)}
}

// of are the resources of one type.
func (s stack) of(t testing.TB, kind string) []role {
	t.Helper()
	var all []role
	for _, r := range s.resources {
		if at(r.value, "Type") != kind {
			continue
		}
		p := at(r.value, "Properties")
		role := role{LogicalID: r.key, Properties: p}
		for _, policy := range append(list(at(p, "Policies")), list(at(p, "ManagedPolicyArns"))...) {
			switch {
			case policy == call{"Ref", "NeverUseGuardedKeys"}:
				role.Denied = true
			case at(policy, "Statement") != nil:
				role.Statements = append(role.Statements, statements(t, at(policy, "Statement"))...)
			case at(policy, "PolicyDocument") != nil:
				role.Statements = append(role.Statements, statements(t, at(policy, "PolicyDocument", "Statement"))...)
			default:
				t.Errorf("template.yaml: %s has the policy %s: only inline statements can be read here", r.key, short(policy))
			}
		}
		if doc := at(p, "PolicyDocument"); doc != nil {
			role.Statements = statements(t, at(doc, "Statement"))
		}
		all = append(all, role)
	}
	return all
}

// deployed are the functions of the template by their folder.
func (s stack) deployed(t testing.TB) map[string]role {
	t.Helper()
	all := map[string]role{}
	for _, r := range s.of(t, "AWS::Serverless::Function") {
		name, ok := strings.CutSuffix(r.LogicalID, "Function")
		if !ok {
			t.Errorf("template.yaml: %s: a function's logical id is its folder's name and Function", r.LogicalID)
		}
		all[strings.ToLower(name)] = r
	}
	return all
}

func everyFunctionIsDeployed(t testing.TB, s stack) {
	deployed := s.deployed(t)
	folders := functions(t)
	for _, f := range folders {
		if _, there := deployed[f]; !there {
			t.Errorf("functions/%s is not in template.yaml", f)
		}
	}
	for f := range deployed {
		if !slices.Contains(folders, f) {
			t.Errorf("template.yaml deploys %s, and there is no functions/%s", deployed[f].LogicalID, f)
		}
	}
}
