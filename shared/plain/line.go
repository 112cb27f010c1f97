package plain

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// mostMarks are how many combining marks stay on one character: any number of them takes no room, and covers the lines around.
const mostMarks = 3

// Line makes one harmless line of a text: white space, which line breaks are, becomes one blank; control characters, what turns text
// around, what cannot be seen and heaps of marks become visible as \x1b or \u202e, and broken UTF-8 the sign for it. What is
// longer than most characters is cut and says so.
func Line(s string, most int) string {
	out, rest := line(s, func(characters, _ int) bool { return characters >= most })
	if rest > 0 {
		out += fmt.Sprintf("... (%d more bytes)", rest)
	}
	return strings.TrimSpace(out)
}

// Cut is Line for what is measured in bytes: a line of more than most of them is cut, and ends with a mark, within them.
func Cut(s string, most int, mark string) string {
	out, _ := line(s, func(_, bytes int) bool { return bytes > most })
	if len(out) <= most {
		return strings.TrimSpace(out)
	}
	end := most - len(mark)
	for !utf8.RuneStart(out[end]) {
		end--
	}
	return out[:end] + mark
}

// line is the harmless form of a text up to where it is full, and how many bytes of the text come after that.
func line(s string, full func(characters, bytes int) bool) (out string, rest int) {
	var b strings.Builder
	characters, marks, blank := 0, 0, false
	for i, r := range s {
		if full(characters, b.Len()) {
			rest = len(s) - i
			break
		}
		characters++
		if unicode.IsSpace(r) {
			blank, marks = b.Len() > 0, 0
			continue
		}
		if blank {
			b.WriteByte(' ')
			blank = false
		}
		if unicode.Is(unicode.M, r) {
			marks++
		} else {
			marks = 0
		}
		write(&b, r, marks > mostMarks)
	}
	if blank && rest > 0 {
		b.WriteByte(' ')
	}
	return b.String(), rest
}

// write adds a character, or what stands for it.
func write(b *strings.Builder, r rune, heaped bool) {
	switch {
	case unicode.IsPrint(r) && !heaped || r == utf8.RuneError: // what is broken is read as that
		b.WriteRune(r)
	case r < utf8.RuneSelf:
		fmt.Fprintf(b, `\x%02x`, r)
	case r > 0xffff:
		fmt.Fprintf(b, `\U%08x`, r)
	default:
		fmt.Fprintf(b, `\u%04x`, r)
	}
}
