package contract_test

import (
	"encoding/json"
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/docs/openapi"
)

var routePattern = regexp.MustCompile(`^(GET|POST|PUT|PATCH|DELETE) /\S*$`)

// served are the routes that a function's handler has, by the keys of its boot.Routes.
func served(t testing.TB, function string) []string {
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
func everyRouteIsDeployedAndServed(t testing.TB, s stack) {
	apis := 0
	for name, r := range s.deployed(t) {
		var routes []string
		events, _ := at(r.Properties, "Events").([]entry)
		for _, e := range events {
			if at(e.value, "Type") == "HttpApi" {
				routes = append(routes, at(e.value, "Properties", "Method").(string)+" "+at(e.value, "Properties", "Path").(string))
			}
		}
		for _, api := range s.of(t, "AWS::Serverless::HttpApi") {
			routes = append(routes, described(t, api, r.LogicalID)...)
		}
		slices.Sort(routes)
		if diff := cmp.Diff(served(t, name), routes); diff != "" {
			t.Errorf("function %s (-served +deployed):\n%s", name, diff)
		}
		if len(routes) > 0 {
			apis++
		}
	}
	if apis != 3 {
		t.Errorf("%d functions have routes, want api, request and act", apis)
	}
}

// The private API has the routes that the public one has, each to the same function, and is open to IAM identities of
// the account that come through its endpoints alone.
func privateAPI(t testing.TB, s stack) {
	apis := s.of(t, "AWS::Serverless::Api")
	if len(apis) != 1 {
		t.Fatalf("template.yaml has %d REST APIs, want the machines' private one", len(apis))
	}
	p := apis[0].Properties
	routes := described(t, apis[0], "RequestFunction")
	slices.Sort(routes)
	if diff := cmp.Diff(served(t, "request"), routes); diff != "" {
		t.Errorf("routes (-served +private):\n%s", diff)
	}
	endpoints := call{"Split", []any{",", call{"Ref", "MachineApiVpcEndpoints"}}}
	for path, want := range map[string]any{
		"EndpointConfiguration.Type": "PRIVATE", "EndpointConfiguration.VPCEndpointIds": endpoints, "Auth.DefaultAuthorizer": "AWS_IAM", "Auth.InvokeRole": "NONE",
	} {
		if got := at(p, strings.Split(path, ".")...); !cmp.Equal(got, want, cmp.AllowUnexported(call{})) {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	policy := statements(t, at(p, "Auth", "ResourcePolicy", "CustomStatements"))
	if len(policy) != 2 || policy[0].Effect != "Allow" || policy[1].Effect != "Deny" || policy[1].Resources[0] != "execute-api:/*" || policy[1].Actions[0] != "execute-api:Invoke" {
		t.Fatalf("the resource policy is %+v", policy)
	}
	if got := at(policy[1].Condition, "StringNotEquals", "aws:SourceVpce"); !cmp.Equal(got, any(endpoints), cmp.AllowUnexported(call{})) {
		t.Errorf("what comes through other endpoints than %v is denied", got)
	}
	// One of the two is there, and may call the function.
	for _, r := range s.resources {
		want, ok := map[string]string{
			"MachineApi": "WithPublicMachineApi", "MachineApiCallsRequest": "WithPublicMachineApi", "PrivateMachineApi": "WithPrivateMachineApi", "PrivateMachineApiCallsRequest": "WithPrivateMachineApi",
		}[r.key]
		if got := at(r.value, "Condition"); ok && got != want {
			t.Errorf("%s is there under %v, want %s", r.key, got, want)
		}
		if api, isCall := strings.CutSuffix(r.key, "CallsRequest"); isCall {
			source, _ := at(r.value, "Properties", "SourceArn").(call)
			if text, _ := source.argument.(string); !strings.Contains(text, ":${"+api+"}/") || at(r.value, "Properties", "FunctionName") != any(call{"Ref", "RequestFunction"}) {
				t.Errorf("%s lets %v call", r.key, source)
			}
		}
	}
}

// included are the routes that a document leads to a function.
func included(t testing.TB, location, function string) []string {
	t.Helper()
	var document struct {
		Paths map[string]map[string]struct {
			Integration struct{ URI map[string]string } `json:"x-amazon-apigateway-integration"`
		}
	}
	if err := json.Unmarshal([]byte(read(t, location)), &document); err != nil {
		t.Fatal(err)
	}
	var routes []string
	for path, methods := range document.Paths {
		for method, o := range methods {
			if strings.HasSuffix(o.Integration.URI["Fn::Sub"], "/functions/${"+function+".Arn}/invocations") {
				routes = append(routes, strings.ToUpper(method)+" "+path)
			}
		}
	}
	return routes
}

// described are the routes that an API describes itself and leads to a function, by its logical id.
func described(t testing.TB, api role, function string) []string {
	t.Helper()
	var routes []string
	if location, ok := at(api.Properties, "DefinitionBody", "Fn::Transform", "Parameters", "Location").(string); ok {
		return included(t, location, function)
	}
	paths, _ := at(api.Properties, "DefinitionBody", "paths").([]entry)
	for _, path := range paths {
		for _, m := range path.value.([]entry) {
			uri := at(m.value, "x-amazon-apigateway-integration", "uri")
			if uri == any(call{"Sub", "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${" + function + ".Arn}/invocations"}) {
				routes = append(routes, strings.ToUpper(m.key)+" "+path.key)
			}
		}
	}
	return routes
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
