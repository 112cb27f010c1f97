package evidence

import (
	"iter"
	"strings"
)

// clean makes hostile text harmless: printable ASCII, at most MaxText characters.
func clean(s string) string {
	if len(s) > MaxText {
		s = s[:MaxText]
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return strings.Map(printable, s)
		}
	}
	return s
}

func printable(r rune) rune {
	if r < ' ' || r > '~' {
		return '?'
	}
	return r
}

// code is text that may stand as a reason code: lower-case letters, digits and underscores.
func code(s string) string {
	if s == "" || len(s) > 32 {
		return WhyParse
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return WhyParse
		}
	}
	return s
}

// known is a cleaned text, or unknown when it is empty.
func known(s, otherwise string) Fact[string] {
	if s = clean(s); s == "" {
		return Unknown[string](otherwise)
	}
	return Known(s)
}

// lines gives the lines that have something in them.
func lines(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range strings.SplitSeq(text, "\n") {
			if line = strings.TrimSuffix(line, "\r"); line != "" && !yield(line) {
				return
			}
		}
	}
}

// unquote takes one pair of quotes off, as in VERSION="v3.7.0" or status='connected'.
func unquote(s string) string {
	s = strings.TrimSpace(s)
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

// assignments reads lines of KEY=value; of a key that comes twice the last value counts.
func assignments(text string) map[string]string {
	out := map[string]string{}
	for line := range lines(text) {
		if k, v, ok := strings.Cut(line, "="); ok {
			out[strings.TrimSpace(k)] = unquote(v)
		}
	}
	return out
}

// words reads lines of "label rest"; of a label that comes twice the last one counts.
func words(text string) map[string]string {
	out := map[string]string{}
	for line := range lines(text) {
		k, v, _ := strings.Cut(line, " ")
		out[k] = strings.TrimSpace(v)
	}
	return out
}
