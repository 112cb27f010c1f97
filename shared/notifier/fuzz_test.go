package notifier_test

import (
	"encoding/json"
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/notifier"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// FuzzRead: whatever the text, in YAML or JSON, reading it gives either a notifier that is in order and reads back the same,
// or errors that each say where and what.
func FuzzRead(f *testing.F) {
	f.Add([]byte(everyKey))
	f.Add([]byte("notifier: ops\nwebhook: {url: https://hooks.example.com/…}\ndigest: {after: 2}\nquiet: {from: 22:00, to: '02:30'}\n"))
	f.Add([]byte(`{"notifier": "ops", "to": ["ops@example.com"], "version": 2, "to": null}`))
	f.Add([]byte(`{"a": [{"b": [1.5e3, true, "\ud800"]}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		for form, read := range map[string]func([]byte) (record.Notifier, error){"Read": notifier.Read, "ReadJSON": notifier.ReadJSON} {
			n, err := read(text)
			var all policy.Errors
			switch {
			case err == nil:
				written, _ := json.Marshal(n)
				again, err := notifier.ReadJSON(written)
				if diff := cmp.Diff(n, again); diff != "" || err != nil {
					t.Fatalf("%s again: %v (-first +again):\n%s", form, err, diff)
				}
				again, err = notifier.Read([]byte(notifier.Write(n)))
				if diff := cmp.Diff(n, again); diff != "" || err != nil {
					t.Fatalf("%s, written and read: %v (-first +again):\n%s", form, err, diff)
				}
				if err := notifier.Check(n); err != nil {
					t.Fatalf("%s read what Check refuses: %v", form, err)
				}
			case !cmp.Equal(n, record.Notifier{}) || !errors.As(err, &all) || len(all) == 0:
				t.Fatalf("%s = %+v, %v, want Errors alone", form, n, err)
			}
			for _, e := range all {
				if e.Line < 1 || e.Column < 1 || e.Message == "" || !utf8.ValidString(e.Error()) {
					t.Fatalf("%s: error without place or text: %+v", form, e)
				}
			}
		}
	})
}
