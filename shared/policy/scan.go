package policy

import (
	"fmt"
	"unicode/utf8"

	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
)

// prescan refuses what must never reach the YAML parser, which needs gigabytes for nested brackets
// and expands aliases: by size, then by characters, then by tokens. The lexer is linear.
func prescan(text []byte) (token.Tokens, *Error) {
	if len(text) > MaxBytes {
		return nil, &Error{Line: 1, Column: 1, Message: fmt.Sprintf("the document has %d bytes, expected at most %d", len(text), MaxBytes)}
	}
	if e := scanCharacters(text); e != nil {
		return nil, e
	}
	tokens := lexer.Tokenize(string(text))
	if bad := tokens.InvalidToken(); bad != nil {
		return nil, at(bad, "is not YAML: %s", bad.Error)
	}
	if e := scanTokens(tokens); e != nil {
		return nil, e
	}
	return tokens, nil
}

// scanCharacters refuses what is not plain text, and brackets that are open far beyond any policy
// whether they are structure or stand in texts, since even listing them as tokens takes long.
func scanCharacters(text []byte) *Error {
	const manyBrackets = 10 * MaxDepth
	line, column, open := 1, 1, 0
	for i := 0; i < len(text); {
		c, size := utf8.DecodeRune(text[i:])
		where := Error{Line: line, Column: column}
		switch {
		case c == utf8.RuneError && size == 1:
			where.Message = "is not UTF-8 text"
			return &where
		case c == '[' || c == '{':
			open++
		case (c == ']' || c == '}') && open > 0:
			open--
		case c < ' ' && c != '\n' && c != '\r' && c != '\t', c >= 0x7f && c < 0xa0, c == 0xfeff:
			where.Message = fmt.Sprintf("the control character %U does not belong in a policy", c)
			return &where
		}
		if open > manyBrackets {
			where.Message = tooDeep
			return &where
		}
		i += size
		column++
		if c == '\n' {
			line, column = line+1, 1
		}
	}
	return nil
}

// maxTokens keeps the parser, whose time grows with the square of the keys of a mapping, under a
// tenth of a second. 100 rules with a dozen ports each need half of that.
const maxTokens = 10_000

var tooDeep = fmt.Sprintf("the document is nested deeper than %d levels", MaxDepth)

var refusedTokens = map[token.Type]string{
	token.AnchorType:      "anchors (&) are not part of the policy language",
	token.AliasType:       "aliases (*) are not part of the policy language; put a text that starts with * in quotes",
	token.MergeKeyType:    "merge keys (<<) are not part of the policy language",
	token.TagType:         "tags (!) are not part of the policy language; put a text that starts with ! in quotes",
	token.DirectiveType:   "directives (%) are not part of the policy language",
	token.MappingKeyType:  "complex keys (?) are not part of the policy language",
	token.DocumentEndType: "a policy is one document, without ...",
}

// scanTokens refuses the parts of YAML that policies do without, and structures that are too deep.
func scanTokens(tokens token.Tokens) *Error {
	var depth depth
	seen := false
	for i, tk := range tokens {
		if i == maxTokens {
			return at(tk, "the document has more than %d words and signs", maxTokens)
		}
		if tk.Type == token.CommentType {
			continue
		}
		if why, refused := refusedTokens[tk.Type]; refused {
			return at(tk, "%s", why)
		}
		if tk.Type == token.DocumentHeaderType && seen {
			return at(tk, "a policy is one document, expected only one ---")
		}
		seen = true
		if tk.Type == token.SequenceEntryType && depth.flow > 0 {
			return at(tk, "a list entry (-) does not belong in brackets")
		}
		if depth.add(tk) > MaxDepth {
			return at(tk, "%s", tooDeep)
		}
	}
	return nil
}

// depth follows the nesting of tokens: open brackets, and outside of them the columns at which
// blocks start. Both grow by at least one for each level that the parser would go down.
type depth struct {
	flow   int
	blocks []block
}

type block struct {
	column int
	list   bool
}

// add takes the next token and returns the depth at it.
func (d *depth) add(tk *token.Token) int {
	switch tk.Type {
	case token.SequenceStartType, token.MappingStartType:
		d.flow++
	case token.SequenceEndType, token.MappingEndType:
		d.flow = max(0, d.flow-1)
	case token.SequenceEntryType:
		d.enter(block{tk.Position.Column, true})
	case token.MappingValueType:
		if tk.Prev != nil {
			d.enter(block{tk.Prev.Position.Column, false})
		}
	}
	return d.flow + len(d.blocks)
}

func (d *depth) enter(b block) {
	if d.flow > 0 {
		return
	}
	for len(d.blocks) > 0 {
		top := d.blocks[len(d.blocks)-1]
		// A list may stand at the column of the key it belongs to.
		if top.column < b.column || (top.column == b.column && b.list && !top.list) {
			break
		}
		d.blocks = d.blocks[:len(d.blocks)-1]
	}
	d.blocks = append(d.blocks, b)
}

func at(tk *token.Token, format string, args ...any) *Error {
	return &Error{Line: tk.Position.Line, Column: max(1, tk.Position.Column), Message: fmt.Sprintf(format, args...)}
}
