package custom_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/policy/custom"
)

// FuzzExpression: whatever the text, it is refused with a place inside the document, or it judges without
// a panic and says why when it does not know.
func FuzzExpression(f *testing.F) {
	for _, c := range refusals {
		f.Add(c.rule)
	}
	for _, rule := range []string{
		"each: mounts\n  where: e.target.startsWith('/data')\n  expression: e.encrypted\n  message: e.target",
		"each: listeners\n  expression: e.port != 80 || inNetwork(e.addr, '10.0.0.0/8')\n  empty: pass",
		"each: products\n  expression: versionIs(e.version, '>= 3') && age(e.definition.date) < duration('72h')",
		"expression: evidence.os.kernel.matches('^6') ? evidence.firewall.active : evidence.listeners.map(l, l.port).exists(p, p > 1)",
		"expression: >\n    \"\\u00e4\" == 'ä' &&\n\n    [1, 2].all(i, i > 0)",
		"expression: evidence.mounts.filter(m, m.encrypted)[0].target.size() > 0",
		"expression: evidence.collect.received > timestamp('2026-01-01T00:00:00Z') && evidence.collect.skewSeconds < 5",
		"expression: '{\"a\": 1}[\"b\"] == 1'",
	} {
		f.Add(rule)
	}
	f.Fuzz(func(t *testing.T, rule string) {
		document := "policy: x\nrules:\n- rule: r\n  " + rule + "\n"
		p, err := custom.Parse([]byte(document))
		var all policy.Errors
		switch {
		case err != nil && (p != nil || !errors.As(err, &all) || len(all) == 0):
			t.Fatalf("Parse = %v, %v, want Errors alone", p, err)
		case err == nil:
			for _, finding := range policy.Evaluate(p, host(), noon).Findings {
				if finding.Verdict == policy.Unknown && finding.Why == "" {
					t.Fatalf("Evaluate(%q) does not know and does not say why: %+v", rule, finding)
				}
				if strings.ContainsAny(finding.Actual, "\n\r\t") || !utf8.ValidString(finding.Actual) {
					t.Fatalf("Evaluate(%q) says %q", rule, finding.Actual)
				}
			}
		}
		lines := strings.Count(document, "\n") + strings.Count(document, "\r") + 1 // either ends a line of YAML
		for _, e := range all {
			if e.Line < 1 || e.Line > lines || e.Column < 1 || e.Message == "" || !utf8.ValidString(e.Error()) {
				t.Fatalf("Parse(%q): error without place or text: %+v", rule, e)
			}
		}
	})
}
