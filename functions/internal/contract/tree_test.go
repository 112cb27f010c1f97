// Package contract_test holds the architecture as tests: who may import whom, who may call what of AWS,
// that every variable is set and every variable set is read, that the state machine names nothing that
// cannot happen. Failures name the edge and the reason. What is true of the template are checks, which
// a test runs on broken templates, too. With -update it writes docs/permissions.md.
package contract_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

const (
	root   = "../../.."
	module = "github.com/keyward/keyward/"
	sdk    = "github.com/aws/aws-sdk-go-v2"
	lambda = "github.com/aws/aws-lambda-go"
)

// pkg is a package as go list sees it, tests left out.
type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
	Standard   bool
}

// packages are all packages of the module and what they link, by import path.
var packages = sync.OnceValues(func() (map[string]pkg, error) {
	// go test does not see what go list reads: looking at every file keeps an old result from standing.
	if err := filepath.WalkDir(root, look); err != nil {
		return nil, err
	}
	list := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports,Deps,Standard", "./...")
	list.Dir = root
	list.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := list.Output()
	if err != nil {
		return nil, err
	}
	all := map[string]pkg{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); err == io.EOF {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all[p.ImportPath] = p
	}
})

func look(path string, e fs.DirEntry, err error) error {
	if err != nil {
		return err
	}
	if e.IsDir() && (strings.HasPrefix(e.Name(), ".") && e.Name() != ".." && path != root || e.Name() == "build" || e.Name() == "bin") {
		return filepath.SkipDir
	}
	if strings.HasSuffix(path, ".go") {
		_, err = os.Stat(path)
	}
	return err
}

// ours are the module's packages, by their path inside it.
func ours(t testing.TB) map[string]pkg {
	t.Helper()
	all, err := packages()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	own := map[string]pkg{}
	for path, p := range all {
		if inside, ok := strings.CutPrefix(path, module); ok {
			own[inside] = p
		}
	}
	return own
}

// functions are the folders of the functions.
func functions(t testing.TB) []string {
	t.Helper()
	entries, err := os.ReadDir(root + "/functions")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && e.Name() != "internal" {
			names = append(names, e.Name())
		}
	}
	if len(names) != 18 {
		t.Fatalf("functions = %v, want eighteen", names)
	}
	return names
}

// source is one file of Go, parsed.
type source struct {
	path string // inside the module
	file *ast.File
	set  *token.FileSet
}

func (s source) position(n ast.Node) string {
	return fmt.Sprintf("%s:%d", s.path, s.set.Position(n.Pos()).Line)
}

// parsedFiles are the files that were read, by path.
var parsedFiles sync.Map

// sources are the files of a folder, tests left out; deep takes in what is below.
func sources(t testing.TB, folder string, deep bool) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(filepath.Join(root, folder), func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			if !deep && path != filepath.Join(root, folder) || e.Name() == "testdata" {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		if _, known := parsedFiles.Load(path); !known { // a check reads the same files for each template that it looks at
			set := token.NewFileSet()
			f, err := parser.ParseFile(set, path, nil, parser.ParseComments)
			if err != nil {
				return err
			}
			parsedFiles.Store(path, source{path: strings.TrimPrefix(filepath.ToSlash(path), root+"/"), file: f, set: set})
		}
		s, _ := parsedFiles.Load(path)
		all = append(all, s.(source))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// named is the path that a file imports under a name, "" for none.
func (s source) named(name string) string {
	for _, i := range s.file.Imports {
		path := strings.Trim(i.Path.Value, `"`)
		if i.Name != nil && i.Name.Name == name || i.Name == nil && path[strings.LastIndex(path, "/")+1:] == name {
			return path
		}
	}
	return ""
}

// uses are the names that a file takes from an imported package, with where.
func (s source) uses(path string) map[string]string {
	found := map[string]string{}
	ast.Inspect(s.file, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if id, ok := sel.X.(*ast.Ident); ok && id.Obj == nil && s.named(id.Name) == path {
			found[sel.Sel.Name] = s.position(sel)
		}
		return true
	})
	return found
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func sortedSet(all map[string]bool) []string {
	var list []string
	for k := range all {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}
