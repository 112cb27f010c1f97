package stack

import (
	"regexp"
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
	body := p.sub("DefinitionBody")
	body.ignore("openapi", "info")
	paths := body.sub("paths")
	body.end()
	for _, path := range paths.node.members {
		methods := paths.sub(path.name)
		for _, m := range methods.node.members {
			operation := methods.sub(m.name)
			operation.ignore("parameters")
			a.Routes = append(a.Routes, r.integrated(operation, strings.ToUpper(m.name), path.name))
			operation.end()
		}
	}
	r.stack.APIs = append(r.stack.APIs, a)
}

var integration = regexp.MustCompile(`^arn:aws:apigateway:[a-z0-9-]+:lambda:path/2015-03-31/functions/(arn:aws:lambda:\S+)/invocations$`)

// integrated is the route of one operation.
func (r *reader) integrated(operation *properties, method, path string) Route {
	p := operation.sub("x-amazon-apigateway-integration")
	p.only("type", "aws_proxy")
	p.only("httpMethod", "POST")
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
