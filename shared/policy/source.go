package policy

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Source is a text in another language that stands in a policy document, and where. The zero value is a
// text that is not there.
type Source struct {
	Text         string
	Line, Column int // of the value in the document, from 1
	document     *string
}

// Position is where in the document the character at this line and column of the text stands; all count
// from 1, columns in characters. A place outside of the text is its beginning.
func (s Source) Position(line, column int) (int, int) {
	if s.document == nil {
		return s.Line, s.Column
	}
	offset, ok := offsetOf(s.Text, line, column)
	if !ok {
		return s.Line, s.Column
	}
	w := walker{rest: cutTo(*s.document, s.Line, s.Column), line: s.Line, column: s.Column}
	w.begin()
	for i, c := range s.Text {
		w.to(c)
		if i >= offset {
			break
		}
		w.over(c)
	}
	return w.line, w.column
}

// offsetOf is where a line and column begin, in bytes. The place after the last character is one, too.
func offsetOf(text string, line, column int) (int, bool) {
	at := 0
	for ; line > 1; line-- {
		i := strings.IndexByte(text[at:], '\n')
		if i < 0 {
			return 0, false
		}
		at += i + 1
	}
	for ; column > 1; column-- {
		if at >= len(text) {
			return 0, false
		}
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	return at, line == 1 && column == 1
}

// cutTo is the document from a line and column on.
func cutTo(document string, line, column int) string {
	at, ok := offsetOf(document, line, column)
	if !ok {
		return ""
	}
	return document[at:]
}

// walker goes through a scalar as it is written beside the text that it means: quotes, escapes, folded
// lines and indentation are in the one and not in the other.
type walker struct {
	rest         string
	line, column int
	quote        byte // ' or ", 0 for none
}

// begin goes past the quote or past the head of a block.
func (w *walker) begin() {
	if w.rest == "" {
		return
	}
	switch c := w.rest[0]; c {
	case '\'', '"':
		w.quote = c
		w.step()
	case '|', '>':
		for w.rest != "" && w.rest[0] != '\n' {
			w.step()
		}
	}
}

func (w *walker) step() {
	c, size := utf8.DecodeRuneInString(w.rest)
	w.rest = w.rest[size:]
	w.column++
	if c == '\n' {
		w.line, w.column = w.line+1, 1
	}
}

// to goes to where a character of the text is written.
func (w *walker) to(c rune) {
	if unicode.IsSpace(c) {
		return
	}
	for w.rest != "" {
		next, _ := utf8.DecodeRuneInString(w.rest)
		folded := w.quote == '"' && strings.HasPrefix(w.rest, "\\\n") // the line goes on
		if !unicode.IsSpace(next) && !folded {
			return
		}
		w.step()
	}
}

// over goes past the writing of one character.
func (w *walker) over(c rune) {
	switch {
	case w.rest == "":
	case unicode.IsSpace(c):
		if next, _ := utf8.DecodeRuneInString(w.rest); unicode.IsSpace(next) {
			w.step()
		}
	case w.quote == '\'' && strings.HasPrefix(w.rest, "''"):
		w.step()
		w.step()
	case w.quote == '"' && w.rest[0] == '\\' && len(w.rest) > 1:
		n := 2 + map[byte]int{'x': 2, 'u': 4, 'U': 8}[w.rest[1]]
		for range min(n, utf8.RuneCountInString(w.rest)) {
			w.step()
		}
	default:
		w.step()
	}
}
