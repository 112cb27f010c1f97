package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// reader walks the document and collects every error on its way.
type reader struct {
	errs     Errors
	document *string // the whole text, for what points into it
	customs  []Custom
	note     *noter // set while the language is described and nothing is read
}

func (r *reader) fail(n *node, path, format string, args ...any) {
	if r.note != nil {
		r.note.missed(path, fmt.Sprintf(format, args...))
		r.errs = append(r.errs, Error{})
		return
	}
	r.errs = append(r.errs, Error{Line: n.line, Column: n.column, Path: path, Message: fmt.Sprintf(format, args...)})
}

// got says what stands there and what was expected instead.
func (r *reader) got(n *node, path, expected string) {
	r.fail(n, path, "got %s, expected %s", n, expected)
}

// key is one key of a mapping. A key without read belongs to the language but cannot be carried out
// by this version, and accepting it in silence would promise what nobody does.
type key struct {
	name string
	read func(n *node, path string)
}

// object reads a mapping by its table of keys and returns the values that were there.
func (r *reader) object(n *node, path string, keys []key) map[string]*node {
	if r.note != nil {
		r.objectShape(n, path, keys)
		return nil
	}
	names := make([]string, 0, len(keys))
	for _, k := range keys {
		if k.read != nil {
			names = append(names, k.name)
		}
	}
	seen := map[string]*node{}
	if n.kind != mapping {
		r.got(n, path, "a mapping with "+strings.Join(names, ", "))
		return seen
	}
	for _, p := range n.pairs {
		name := p.key.text
		here := join(path, name)
		at := slices.IndexFunc(keys, func(k key) bool { return k.name == name })
		switch {
		case at < 0:
			r.fail(p.key, path, "unknown key %s, expected %s%s", quote(name), strings.Join(names, ", "), didYouMean(name, names))
		case seen[name] != nil:
			r.fail(p.key, here, "stands twice; the first is in line %d", seen[name].line)
		case keys[at].read == nil:
			seen[name] = p.value
			r.fail(p.key, here, "is not available in this version")
		default:
			// The position of the key stands in for that of a value that is not there.
			if p.value.kind == nothing {
				p.value.line, p.value.column = p.key.line, p.key.column
			}
			seen[name] = p.value
			keys[at].read(p.value, here)
		}
	}
	return seen
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// each reads the elements of a list of least to most elements.
func (r *reader) each(n *node, path, what string, least, most int, read func(n *node, path string)) {
	if r.note != nil {
		r.listShape(n, path, least, most, read)
		return
	}
	if n.kind != list || len(n.items) < least || len(n.items) > most {
		expected := fmt.Sprintf("a list of %d to %d %s", least, most, what)
		if n.kind == list {
			r.fail(n, path, "got %d, expected %s", len(n.items), expected)
			return
		}
		r.got(n, path, expected)
		return
	}
	for i, item := range n.items {
		if item.kind == nothing {
			item.line, item.column = n.line, n.column
		}
		read(item, fmt.Sprintf("%s[%d]", path, i))
	}
}

// line reads printable text of one line and at most so many characters.
func (r *reader) line(n *node, path string, most int) string {
	if r.noted(n, text, shape{"minLength": 1, "maxLength": most}) {
		return ""
	}
	expected := fmt.Sprintf("one line of text of 1 to %d characters", most)
	if n.kind == number || n.kind == boolean {
		r.got(n, path, expected+", in quotes")
		return ""
	}
	s := strings.TrimSpace(n.text)
	if n.kind != text || s == "" || len([]rune(s)) > most || strings.ContainsFunc(s, func(c rune) bool { return !unicode.IsPrint(c) }) {
		r.got(n, path, expected)
		return ""
	}
	return s
}

// word reads one of some known words.
func (r *reader) word(n *node, path string, known ...string) string {
	if r.noted(n, text, shape{"enum": known}) {
		return ""
	}
	if n.kind == text && slices.Contains(known, n.text) {
		return n.text
	}
	expected := "one of " + strings.Join(known, ", ")
	hint := ""
	if n.kind == text {
		hint = didYouMean(n.text, known)
	}
	r.got(n, path, expected+hint)
	return ""
}

// either says whether a word stands in place of a list.
func (r *reader) either(n *node, word string) bool {
	if r.note != nil && n.kind == text {
		r.note.add(shape{"const": word})
	}
	return r.note == nil && n.kind == text && n.text == word
}

// flag reads true or false.
func (r *reader) flag(n *node, path string) bool {
	if r.noted(n, boolean, shape{}) {
		return false
	}
	if n.kind == boolean {
		if b, err := strconv.ParseBool(strings.ToLower(n.text)); err == nil {
			return b
		}
	}
	r.got(n, path, "true or false")
	return false
}

// count reads a whole number.
func (r *reader) count(n *node, path string, least, most int) int {
	if r.noted(n, number, shape{"minimum": least, "maximum": most}) {
		return least
	}
	if n.kind == number {
		if i, err := strconv.Atoi(n.text); err == nil && i >= least && i <= most {
			return i
		}
	}
	r.got(n, path, fmt.Sprintf("a whole number from %d to %d", least, most))
	return least
}
