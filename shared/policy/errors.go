package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxErrors is how many errors of one document are kept; a last one says how many more there are.
const maxErrors = 100

// Error is one thing that is wrong with a policy document.
type Error struct {
	Line    int    `json:"line"`   // from 1
	Column  int    `json:"column"` // from 1, in characters
	Path    string `json:"path"`   // integrity.grace, rules[0].product.is; empty for the whole document
	Message string `json:"message"`

	Source string `json:"source,omitempty"` // of an error in CEL: the line of the expression that it is in
	Mark   int    `json:"mark,omitempty"`   // and where in it, in characters from 1
}

// Error is line:column: path: message, so that a caller only has to put the file's name before it. Under
// it stand the line of an expression and a mark, where there is one.
func (e Error) Error() string {
	text := fmt.Sprintf("%d:%d: ", e.Line, e.Column)
	if e.Path != "" {
		text += e.Path + ": "
	}
	text += e.Message
	if e.Source != "" {
		text += "\n    " + e.Source + "\n    " + strings.Repeat(" ", max(0, e.Mark-1)) + "^"
	}
	return text
}

// Errors is everything that is wrong with a policy document, by position. Parse returns it.
type Errors []Error

// Error is one line for each error, and the source where an error has some.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// sorted puts the errors in the order of the document and cuts a list that nobody would read.
func (e Errors) sorted() Errors {
	slices.SortStableFunc(e, func(a, b Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	if len(e) > maxErrors {
		last := e[maxErrors]
		more := Error{Line: last.Line, Column: last.Column, Message: fmt.Sprintf("%d more errors from here on", len(e)-maxErrors)}
		e = append(e[:maxErrors:maxErrors], more)
	}
	return e
}
