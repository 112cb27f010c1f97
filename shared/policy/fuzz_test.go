package policy_test

import (
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/keyward/keyward/shared/policy"
)

// FuzzParse: whatever the text, Parse either returns a policy that reads back the same and can judge,
// or errors that each say where and what.
func FuzzParse(f *testing.F) {
	for _, text := range packFiles(f) {
		f.Add(text)
	}
	f.Add([]byte(everyKey))
	f.Add([]byte("{\"policy\": \"x\"}"))
	f.Add([]byte("? a\n: &b [*c, !d e, {<<: f}]\n---\n"))
	f.Add([]byte("policy: x\r\nrules:\r\n- {rule: >\n  a\n, os: {is: [~, 1, 1.5, .inf, .nan, 0x1, true]}}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := policy.Parse(text)
		var all policy.Errors
		switch {
		case err == nil:
			again, err := policy.Parse([]byte(p.Text))
			if diff := cmp.Diff(p, again, cmpopts.IgnoreUnexported(policy.Rule{})); diff != "" || err != nil {
				t.Fatalf("Parse again: %v (-first +again):\n%s", err, diff)
			}
			if r := policy.Evaluate(p, host(), noon); len(r.Findings) != len(p.Rules) {
				t.Fatalf("Evaluate = %d findings of %d rules", len(r.Findings), len(p.Rules))
			}
		case p != nil || !errors.As(err, &all) || len(all) == 0:
			t.Fatalf("Parse = %v, %v, want Errors alone", p, err)
		}
		for _, e := range all {
			if e.Line < 1 || e.Column < 1 || e.Message == "" || !utf8.ValidString(e.Error()) {
				t.Fatalf("Parse: error without place or text: %+v", e)
			}
		}
	})
}
