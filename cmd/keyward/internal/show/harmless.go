package show

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
)

// mostMarks are how many combining marks stay on one character: any number of them takes no room, and covers the lines around.
const mostMarks = 3

// Harmless replaces control characters, which could move the cursor or rewrite lines, by "?", and so what turns text
// around, what cannot be seen, and heaps of marks. All that the command line prints for people comes through here.
func Harmless(s string) string {
	marks := 0
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.M, r) {
			if marks++; marks > mostMarks {
				return '?'
			}
			return r
		}
		marks = 0
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

// HarmlessJSON escapes what JSON lets stand in texts and terminals act upon, such as U+009B. What it
// says stays the same.
func HarmlessJSON(s string) string {
	var out strings.Builder
	for _, r := range s {
		if r < unicode.MaxASCII || unicode.IsPrint(r) {
			out.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&out, `\u%04x`, unit)
		}
	}
	return out.String()
}

// Lines is what makes the lines harmless that another program writes. A line is passed on once it is whole, or long.
type Lines struct {
	To   io.Writer
	rest []byte
}

// Write takes a part of the text.
func (l *Lines) Write(b []byte) (int, error) {
	const longest = 4096
	l.rest = append(l.rest, b...)
	for len(l.rest) > 0 {
		end := bytes.IndexByte(l.rest, '\n')
		next := end + 1
		if end < 0 {
			if len(l.rest) < longest {
				break
			}
			end, next = longest, longest
		}
		if _, err := fmt.Fprintln(l.To, Harmless(string(l.rest[:end]))); err != nil {
			return 0, err
		}
		l.rest = l.rest[next:]
	}
	return len(b), nil
}
