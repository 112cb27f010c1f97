package policy

import (
	"errors"
	"fmt"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// kind is what a value of the document is.
type kind int

const (
	nothing kind = iota
	text
	number
	boolean
	list
	mapping
)

// node is one value of the document with its position: all that the reader needs of YAML.
type node struct {
	kind         kind
	text         string // of scalars, as it is written
	line, column int
	items        []*node
	pairs        []pair
}

type pair struct{ key, value *node }

// String is the value as messages show it.
func (n *node) String() string {
	switch n.kind {
	case nothing:
		return "nothing"
	case list:
		return "a list"
	case mapping:
		return "a mapping"
	case text:
		return quote(n.text)
	default:
		return n.text
	}
}

func quote(s string) string {
	const most = 64
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "..."
	}
	return fmt.Sprintf("%q", s)
}

// parseTree reads the document into nodes, or says why it is not a document that may be read.
func parseTree(text []byte) (*node, *Error) {
	tokens, e := prescan(text)
	if e != nil {
		return nil, e
	}
	file, err := parseTokens(tokens)
	if err != nil {
		return nil, syntaxError(err)
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return nil, &Error{Line: 1, Column: 1, Message: "the document is empty, expected a policy"}
	}
	return convert(file.Docs[0].Body), nil
}

// parseTokens turns a panic of the parser into an error: the text is hostile, the caller shared.
func parseTokens(tokens token.Tokens) (file *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("parsing YAML: %v", r)
		}
	}()
	// Duplicate keys are allowed here so that the reader finds all of them.
	return parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
}

func syntaxError(err error) *Error {
	var syntax yaml.Error
	if errors.As(err, &syntax) && syntax.GetToken() != nil {
		return at(syntax.GetToken(), "is not YAML: %s", syntax.GetMessage())
	}
	return &Error{Line: 1, Column: 1, Message: "is not YAML that can be read"}
}

func convert(n ast.Node) *node {
	switch n := n.(type) {
	case *ast.MappingNode:
		out := place(n, mapping)
		for _, v := range n.Values {
			out.pairs = append(out.pairs, pair{convertKey(v.Key), convert(v.Value)})
		}
		if len(out.pairs) > 0 && !n.IsFlowStyle {
			out.line, out.column = out.pairs[0].key.line, out.pairs[0].key.column
		}
		return out
	case *ast.MappingValueNode:
		key := convertKey(n.Key)
		return &node{kind: mapping, line: key.line, column: key.column, pairs: []pair{{key, convert(n.Value)}}}
	case *ast.SequenceNode:
		out := place(n, list)
		for _, v := range n.Values {
			out.items = append(out.items, convert(v))
		}
		return out
	case *ast.LiteralNode:
		out := place(n, text)
		out.text = n.Value.Value
		return out
	case *ast.StringNode:
		out := place(n, text)
		out.text = n.Value
		return out
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return place(n, number)
	case *ast.BoolNode:
		return place(n, boolean)
	}
	if n == nil {
		return &node{line: 1, column: 1}
	}
	return place(n, nothing)
}

func convertKey(key ast.MapKeyNode) *node {
	out := place(key, text)
	if s, ok := key.(*ast.StringNode); ok {
		out.text = s.Value
	}
	return out
}

func place(n ast.Node, k kind) *node {
	out := &node{kind: k, line: 1, column: 1}
	if tk := n.GetToken(); tk != nil {
		out.text, out.line, out.column = tk.Value, tk.Position.Line, max(1, tk.Position.Column)
	}
	return out
}
