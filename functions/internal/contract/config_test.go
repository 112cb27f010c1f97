package contract_test

import (
	"encoding/json"
	"go/ast"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// ofLambda are the variables that Lambda itself sets
// (docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html).
var ofLambda = []string{"AWS_LAMBDA_FUNCTION_NAME", "AWS_REGION"}

// ofBoot are those that boot reads in every function.
var ofBoot = []string{"FUNCTION_TIMEOUT_SECONDS", "METRICS_NAMESPACE"}

// wants are the variables that a function's config struct names.
func wants(t testing.TB, function string) []string {
	t.Helper()
	var names []string
	for _, s := range sources(t, "functions/"+function, true) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok || spec.Name.Name != "config" {
				return true
			}
			for _, f := range spec.Type.(*ast.StructType).Fields.List {
				if f.Tag == nil {
					t.Errorf("%s: a field of config without an env tag", s.position(f))
					continue
				}
				name, _, _ := strings.Cut(reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("env"), ",")
				names = append(names, name)
			}
			return true
		})
	}
	if len(names) == 0 {
		t.Errorf("functions/%s has no config struct", function)
	}
	return names
}

func variables(v any) map[string]any {
	all := map[string]any{}
	if m, ok := at(v, "Environment", "Variables").([]entry); ok {
		for _, e := range m {
			all[e.key] = e.value
		}
	}
	return all
}

func everyVariableIsSetAndRead(t testing.TB, s stack) {
	for f, r := range s.deployed(t) {
		set := variables(s.globals)
		for k, v := range variables(r.Properties) {
			set[k] = v
		}
		wanted := append(wants(t, f), ofBoot...)
		for _, name := range wanted {
			if _, there := set[name]; !there && !slices.Contains(ofLambda, name) {
				t.Errorf("functions/%s reads %s, and template.yaml does not set it for %s", f, name, r.LogicalID)
			}
		}
		for name := range set {
			if !slices.Contains(wanted, name) {
				t.Errorf("template.yaml sets %s for %s, and functions/%s does not read it", name, r.LogicalID, f)
			}
		}
	}
}

// Now is the deadline minus this variable: a difference would make every function wrong about the time.
func timeouts(t testing.TB, s stack) {
	if got, want := at(s.globals, "Timeout"), variables(s.globals)["FUNCTION_TIMEOUT_SECONDS"]; got != want {
		t.Errorf("template.yaml: Timeout %v and FUNCTION_TIMEOUT_SECONDS %v differ for all functions", got, want)
	}
	for f, r := range s.deployed(t) {
		if got, want := at(r.Properties, "Timeout"), variables(r.Properties)["FUNCTION_TIMEOUT_SECONDS"]; got != want {
			t.Errorf("template.yaml: Timeout %v and FUNCTION_TIMEOUT_SECONDS %v differ for %s: now is the deadline minus it", got, want, f)
		}
	}
}

func TestEveryFunctionHasEvents(t *testing.T) {
	t.Parallel()
	folders, err := os.ReadDir(root + "/events")
	if err != nil {
		t.Fatal(err)
	}
	names := functions(t)
	for _, e := range folders {
		if !slices.Contains(names, e.Name()) {
			t.Errorf("events/%s is of no function", e.Name())
		}
	}
	for _, f := range names {
		files, err := filepath.Glob(root + "/events/" + f + "/*.json")
		if err != nil || len(files) == 0 {
			t.Errorf("functions/%s has no event in events/%s: %v", f, f, err)
		}
		tests, err := filepath.Glob(root + "/functions/" + f + "/handler/*_test.go")
		if err != nil || len(tests) == 0 {
			t.Errorf("functions/%s has no tests: %v", f, err)
		}
		var code strings.Builder
		for _, path := range tests {
			code.WriteString(read(t, strings.TrimPrefix(path, root+"/")))
		}
		for _, path := range files {
			if !json.Valid([]byte(read(t, strings.TrimPrefix(path, root+"/")))) {
				t.Errorf("%s is no JSON", path)
			}
			if !strings.Contains(code.String(), filepath.Base(path)+`"`) {
				t.Errorf("events/%s/%s is used by no test of functions/%s", f, filepath.Base(path), f)
			}
		}
	}
}
