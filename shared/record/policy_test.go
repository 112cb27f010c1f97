package record

import (
	"fmt"
	"testing"

	"github.com/keyward/keyward/shared/policy"
)

const text = "policy: web\nrules: [{rule: no plain web, ports: {closed: [tcp/80]}}]\n"

// What a caller does to a policy of its own reaches nobody else who compiles the same text.
func TestCompileSharesNoFields(t *testing.T) {
	t.Parallel()
	first, err := Policy{Name: "web", Version: 1, Text: text}.Compile()
	if err != nil {
		t.Fatal(err)
	}
	first.Name, first.Notify.To = "changed", []string{"changed@example.com"}
	second, err := Policy{Name: "web", Version: 2, Text: text}.Compile()
	if err != nil {
		t.Fatal(err)
	}
	if second.Name != "web" || second.Notify.To != nil || second.Version != 2 || first.Version != 1 || second.Digest == "" {
		t.Errorf("the second policy is %+v, want web, version 2, as it is written", second)
	}
}

func TestTextsAreParsedOnce(t *testing.T) {
	t.Parallel()
	c := parses{most: 2, byText: map[string]*policy.Policy{}}
	first, err := c.parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.parse(text); err != nil || again != first {
		t.Errorf("the second time is %p, %v, want what the first gave, %p", again, err, first)
	}
	if _, err := c.parse("policy: ["); err == nil || len(c.byText) != 1 {
		t.Errorf("error = %v, %d are kept: want that a refused text is refused, and not kept", err, len(c.byText))
	}
	for n := range 3 {
		if _, err := c.parse(text + fmt.Sprintf("# %d\n", n)); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.byText) > c.most {
		t.Errorf("%d are kept, want at most %d", len(c.byText), c.most)
	}
}
