package policy

import (
	"slices"
	"strings"
	"unicode"
)

// Limits of the texts of a custom rule, in characters.
const (
	maxExpression = 4000
	maxMessage    = 1000
)

var emptyWords = map[string]Verdict{"unknown": Unknown, "fail": Fail, "pass": Pass}

// customKeys are the keys of a rule in CEL.
func (r *reader) customKeys(c *Custom) []key {
	code := func(into *Source, most int) func(n *node, path string) {
		return func(n *node, path string) { *into = r.source(n, path, most) }
	}
	return []key{
		{"each", func(n *node, path string) {
			c.Each = Source{Text: r.line(n, path, 64), Line: n.line, Column: n.column, document: r.document}
		}},
		{"where", code(&c.Where, maxExpression)},
		{"expression", code(&c.Expression, maxExpression)},
		{"message", code(&c.Message, maxMessage)},
		{"empty", func(n *node, path string) { c.Empty = emptyWords[r.word(n, path, "unknown", "fail", "pass")] }},
	}
}

// source reads a text in CEL, of one line or several.
func (r *reader) source(n *node, path string, most int) Source {
	if r.noted(n, text, shape{"minLength": 1, "maxLength": most, "description": "text in CEL"}) {
		return Source{}
	}
	ok := n.kind == text && strings.TrimSpace(n.text) != "" && len([]rune(n.text)) <= most &&
		!strings.ContainsFunc(n.text, func(c rune) bool { return !unicode.IsPrint(c) && c != '\n' && c != '\t' })
	if !ok {
		expected := "text in CEL of 1 to %d characters"
		if n.kind != text {
			expected += ", in quotes"
		}
		r.fail(n, path, "got %s, expected "+expected, n, most)
		return Source{}
	}
	return Source{Text: strings.TrimRight(n.text, "\n"), Line: n.line, Column: n.column, document: r.document}
}

// compilable keeps a custom rule for the compiler, as far as it could be read. Without the each that was
// meant, every e in its texts would be an error that nobody made.
func (r *reader) compilable(c Custom, name string, before int) {
	if c.Each.Text == "" {
		if slices.ContainsFunc(r.errs[before:], func(e Error) bool { return e.Path == c.Path || e.Path == c.Path+".each" }) {
			return
		}
		c.Where = Source{}
	}
	c.Rule = name
	r.customs = append(r.customs, c)
}

// customTogether refuses keys of a rule in CEL that say nothing without another.
func (r *reader) customTogether(path string, seen map[string]*node) {
	for _, k := range []string{"where", "empty"} {
		if n := seen[k]; n != nil && seen["each"] == nil {
			r.fail(n, path+"."+k, "stands without each; it is about the elements that each goes through")
		}
	}
	for _, k := range []string{"each", "message"} {
		if n := seen[k]; n != nil && seen["expression"] == nil {
			r.fail(n, path+"."+k, "stands without expression, which says what has to be true")
		}
	}
}
