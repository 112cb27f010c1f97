package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

var (
	target     = regexp.MustCompile(`\bmake ([a-z%][\w-]*)`)
	rule       = regexp.MustCompile(`(?m)^([\w%-]+):`)
	fence      = "```"
	invocation = regexp.MustCompile("(?:^|[`\\s]|bin/)keyward ([a-z][^`|>#]*)")
)

// code is what a page shows as code: spans, and the lines of fenced blocks.
func code(p page) []string {
	var all []string
	inside := false
	for _, line := range p.lines {
		if strings.HasPrefix(line, fence) {
			inside = !inside
			continue
		}
		if inside {
			all = append(all, strings.TrimSpace(line))
			continue
		}
		for _, m := range span.FindAllStringSubmatch(line, -1) {
			all = append(all, m[1])
		}
	}
	return all
}

func TestMakeTargets(t *testing.T) {
	t.Parallel()
	targets := map[string]bool{}
	for _, m := range rule.FindAllStringSubmatch(read(t, "Makefile"), -1) {
		targets[m[1]] = true
	}
	for _, p := range pages(t) {
		for _, c := range code(p) {
			for _, m := range target.FindAllStringSubmatch(c, -1) {
				if !targets[m[1]] {
					t.Errorf("%s says %q, and the Makefile has no target %s", p.path, c, m[1])
				}
			}
		}
	}
}

// command is one command of the command line, as the struct tags of cmd/keyward declare it.
type command struct {
	commands map[string]*command
	flags    map[string]bool
	fallback bool // it may be called without naming a command below it
}

func TestCommands(t *testing.T) {
	t.Parallel()
	cli := commandLine(t)
	seen := 0
	for _, p := range pages(t) {
		for _, c := range code(p) {
			if !strings.HasPrefix(c, "keyward ") && !strings.HasPrefix(c, "bin/keyward ") {
				continue
			}
			seen++
			for _, m := range invocation.FindAllStringSubmatch(c, -1) {
				if problem := cli.check(strings.Fields(m[1])); problem != "" {
					t.Errorf("%s says %q: %s", p.path, c, problem)
				}
			}
		}
	}
	if seen == 0 {
		t.Error("no page names a command")
	}
}

// check follows the words of an invocation; "" means that each command and flag is there.
func (c *command) check(words []string) string {
	flags := map[string]bool{"help": true}
	at := c
	for {
		for f := range at.flags {
			flags[f] = true
		}
		if len(words) == 0 || at.commands[words[0]] == nil {
			break
		}
		at, words = at.commands[words[0]], words[1:]
	}
	if len(at.commands) > 0 && !at.fallback && len(words) > 0 {
		return "there is no command " + words[0]
	}
	for _, w := range words {
		name, isFlag := strings.CutPrefix(w, "--")
		name, _, _ = strings.Cut(name, "=")
		if isFlag && !flags[name] {
			return "there is no flag --" + name
		}
	}
	return ""
}

func commandLine(t *testing.T) *command {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, "cmd", "keyward", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	structs := map[string]*ast.StructType{}
	for _, path := range paths {
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if s, ok := n.(*ast.TypeSpec); ok {
				if body, ok := s.Type.(*ast.StructType); ok {
					structs[s.Name.Name] = body
				}
			}
			return true
		})
	}
	if structs["cli"] == nil {
		t.Fatal("cmd/keyward has no struct cli")
	}
	return declared(structs, structs["cli"])
}

var upper = regexp.MustCompile(`([a-z])([A-Z])`)

func declared(structs map[string]*ast.StructType, body *ast.StructType) *command {
	c := &command{commands: map[string]*command{}, flags: map[string]bool{}}
	for _, f := range body.Fields.List {
		named, _ := f.Type.(*ast.Ident)
		if len(f.Names) == 0 { // embedded: its flags are ours
			if named != nil && structs[named.Name] != nil {
				for flag := range declared(structs, structs[named.Name]).flags {
					c.flags[flag] = true
				}
			}
			continue
		}
		tag := reflect.StructTag("")
		if f.Tag != nil {
			tag = reflect.StructTag(strings.Trim(f.Tag.Value, "`"))
		}
		name := tag.Get("name")
		if name == "" {
			name = strings.ToLower(upper.ReplaceAllString(f.Names[0].Name, "$1-$2"))
		}
		_, isCommand := tag.Lookup("cmd")
		_, isArgument := tag.Lookup("arg")
		switch {
		case isCommand:
			below := &command{}
			if named != nil && structs[named.Name] != nil {
				below = declared(structs, structs[named.Name])
			}
			c.commands[name] = below
			if _, ok := tag.Lookup("default"); ok {
				c.fallback = true
				for flag := range below.flags {
					c.flags[flag] = true
				}
			}
		case !isArgument:
			c.flags[name] = true
		}
	}
	return c
}
