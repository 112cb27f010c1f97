package openapi_test

import (
	"context"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/docs/openapi"
)

var update = flag.Bool("update", false, "write docs/openapi.yaml and the table in docs/api.md")

const page = "../openapi.yaml"

// TestDocument holds docs/openapi.yaml and the table together, and has it checked by others' code.
func TestDocument(t *testing.T) {
	t.Parallel()
	text, err := openapi.Document()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(page, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(text, string(have)); diff != "" {
		t.Errorf("docs/openapi.yaml is not what the table says; run this test with -update (-table +page):\n%s", diff)
	}
	if problem := refuses(text); problem != "" {
		t.Error(problem)
	}
	if problem := refuses(strings.Replace(text, "openapi: 3.0.3", "openapi: 3.1.0", 1)); !strings.Contains(problem, "3.1.0") {
		t.Errorf("3.1 is refused with %q, want its version named", problem)
	}
}

// refuses is why API Gateway or a reader of OpenAPI would not take a text; "" when they do.
func refuses(text string) string {
	d, err := openapi3.NewLoader().LoadFromData([]byte(text))
	if err != nil {
		return err.Error()
	}
	if d.OpenAPI != openapi.Version {
		return "the document is of OpenAPI " + d.OpenAPI + ", and API Gateway takes " + openapi.Version
	}
	if err := d.Validate(context.Background()); err != nil {
		return err.Error()
	}
	return ""
}

// TestRouteTable holds the table of docs/api.md and this one together.
func TestRouteTable(t *testing.T) {
	t.Parallel()
	const path, begin, end = "../api.md", "<!-- routes -->\n", "<!-- end of routes -->"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), begin)
	have, tail, ended := strings.Cut(rest, end)
	if !ok || !ended {
		t.Fatalf("docs/api.md has no %s … %s", strings.TrimSpace(begin), end)
	}
	want := openapi.Table()
	if *update {
		if err := os.WriteFile(path, []byte(head+begin+want+end+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("docs/api.md is not what the table says; run this test with -update (-table +page):\n%s", diff)
	}
}
