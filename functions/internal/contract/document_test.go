package contract_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/permissions.md from template.yaml")

const head = `# Permissions

What each part of the stack may do in AWS, read from [template.yaml](../template.yaml). Nothing else is allowed: a test compares this
page with the template, and the template with the calls that each function's code can make. [keyward local](local.md) judges every call of the programs
by these statements, so that what is missing fails in the demo and in the tests; after all scenarios, what is allowed and was never needed is an error.
The tests of the template run on broken ones as well, so that each of them is known to catch what it is for.

- Only RevokeFunction may disable a key or revoke a grant. Nobody may delete a key, schedule its deletion or change its policy.
- Keys are changed only if they carry the tag ` + "`keyward:guarded = true`" + `; IAM checks it as well as the code.
- Every role carries the Deny of NeverUseGuardedKeys, since whoever may create grants could else grant itself the use of a key; DrillFunction has its own,
  which spares the key of the [fire drill](drill.md) alone.
- ` + "`arn:…`" + ` is shortened to its service and what follows account and Region.

To write this page again: ` + "`go test ./functions/internal/contract -run TestDocument -update`" + `
`

// TestDocument holds docs/permissions.md and the template together.
func TestDocument(t *testing.T) {
	t.Parallel()
	s := template(t)
	var b strings.Builder
	b.WriteString(head)
	for _, r := range s.of(t, "AWS::Serverless::Function") {
		section(&b, r)
	}
	for _, kind := range []string{"AWS::Serverless::StateMachine", "AWS::IAM::Role", "AWS::IAM::ManagedPolicy"} {
		for _, r := range s.of(t, kind) {
			section(&b, r)
		}
	}
	const path = root + "/docs/permissions.md"
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(b.String(), read(t, "docs/permissions.md")); diff != "" {
		t.Errorf("docs/permissions.md is not what template.yaml says; run this test with -update (-template +page):\n%s", diff)
	}
}

func section(b *strings.Builder, r role) {
	fmt.Fprintf(b, "\n## %s\n\n", r.LogicalID)
	b.WriteString("| what for | actions | on | only if |\n| --- | --- | --- | --- |\n")
	for _, s := range r.Statements {
		name := s.Sid
		if s.Effect == "Deny" {
			name += " (denied)"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", name, code(s.Actions), code(s.Resources), condition(s.Condition))
	}
}

func code(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = "`" + w + "`"
	}
	return strings.Join(quoted, "<br>")
}

// condition writes operators and keys as they are: a reader looks them up.
func condition(v any) string {
	operators, _ := v.([]entry)
	var parts []string
	for _, o := range operators {
		keys, _ := o.value.([]entry)
		for _, k := range keys {
			parts = append(parts, fmt.Sprintf("`%s` %s `%s`", k.key, o.key, short(k.value)))
		}
	}
	return strings.Join(parts, "<br>")
}
