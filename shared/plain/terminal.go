package plain

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
)

// Terminal replaces control characters, which could move the cursor or rewrite lines, by "?", and so what turns text
// around, what cannot be seen, and heaps of marks: each by one, so that columns stay where they are.
func Terminal(s string) string {
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

// JSON escapes what JSON lets stand in texts and terminals act upon, such as U+009B. What it says stays the same.
func JSON(s string) string {
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
