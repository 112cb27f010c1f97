package show

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// Width is how many columns of a terminal a harmless text takes: East Asian wide characters take two, combining marks none.
// Terminals differ in what is ambiguous, which is counted as one.
func Width(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

func runeWidth(r rune) int {
	if r < unicode.MaxLatin1 {
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) || r >= 0x1160 && r <= 0x11ff { // vowels and finals of Hangul join the letter before
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// Clip is the beginning of a text that fits into so many columns; what is left out is said by an ellipsis.
func Clip(s string, columns int) string {
	if len(s) <= columns || Width(s) <= columns {
		return s
	}
	if columns < 1 {
		return ""
	}
	n := 0
	for i, r := range s {
		if n+runeWidth(r) > columns-1 {
			return s[:i] + "…"
		}
		n += runeWidth(r)
	}
	return s
}

// Pad fills a text up to so many columns.
func Pad(s string, columns int) string {
	return s + strings.Repeat(" ", max(0, columns-Width(s)))
}

// wrap breaks a text at blanks into lines of so many columns. A word that is wider has a line of its own and keeps its
// whole: people copy ids, and a terminal breaks the line without a new line in what is copied.
func wrap(s string, columns int) []string {
	var lines []string
	line, used := "", 0
	for i, word := range strings.Split(s, " ") {
		w := Width(word)
		switch {
		case i == 0:
			line, used = word, w
		case used+1+w <= columns:
			line, used = line+" "+word, used+1+w
		default:
			lines = append(lines, line)
			line, used = word, w
		}
	}
	return append(lines, line)
}

// widestWord is the width of the widest part of a text that is not broken.
func widestWord(s string) int {
	most := 0
	for word := range strings.SplitSeq(s, " ") {
		most = max(most, Width(word))
	}
	return most
}
