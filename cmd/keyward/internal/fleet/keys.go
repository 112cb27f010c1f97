package fleet

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The keys that mean something and are no character.
const (
	keyUp       = "\x1b[A"
	keyDown     = "\x1b[B"
	keyPageUp   = "\x1b[5~"
	keyPageDown = "\x1b[6~"
	keyHome     = "\x1b[H"
	keyEnd      = "\x1b[F"
)

// special are the ways in which terminals say them.
var special = []struct{ sent, key string }{
	{"\x1b[A", keyUp}, {"\x1bOA", keyUp}, {"\x1b[B", keyDown}, {"\x1bOB", keyDown}, {"\x1b[5~", keyPageUp}, {"\x1b[6~", keyPageDown},
	{"\x1b[H", keyHome}, {"\x1b[1~", keyHome}, {"\x1bOH", keyHome}, {"\x1b[F", keyEnd}, {"\x1b[4~", keyEnd}, {"\x1bOF", keyEnd},
}

const longestFilter = 60

// Press is what typed keys make of the view, whose machines have so many lines; true when they ask for the end.
func (v *View) Press(typed string, lines int) (ends bool) {
	for typed != "" {
		key := first(typed)
		typed = typed[len(key):]
		if v.press(key, max(lines, 1)) {
			return true
		}
	}
	v.Scroll = max(min(v.Scroll, len(v.Rows())-max(lines, 1)), 0)
	return false
}

// first is the first key of what was typed, as it was sent.
func first(typed string) string {
	for _, s := range special {
		if strings.HasPrefix(typed, s.sent) {
			return s.sent
		}
	}
	if strings.HasPrefix(typed, "\x1b[") { // another one, which means nothing: up to its last byte
		if end := strings.IndexFunc(typed[2:], func(r rune) bool { return r >= '@' && r <= '~' }); end >= 0 {
			return typed[:2+end+1]
		}
		return typed
	}
	_, n := utf8.DecodeRuneInString(typed)
	return typed[:n]
}

func (v *View) press(key string, lines int) (ends bool) {
	for _, s := range special {
		if key == s.sent {
			key = s.key
		}
	}
	const interrupt = "\x03" // Ctrl-C, which a terminal in raw mode sends like any other key
	if key == interrupt {
		return true
	}
	if v.Editing && v.edit(key) {
		return false
	}
	switch key {
	case "q", "Q", "\x04":
		return true
	case "/":
		v.Editing = true
	case "\x1b":
		v.Filter = ""
	case keyUp, "k":
		v.Scroll--
	case keyDown, "j":
		v.Scroll++
	case keyPageUp:
		v.Scroll -= lines
	case keyPageDown, " ":
		v.Scroll += lines
	case keyHome, "g":
		v.Scroll = 0
	case keyEnd, "G":
		v.Scroll = len(v.Rows())
	}
	v.Scroll = max(v.Scroll, 0)
	return false
}

// edit is a key in the filter; false when it is none of a text.
func (v *View) edit(key string) bool {
	switch key {
	case "\r", "\n":
		v.Editing = false
	case "\x1b":
		v.Editing, v.Filter = false, ""
	case "\x7f", "\b":
		_, n := utf8.DecodeLastRuneInString(v.Filter)
		v.Filter = v.Filter[:len(v.Filter)-n]
	case "\x15": // Ctrl-U
		v.Filter = ""
	default:
		r, _ := utf8.DecodeRuneInString(key)
		if len(key) > utf8.UTFMax || !unicode.IsPrint(r) || r == utf8.RuneError {
			return false
		}
		if len(v.Filter) < longestFilter {
			v.Filter += key
		}
		v.Scroll = 0
	}
	return true
}
