package stack

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// node is one value of the template with the line it stands on.
type node struct {
	line    int
	kind    kind
	text    string  // scalar
	quoted  bool    // a scalar that is text whatever it looks like
	tag     string  // "Ref", "Sub", "GetAtt" …, when the value is an intrinsic function; its argument is in items[0]
	items   []*node // sequence
	members []member
}

type member struct {
	name  string
	line  int
	value *node
}

type kind int

const (
	scalar kind = iota + 1
	sequence
	mapping
	intrinsic
	null
)

func (k kind) String() string {
	return [...]string{"", "a value", "a list", "a mapping", "a function", "nothing"}[k]
}

func (n *node) member(name string) *node {
	if n == nil {
		return nil
	}
	for _, m := range n.members {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// parseYAML turns a template into nodes. It refuses anchors, aliases and merge keys, which
// CloudFormation does not know, and several documents in one file.
func parseYAML(name string, data []byte) (*node, error) {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil, fmt.Errorf("reading %s: expected one YAML document", name)
	}
	n, err := convert(file.Docs[0].Body)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", name, err)
	}
	return n, nil
}

func convert(from ast.Node) (*node, error) {
	n := &node{line: from.GetToken().Position.Line}
	switch v := from.(type) {
	case *ast.StringNode:
		n.kind, n.text, n.quoted = scalar, v.Value, true
	case *ast.LiteralNode:
		n.kind, n.text, n.quoted = scalar, v.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		n.kind, n.text = scalar, strings.TrimSpace(from.GetToken().Value)
	case *ast.NullNode:
		n.kind = null
	case *ast.SequenceNode:
		n.kind = sequence
		for _, item := range v.Values {
			child, err := convert(item)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, child)
		}
	case *ast.MappingNode:
		return convertMapping(n, v.Values)
	case *ast.MappingValueNode:
		return convertMapping(n, []*ast.MappingValueNode{v})
	case *ast.TagNode:
		child, err := convert(v.Value)
		if err != nil {
			return nil, err
		}
		n.kind, n.tag, n.items = intrinsic, strings.TrimPrefix(v.Start.Value, "!"), []*node{child}
	default:
		return nil, fmt.Errorf("%d: %s is not part of a CloudFormation template", n.line, from.Type())
	}
	return n, nil
}

func convertMapping(n *node, values []*ast.MappingValueNode) (*node, error) {
	n.kind = mapping
	for _, v := range values {
		key, ok := v.Key.(ast.ScalarNode)
		if !ok || v.Key.Type() == ast.MergeKeyType {
			return nil, fmt.Errorf("%d: %s is not part of a CloudFormation template", v.Key.GetToken().Position.Line, v.Key.Type())
		}
		value, err := convert(v.Value)
		if err != nil {
			return nil, err
		}
		n.members = append(n.members, member{name: fmt.Sprint(key.GetValue()), line: v.Key.GetToken().Position.Line, value: value})
	}
	if len(n.members) > 0 {
		n.line = n.members[0].line
	}
	if name, ok := longForm(n); ok {
		return &node{line: n.line, kind: intrinsic, tag: name, items: []*node{n.members[0].value}}, nil
	}
	return n, nil
}

// longForm recognises {Ref: X} and {Fn::Name: …}.
func longForm(n *node) (string, bool) {
	if len(n.members) != 1 {
		return "", false
	}
	name, ok := strings.CutPrefix(n.members[0].name, "Fn::")
	return name, ok || name == "Ref"
}
