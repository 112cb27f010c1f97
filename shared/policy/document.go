package policy

import (
	"slices"
	"strings"
	"time"
)

// Document reads what is written as policies are and is none: a mapping in YAML or JSON, with the position of every error.
// Only ReadDocument and ReadJSON make usable ones.
type Document struct{ r reader }

// Value is one value of a document. The methods of Document read it.
type Value struct{ n *node }

// Key is one key of a mapping, and what reads its value.
type Key struct {
	Name string
	Read func(v Value, path string)
}

// ReadDocument reads a document of at most MaxBytes and MaxDepth; what is what it is, as messages call it: a notifier. The error
// is Errors, as of Parse. The text may come from anybody.
func ReadDocument(text []byte, what string, read func(d *Document, root Value)) error {
	root, e := parseTree(text)
	if e != nil {
		e.Message = strings.NewReplacer("a policy", what, "the policy language", "its language").Replace(e.Message)
		return Errors{*e}
	}
	return readTree(root, read)
}

// ReadJSON is ReadDocument of a text in JSON, which is refused for other reasons than YAML is.
func ReadJSON(text []byte, read func(d *Document, root Value)) error {
	root, e := jsonTree(text)
	if e != nil {
		return Errors{*e}
	}
	return readTree(root, read)
}

func readTree(root *node, read func(d *Document, root Value)) error {
	d := &Document{}
	read(d, Value{root})
	if len(d.r.errs) > 0 {
		return d.r.errs.sorted()
	}
	return nil
}

// Object reads a mapping by its table of keys, and says which of them were there.
func (d *Document) Object(v Value, path string, keys []Key) map[string]bool {
	table := make([]key, len(keys))
	for i, k := range keys {
		table[i] = key{k.Name, func(n *node, path string) { k.Read(Value{n}, path) }}
	}
	seen := map[string]bool{}
	for name := range d.r.object(v.n, path, table) {
		seen[name] = true
	}
	return seen
}

// Fail says what is wrong with a value.
func (d *Document) Fail(v Value, path, format string, args ...any) {
	d.r.fail(v.n, path, format, args...)
}

// Missed says that a key is missing, and what was expected; of what is no mapping that was said already.
func (d *Document) Missed(v Value, path, expected string) {
	if v.n.kind == mapping {
		d.r.fail(v.n, path, "is missing, expected %s", expected)
	}
}

// Each reads the elements of a list of least to most elements.
func (d *Document) Each(v Value, path, what string, least, most int, read func(v Value, path string)) {
	d.r.each(v.n, path, what, least, most, func(n *node, path string) { read(Value{n}, path) })
}

// Line is printable text of one line and at most so many characters.
func (d *Document) Line(v Value, path string, most int) string { return d.r.line(v.n, path, most) }

// MailText is such text with the variables of a policy's texts.
func (d *Document) MailText(v Value, path string, most int) string {
	return d.r.mailText(v.n, path, most)
}

// Word is one of some known words.
func (d *Document) Word(v Value, path string, known ...string) string {
	return d.r.word(v.n, path, known...)
}

// Words are a list of known words, each at most once.
func (d *Document) Words(v Value, path, what string, known ...string) (words []string) {
	d.Each(v, path, what, 1, len(known), func(v Value, path string) {
		word := d.Word(v, path, known...)
		if word != "" && slices.Contains(words, word) {
			d.Fail(v, path, "%s stands twice", quote(word))
		}
		words = append(words, word)
	})
	return words
}

// Matching is text that is as it shall be; expected says how that is.
func (d *Document) Matching(v Value, path, expected string, is func(text string) bool) string {
	if v.n.kind == text && is(v.n.text) {
		return v.n.text
	}
	d.r.got(v.n, path, expected)
	return ""
}

// Count is a whole number from least to most.
func (d *Document) Count(v Value, path string, least, most int) int {
	return d.r.count(v.n, path, least, most)
}

// Duration is a duration from least to most, as it was written.
func (d *Document) Duration(v Value, path string, least, most time.Duration) (time.Duration, string) {
	return d.r.duration(v.n, path, least, most), v.n.text
}

// Clock is a time of day, hh:mm.
func (d *Document) Clock(v Value, path string) string { return d.r.clock(v.n, path) }

// Zone is the name of a time zone.
func (d *Document) Zone(v Value, path string) string { return d.r.zone(v.n, path) }

// Addresses are e-mail addresses, at most so many and each once.
func (d *Document) Addresses(v Value, path string, most int) []string {
	return d.r.addresses(v.n, path, most)
}

// PolicyNames are names that policies may have, the built-in one's too, at most so many and each once.
func (d *Document) PolicyNames(v Value, path string, most int) (names []string) {
	d.Each(v, path, "names of policies", 1, most, func(v Value, path string) {
		name := d.Matching(v, path, nameExpected, func(s string) bool { return len(s) <= MaxName && namePattern.MatchString(s) })
		if name != "" && slices.Contains(names, name) {
			d.Fail(v, path, "%s stands twice", quote(name))
		}
		names = append(names, name)
	})
	return names
}

func (r *reader) addresses(n *node, path string, most int) (all []string) {
	r.each(n, path, "e-mail addresses", 1, most, func(n *node, path string) {
		if n.kind != text || !isAddress(n.text) {
			r.got(n, path, "an e-mail address such as ops@example.com")
		} else if slices.Contains(all, n.text) {
			r.fail(n, path, "%s stands twice", quote(n.text))
		}
		all = append(all, n.text)
	})
	return all
}
