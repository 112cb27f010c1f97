package policy

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/keyward/keyward/shared/evidence"
)

// TestSections: every part of the evidence is in the table, so that nothing a rule in CEL looks at stays
// uncollected.
func TestSections(t *testing.T) {
	t.Parallel()
	var parts []string
	fields := reflect.VisibleFields(reflect.TypeFor[evidence.Evidence]())
	for _, f := range fields {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "schema" {
			continue
		}
		parts = append(parts, name)
		if !slices.ContainsFunc(sections, func(s section) bool { return s.name == name }) {
			t.Errorf("sections does not say what has to be collected for expressions about %s", name)
		}
	}
	for _, s := range sections {
		if !slices.Contains(parts, s.name) {
			t.Errorf("sections has %s, and the evidence has not", s.name)
		}
	}
}
