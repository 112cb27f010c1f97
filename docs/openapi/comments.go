package openapi

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
)

const (
	module = "github.com/keyward/keyward/"
	root   = "../.." // from this package, where its tests run
)

// comments are what the source says of the fields of types, by package.type.field; a package that was read has an
// entry of its own.
type comments map[string]string

// of is what the source says of a field of ours.
func (c comments) of(t reflect.Type, field string) (string, error) {
	if _, read := c[t.PkgPath()]; !read {
		if err := c.read(t.PkgPath()); err != nil {
			return "", err
		}
	}
	return c[t.PkgPath()+"."+t.Name()+"."+field], nil
}

// read adds those of a package of ours.
func (c comments) read(path string) error {
	c[path] = "read"
	files, err := filepath.Glob(filepath.Join(root, strings.TrimPrefix(path, module), "*.go"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("reading the comments of %s: there are no files: %w", path, err)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("reading the comments of %s: %w", path, err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if s, ok := spec.Type.(*ast.StructType); ok {
				c.fields(path+"."+spec.Name.Name, s)
			}
			return false
		})
	}
	return nil
}

func (c comments) fields(of string, s *ast.StructType) {
	for _, f := range s.Fields.List {
		text := f.Comment.Text()
		if text == "" {
			text = f.Doc.Text()
		}
		for _, name := range f.Names {
			c[of+"."+name.Name] = strings.Join(strings.Fields(text), " ")
		}
	}
}
