package custom

import (
	"net/netip"

	"cel.dev/cel-go/common/ast"
)

// read is one fact that an expression looks at.
type read struct {
	element bool // of the element, else of the evidence
	path    []string
	field   *field // nil for the element or the evidence itself
}

// readsOf are the facts that an expression looks at, by the longest path it names.
func readsOf(a *ast.AST, each *field) []read {
	var all []read
	root := ast.NavigateAST(a)
	for _, x := range ast.MatchDescendants(root, ast.KindMatcher(ast.IdentKind)) {
		name := x.AsIdent()
		if name != elementName && name != evidenceName {
			continue
		}
		r := read{element: name == elementName}
		for at := x; ; {
			parent, ok := at.Parent()
			if !ok || parent.Kind() != ast.SelectKind {
				break
			}
			r.path, at = append(r.path, parent.AsSelect().FieldName()), parent
		}
		k := known().evidence
		if r.element {
			k = each.of
		}
		if len(r.path) > 0 {
			r.field, _ = k.at(r.path)
		}
		all = append(all, r)
	}
	return all
}

func isNetwork(s string) bool {
	n, err := netip.ParsePrefix(s)
	return err == nil && n.Masked() == n
}
