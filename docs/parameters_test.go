package docs_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/parameters.md anew")

type parameter struct {
	Description    string   `yaml:"Description"`
	Default        *string  `yaml:"Default"`
	AllowedValues  []string `yaml:"AllowedValues"`
	MinValue       *string  `yaml:"MinValue"`
	MaxValue       *string  `yaml:"MaxValue"`
	AllowedPattern string   `yaml:"AllowedPattern"`
	Constraint     string   `yaml:"ConstraintDescription"`
}

// bounds are the values that a parameter may have, in words.
func (p parameter) bounds() string {
	switch {
	case len(p.AllowedValues) > 0:
		return strings.Join(p.AllowedValues, ", ")
	case p.MinValue != nil && p.MaxValue != nil:
		return *p.MinValue + " to " + *p.MaxValue
	default:
		return p.Constraint
	}
}

// TestParameters holds docs/parameters.md to the template, and the template to style: every parameter is described, with
// an example where the description needs one, bounded, and in a group.
func TestParameters(t *testing.T) {
	t.Parallel()
	var template struct {
		Metadata struct {
			Interface struct {
				ParameterGroups []struct {
					Label      struct{ Default string } `yaml:"Label"`
					Parameters []string                 `yaml:"Parameters"`
				} `yaml:"ParameterGroups"`
			} `yaml:"AWS::CloudFormation::Interface"`
		} `yaml:"Metadata"`
		Parameters map[string]parameter `yaml:"Parameters"`
	}
	text := read(t, "template.yaml")
	head, _, _ := strings.Cut(text, "\nRules:\n") // what follows has tags that are CloudFormation's own
	if err := yaml.Unmarshal([]byte(head), &template); err != nil {
		t.Fatal(err)
	}
	var page strings.Builder
	page.WriteString(`# Parameters

What ` + "`sam deploy --guided`" + ` asks for, read from [template.yaml](../template.yaml), which refuses other values before anything is changed. Only the two without a
default have to be given. To write this page again: ` + "`go test ./docs -run TestParameters -update`" + `
`)
	seen := map[string]bool{}
	for _, g := range template.Metadata.Interface.ParameterGroups {
		fmt.Fprintf(&page, "\n## %s\n\n| parameter | default | values | |\n| --- | --- | --- | --- |\n", g.Label.Default)
		for _, name := range g.Parameters {
			p, there := template.Parameters[name]
			if !there || seen[name] {
				t.Errorf("template.yaml: the group %q names %s, which is no parameter or in another group", g.Label.Default, name)
			}
			seen[name] = true
			value := "required"
			switch {
			case p.Default != nil && *p.Default == "":
				value = "none"
			case p.Default != nil:
				value = "`" + *p.Default + "`"
			}
			if p.Description == "" || p.bounds() == "" {
				t.Errorf("template.yaml: the parameter %s has no description or no bounds in words", name)
			}
			fmt.Fprintf(&page, "| `%s` | %s | %s | %s |\n", name, value, p.bounds(), strings.ReplaceAll(p.Description, "|", "\\|"))
		}
	}
	for name := range template.Parameters {
		if !seen[name] {
			t.Errorf("template.yaml: the parameter %s is in no group", name)
		}
	}
	path := filepath.Join(root, "docs", "parameters.md")
	if *update {
		if err := os.WriteFile(path, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(page.String(), read(t, "docs/parameters.md")); diff != "" {
		t.Errorf("parameters (-template.yaml +docs/parameters.md):\n%s", diff)
	}
}

// TestEveryPageIsFound holds the list of all pages to the folder.
func TestEveryPageIsFound(t *testing.T) {
	t.Parallel()
	index := read(t, "docs/README.md")
	for _, p := range pages(t) {
		name := filepath.Base(p.path)
		if links := strings.Count(index, "]("+name+")"); name != "README.md" && links != 1 {
			t.Errorf("docs/README.md links to %s %d times, expected once", name, links)
		}
	}
}
