package policy_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/policy"
)

// leaf is a document with one value of each kind.
type leaf struct {
	Name, Text, Mail, Word, Every, At, Zone string
	Words, To, Policies                     []string
	Count                                   int
	Long                                    time.Duration
}

func (l *leaf) read(d *policy.Document, root policy.Value) {
	seen := d.Object(root, "", []policy.Key{
		{Name: "name", Read: func(v policy.Value, path string) {
			l.Name = d.Matching(v, path, "a name", func(s string) bool { return s == "ops" })
		}},
		{Name: "text", Read: func(v policy.Value, path string) { l.Text = d.Line(v, path, 5) }},
		{Name: "mail", Read: func(v policy.Value, path string) { l.Mail = d.MailText(v, path, 20) }},
		{Name: "word", Read: func(v policy.Value, path string) { l.Word = d.Word(v, path, "one", "two") }},
		{Name: "words", Read: func(v policy.Value, path string) { l.Words = d.Words(v, path, "words", "one", "two") }},
		{Name: "to", Read: func(v policy.Value, path string) { l.To = d.Addresses(v, path, 2) }},
		{Name: "policies", Read: func(v policy.Value, path string) { l.Policies = d.PolicyNames(v, path, 3) }},
		{Name: "count", Read: func(v policy.Value, path string) { l.Count = d.Count(v, path, 1, 9) }},
		{Name: "every", Read: func(v policy.Value, path string) { l.Long, l.Every = d.Duration(v, path, time.Minute, time.Hour) }},
		{Name: "at", Read: func(v policy.Value, path string) { l.At = d.Clock(v, path) }},
		{Name: "zone", Read: func(v policy.Value, path string) { l.Zone = d.Zone(v, path) }},
	})
	if !seen["name"] {
		d.Missed(root, "name", "a name")
	}
	if seen["text"] && l.Text == "bad" {
		d.Fail(root, "text", "is %s", l.Text)
	}
}

func TestDocument(t *testing.T) {
	t.Parallel()
	want := leaf{
		Name: "ops", Text: "hello", Mail: "{name}", Word: "two", Words: []string{"one", "two"}, To: []string{"a@example.com"},
		Policies: []string{"web", "default"}, Count: 3, Every: "30m", Long: 30 * time.Minute, At: "22:00", Zone: "UTC",
	}
	var yaml, json leaf
	err := policy.ReadDocument([]byte(`name: ops
text: hello
mail: "{name}"
word: two
words: [one, two]
to: [a@example.com]
policies: [web, default]
count: 3
every: 30m
at: "22:00"
zone: UTC
`), "a leaf", yaml.read)
	if diff := cmp.Diff(want, yaml); diff != "" || err != nil {
		t.Errorf("ReadDocument: %v (-want +got):\n%s", err, diff)
	}
	err = policy.ReadJSON([]byte(`{"name": "ops", "text": "hello", "mail": "{name}", "word": "two", "words": ["one", "two"],
		"to": ["a@example.com"], "policies": ["web", "default"], "count": 3, "every": "30m", "at": "22:00", "zone": "UTC"}`), json.read)
	if diff := cmp.Diff(want, json); diff != "" || err != nil {
		t.Errorf("ReadJSON: %v (-want +got):\n%s", err, diff)
	}
}

func TestDocumentRefused(t *testing.T) {
	t.Parallel()
	keys := "name, text, mail, word, words, to, policies, count, every, at, zone"
	for _, tt := range []struct {
		text, yaml, json string
	}{
		{"", "1:1: the document is empty, expected a leaf", "1:1: is not JSON: unexpected EOF"},
		{"[]", "1:1: got a list, expected a mapping with " + keys, "1:1: got a list, expected a mapping with " + keys},
		{`{"text": "bad", "word": true}`, "1:1: name: is missing, expected a name\n1:1: text: is bad\n1:25: word: got true, expected one of one, two",
			"1:1: name: is missing, expected a name\n1:1: text: is bad\n1:25: word: got true, expected one of one, two"},
		{`{"name": null, "words": ["one", "one"], "to": ["x"], "policies": ["a", "a"], "name": "ops"}`,
			"1:2: name: got nothing, expected a name\n1:33: words[1]: \"one\" stands twice\n1:48: to[0]: got \"x\", expected an e-mail address such as ops@example.com\n" +
				"1:72: policies[1]: \"a\" stands twice\n1:78: name: stands twice; the first is in line 1",
			"1:2: name: got nothing, expected a name\n1:33: words[1]: \"one\" stands twice\n1:48: to[0]: got \"x\", expected an e-mail address such as ops@example.com\n" +
				"1:72: policies[1]: \"a\" stands twice\n1:78: name: stands twice; the first is in line 1"},
		{`{"name": "ops"`, "1:1: is not YAML: could not find flow mapping end token '}'", "1:15: is not JSON: unexpected EOF"},
		{`{"name": ["ops"`, "1:10: is not YAML: sequence end token ']' not found", "1:16: is not JSON: unexpected EOF"},
		{`{"name": "ops"} {}`, "1:17: is not YAML: value is not allowed in this context", "1:17: is not JSON: something follows the document"},
		{"name: !ops a", "1:7: tags (!) are not part of its language; put a text that starts with ! in quotes", "1:1: is not JSON: invalid character 'a' in literal null (expecting 'u')"},
		{`{"name": "ops", 5: 1}`, "1:17: unknown key \"5\", expected " + keys, "1:17: is not JSON: invalid character '5' looking for beginning of object key string"},
		{"{\"name\": \"\xff\"}", "1:11: is not UTF-8 text", "1:1: is not UTF-8 text"},
		{strings.Repeat("[", 21) + strings.Repeat("]", 21), "1:21: the document is nested deeper than 20 levels", "1:21: the document is nested deeper than 20 levels"},
		{strings.Repeat(" ", policy.MaxBytes+1), "1:1: the document has 65537 bytes, expected at most 65536", "1:1: the document has 65537 bytes, expected at most 65536"},
	} {
		var all policy.Errors
		if err := policy.ReadDocument([]byte(tt.text), "a leaf", new(leaf).read); !errors.As(err, &all) || err.Error() != tt.yaml {
			t.Errorf("ReadDocument(%.60q): %v, want %s", tt.text, err, tt.yaml)
		}
		if err := policy.ReadJSON([]byte(tt.text), new(leaf).read); !errors.As(err, &all) || err.Error() != tt.json {
			t.Errorf("ReadJSON(%.60q): %v, want %s", tt.text, err, tt.json)
		}
	}
}
