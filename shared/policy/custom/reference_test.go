package custom

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the table of facts into the page")

const (
	page  = "../../../docs/custom-rules.md"
	begin = "<!-- facts: go test ./shared/policy/custom -run TestReference -update -->\n"
	end   = "<!-- end of facts -->\n"
)

// facts is the table of everything that an expression can look at, made from the types.
func facts() string {
	var b strings.Builder
	b.WriteString("| of | facts |\n| --- | --- |\n")
	done := map[*class]bool{}
	var write func(k *class, name string)
	write = func(k *class, name string) {
		if done[k] {
			return
		}
		done[k] = true
		var words []string
		for _, f := range k.fields {
			words = append(words, fmt.Sprintf("`%s` %s", f.name, strings.NewReplacer("list(", "list of ", ")", "").Replace(f.typeName())))
		}
		fmt.Fprintf(&b, "| %s | %s |\n", name, strings.Join(words, ", "))
		for _, f := range k.fields {
			if f.of != nil {
				write(f.of, strings.TrimPrefix(f.of.name, typePrefix))
			}
		}
	}
	write(known().evidence, "`evidence`")
	return b.String()
}

// TestReference: the page has every fact there is, and its example compiles.
func TestReference(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	table, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no place for the table of facts", page)
	}
	if *update {
		if err := os.WriteFile(page, []byte(before+begin+facts()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if diff := cmp.Diff(table, facts()); diff != "" {
		t.Errorf("%s is not what the types say; run the test with -update (-page +types):\n%s", page, diff)
	}
	_, example, _ := strings.Cut(before, "```yaml\n")
	example, _, _ = strings.Cut(example, "```\n")
	p, err := Parse([]byte(example))
	if err != nil || len(p.Customs()) != 4 {
		t.Errorf("the example of %s: %v", page, err)
	}
	for _, name := range []string{ageName, versionCall, networkCall} {
		if !strings.Contains(before, "`"+name+"(") {
			t.Errorf("%s does not explain %s", page, name)
		}
	}
	for _, most := range []int{MaxElement, MaxWhole, MaxPolicy} {
		if !strings.Contains(before, thousands(most)) {
			t.Errorf("%s does not say %s", page, thousands(most))
		}
	}
}

// thousands writes 20,000,000.
func thousands(n int) string {
	digits := fmt.Sprint(n)
	var parts []string
	for len(digits) > 3 {
		parts, digits = append(parts, digits[len(digits)-3:]), digits[:len(digits)-3]
	}
	parts = append(parts, digits)
	slices.Reverse(parts)
	return strings.Join(parts, ",")
}
