// Command dependencies prints docs/dependencies.md: every module that programs and tests are made of, with its licence
// as a software bill of materials in CycloneDX's JSON names it, which is its argument.
package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
)

type bill struct {
	SpecVersion string `json:"specVersion"`
	Components  []struct {
		Name     string `json:"name"`
		Evidence struct {
			Licenses []struct {
				License struct{ ID, Name string } `json:"license"`
			} `json:"licenses"`
		} `json:"evidence"`
	} `json:"components"`
}

// detectedWrongly are licences that the detection takes for others: of the Go project's modules the file LICENSE has the
// three clauses of BSD-3-Clause.
var detectedWrongly = map[string]string{"BSD-Source-Code": "BSD-3-Clause"}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "dependencies: expected one argument, the bill of materials")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "dependencies:", err)
		os.Exit(1)
	}
}

func run(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var b bill
	if err := json.Unmarshal(text, &b); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	licences := map[string]string{}
	for _, c := range b.Components {
		for _, l := range c.Evidence.Licenses {
			name := cmp.Or(l.License.ID, l.License.Name)
			licences[c.Name] = cmp.Or(detectedWrongly[name], name)
		}
	}
	in := map[string][]string{}
	for _, part := range []struct{ name, packages, tests string }{{"functions", "./functions/...", ""}, {"`keyward`", "./cmd/...", ""}, {"tests", "./...", "-test"}} {
		modules, err := of(part.packages, part.tests)
		if err != nil {
			return err
		}
		for _, m := range modules {
			if part.tests == "" || in[m] == nil {
				in[m] = append(in[m], part.name)
			}
		}
	}
	fmt.Print(head)
	for _, m := range slices.Sorted(maps.Keys(in)) {
		name, version, _ := strings.Cut(m, " ")
		if licences[name] == "" {
			return fmt.Errorf("%s has no licence in %s", name, path)
		}
		fmt.Printf("| %s | %s | %s | %s |\n", name, version, licences[name], strings.Join(in[m], ", "))
	}
	return nil
}

const head = `# What it is made of

Modules that are linked into the functions and the command line, or that only tests use. ` + "`make sbom`" + ` writes this table, and a bill of materials in
CycloneDX's JSON with all hashes, ` + "`build/keyward.cdx.json`" + `. A test holds the table against what is linked.

The same source gives the same programs, byte for byte: ` + "`make reproducible`" + ` builds them twice, in two places, and compares. Each knows its version and
commit: ` + "`keyward version --stack`" + `, ` + "`GET /v1/status`" + `, and the line ` + "`started`" + ` in a function's log.

| module | version | licence | in |
| --- | --- | --- | --- |
`

// of are the modules of packages, "PATH VERSION" each.
func of(packages, tests string) ([]string, error) {
	arguments := []string{"list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}"}
	if tests != "" {
		arguments = append(arguments, tests)
	}
	c := exec.Command("go", append(arguments, packages)...)
	c.Env = append(os.Environ(), "GOOS=linux")
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("listing the modules of %s: %w", packages, err)
	}
	all := strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' })
	slices.Sort(all)
	return slices.Compact(all), nil
}
