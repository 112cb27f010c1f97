package event

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// How many bytes of a text an event has. Findings quote machines, which may be hostile.
const (
	maxText  = 2000
	maxValue = 300
)

// Line is clean for those who tell the same to others.
func Line(s string, most int) string { return clean(s, most) }

// clean makes one harmless line of a text: what cannot be printed becomes visible, white space is one blank, and what
// is longer than most bytes is cut and ends with dots.
func clean(s string, most int) string {
	var b strings.Builder
	for _, r := range s {
		if b.Len() > most {
			break
		}
		switch {
		case r == utf8.RuneError:
			b.WriteRune(r)
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		case !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	text := strings.Join(strings.Fields(b.String()), " ")
	if len(text) <= most {
		return text
	}
	end := most - len("...")
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "..."
}
