package contract_test

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/docs/openapi"
)

var routePattern = regexp.MustCompile(`^(GET|POST|PUT|PATCH|DELETE) /\S*$`)

// served are the routes that a function's handler has, by the keys of its boot.Routes.
func served(t *testing.T, function string) []string {
	t.Helper()
	var routes []string
	for _, s := range sources(t, "functions/"+function+"/handler", true) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			pair, ok := n.(*ast.KeyValueExpr)
			if !ok {
				return true
			}
			if key, ok := pair.Key.(*ast.BasicLit); ok && key.Kind == token.STRING {
				if route, err := strconv.Unquote(key.Value); err == nil && routePattern.MatchString(route) {
					routes = append(routes, route)
				}
			}
			return true
		})
	}
	slices.Sort(routes)
	return routes
}

// Each route that a handler has is deployed, and each that is deployed has a handler: what is in one alone is a 404 for
// everybody.
func TestEveryRouteIsDeployedAndServed(t *testing.T) {
	t.Parallel()
	apis := 0
	for name, r := range template(t).deployed(t) {
		var routes []string
		events, _ := at(r.Properties, "Events").([]entry)
		for _, e := range events {
			if at(e.value, "Type") == "HttpApi" {
				routes = append(routes, at(e.value, "Properties", "Method").(string)+" "+at(e.value, "Properties", "Path").(string))
			}
		}
		slices.Sort(routes)
		if diff := cmp.Diff(served(t, name), routes); diff != "" {
			t.Errorf("function %s (-served +deployed):\n%s", name, diff)
		}
		if len(routes) > 0 {
			apis++
		}
	}
	if apis != 2 {
		t.Errorf("%d functions have routes, want api and request", apis)
	}
}

// Each route of the handlers is described, and none more.
func TestEveryRouteIsDescribed(t *testing.T) {
	t.Parallel()
	for function, api := range map[string]string{"api": openapi.People, "request": openapi.Machines} {
		var described []string
		for _, o := range openapi.Operations() {
			if o.API == api {
				described = append(described, o.Route)
			}
		}
		slices.Sort(described)
		if diff := cmp.Diff(served(t, function), described); diff != "" {
			t.Errorf("function %s (-served +described):\n%s", function, diff)
		}
	}
}
