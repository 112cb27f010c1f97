package stack

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// restAPI is a private REST API that describes its own routes. Who may reach it is for its endpoints and its resource policy to
// say, which have no effect here: there is no VPC.
func (r *reader) restAPI(id string, p *properties) {
	a := API{LogicalID: id, ID: apiID(id), Stage: p.required("StageName")}
	a.URL = r.options.Endpoint + "/execute-api/" + id + "/" + a.Stage
	endpoint := p.sub("EndpointConfiguration")
	endpoint.only("Type", "PRIVATE")
	endpoint.ignore("VPCEndpointIds")
	endpoint.end()
	auth := p.sub("Auth")
	if auth.text("DefaultAuthorizer") != "AWS_IAM" || auth.text("InvokeRole") != "NONE" {
		r.problem(p.node.line, auth.path, "keyward local carries the authorizer AWS_IAM with the InvokeRole NONE alone")
	}
	auth.ignore("ResourcePolicy")
	auth.end()
	a.Routes = r.described(p, "")
	r.stack.APIs = append(r.stack.APIs, a)
}

// payload2 is the format of an HTTP API's events; a REST API's has no name.
const payload2 = "2.0"

// described are the routes that an API describes itself, each integrated with a function of the template; events of functions
// add theirs.
func (r *reader) described(p *properties, payload string) []Route {
	if n := p.node.member("DefinitionBody"); n != nil && n.kind == intrinsic && n.tag == "Transform" {
		return r.documented(p, payload)
	}
	var routes []Route
	body := p.sub("DefinitionBody")
	body.ignore("openapi", "info")
	paths := body.sub("paths")
	body.end()
	for _, path := range paths.node.members {
		methods := paths.sub(path.name)
		for _, m := range methods.node.members {
			operation := methods.sub(m.name)
			operation.ignore("parameters", "responses")
			routes = append(routes, r.integrated(operation, strings.ToUpper(m.name), path.name, payload))
			operation.end()
		}
	}
	return routes
}

var integration = regexp.MustCompile(`^arn:aws:apigateway:[a-z0-9-]+:lambda:path/2015-03-31/functions/(arn:aws:lambda:\S+)/invocations$`)

// integrated is the route of one operation.
// documented are the routes of a document that the template includes. Those that it does not integrate are events of
// functions, which attachRoutes holds against it.
func (r *reader) documented(p *properties, payload string) []Route {
	type call struct {
		Type, HTTPMethod, PayloadFormatVersion string
		URI                                    map[string]string
	}
	var document struct {
		Paths map[string]map[string]struct {
			Integration *call `json:"x-amazon-apigateway-integration"`
		}
	}
	at := p.path + ".DefinitionBody"
	if err := json.Unmarshal(p.json("DefinitionBody"), &document); err != nil {
		r.problem(p.node.line, at, "reading the document: %v", err)
		return nil
	}
	var routes []Route
	for path, methods := range document.Paths {
		for method, operation := range methods {
			route := Route{Method: strings.ToUpper(method), Path: path}
			if i := operation.Integration; i != nil {
				uri := integration.FindStringSubmatch(r.substitute(at, i.URI["Fn::Sub"], p.node.line))
				if uri == nil || i.Type != "aws_proxy" || i.HTTPMethod != "POST" || i.PayloadFormatVersion != payload {
					r.problem(p.node.line, at, "keyward local does not carry the integration of %s %s", route.Method, path)
					continue
				}
				route.Function = uri[1]
			}
			routes = append(routes, route)
		}
	}
	slices.SortFunc(routes, func(a, b Route) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Method, b.Method))
	})
	return routes
}

func (r *reader) integrated(operation *properties, method, path, payload string) Route {
	p := operation.sub("x-amazon-apigateway-integration")
	p.only("type", "aws_proxy")
	p.only("httpMethod", "POST")
	if got := p.text("payloadFormatVersion"); got != payload {
		r.problem(operation.node.line, p.path, "keyward local carries the payloadFormatVersion %q alone, found %q", payload, got)
	}
	uri := integration.FindStringSubmatch(p.required("uri"))
	p.end()
	if uri == nil || !methods[method] || strings.Contains(path, "+}") {
		r.problem(operation.node.line, operation.path, "keyward local does not carry the route %s %s, or its integration: expected one of a function of the template", method, path)
		return Route{}
	}
	return Route{Method: method, Path: path, Function: uri[1]}
}

// reachable puts the place's own address of a REST API where an output has AWS's.
func (r *reader) reachable(output string) string {
	for _, a := range r.stack.APIs {
		if a.Stage != "" {
			output = strings.Replace(output, "https://"+a.ID+".execute-api."+r.options.Region+".amazonaws.com", r.options.Endpoint+"/execute-api/"+a.LogicalID, 1)
		}
	}
	return output
}
