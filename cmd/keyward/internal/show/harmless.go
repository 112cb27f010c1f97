package show

import (
	"bytes"
	"fmt"
	"io"

	"github.com/keyward/keyward/shared/plain"
)

// Harmless is a text that no terminal acts upon. All that the command line prints for people comes through here.
func Harmless(s string) string { return plain.Terminal(s) }

// HarmlessJSON is Harmless for JSON, which says the same after it.
func HarmlessJSON(s string) string { return plain.JSON(s) }

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
