package docs_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// licences are those that may be linked into what people deploy: none asks more of them than to keep its text.
var licences = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"}

// The table of modules is what is linked and tested, at these versions.
func TestDependencies(t *testing.T) {
	t.Parallel()
	list := exec.Command("go", "list", "-deps", "-test", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}", "./...")
	list.Dir, list.Env = "..", append(os.Environ(), "GOOS=linux")
	out, err := list.Output()
	if err != nil {
		t.Fatalf("listing modules: %v", err)
	}
	linked := strings.Fields(strings.ReplaceAll(string(out), " ", "@"))
	slices.Sort(linked)
	var told []string
	for _, cells := range rows(t, pageOf(t, "docs/dependencies.md"), "module") {
		told = append(told, cells[0]+"@"+cells[1])
		if !slices.Contains(licences, cells[2]) && cells[3] != "tests" {
			t.Errorf("%s has licence %q, expected one of %q", cells[0], cells[2], licences)
		}
	}
	slices.Sort(told)
	if diff := cmp.Diff(slices.Compact(linked), told); diff != "" {
		t.Errorf("modules (-linked +docs/dependencies.md), make sbom writes the table:\n%s", diff)
	}
}
