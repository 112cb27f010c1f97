package stack_test

import (
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/stack"
)

// private is the small template with a private REST API beside its HTTP API, and both describe routes.
var private = strings.NewReplacer(
	"Resources:\n", `Conditions: {Private: !Not [!Equals [!Ref Rate, never]]}
Resources:
  Rest:
    Type: AWS::Serverless::Api
    Condition: Private
    Properties:
      StageName: machines
      EndpointConfiguration: {Type: PRIVATE, VPCEndpointIds: !Split [",", !Ref Rate]}
      Auth: {DefaultAuthorizer: AWS_IAM, InvokeRole: NONE, ResourcePolicy: {}}
      DefinitionBody:
        openapi: 3.0.1
        info: {title: x, version: "1"}
        paths:
          /a/{id}:
            get: {parameters: [], x-amazon-apigateway-integration: {type: aws_proxy, httpMethod: POST, uri: !Sub "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${F.Arn}/invocations"}}
`, "EnableIamAuthorizer: true}", `EnableIamAuthorizer: true}
      DefinitionBody:
        paths:
          /b: {post: {responses: {}, x-amazon-apigateway-integration: {type: aws_proxy, httpMethod: POST, payloadFormatVersion: "2.0", uri: !Sub "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/${F.Arn}/invocations"}}}`).Replace(small) +
	"Outputs:\n  Url: {Value: !If [Private, !Sub \"https://${Rest}.execute-api.${AWS::Region}.${AWS::URLSuffix}/machines\", !GetAtt Api.ApiEndpoint]}\n"

func TestPrivateAPI(t *testing.T) {
	t.Parallel()
	s, err := stack.Parse("t.yaml", []byte(private), smallFiles, stack.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := stack.API{
		LogicalID: "Rest", ID: s.APIs[0].ID, Stage: "machines", URL: "http://127.0.0.1:4566/execute-api/Rest/machines",
		Routes: []stack.Route{{Method: "GET", Path: "/a/{id}", Function: "arn:aws:lambda:us-east-1:123456789012:function:keyward-F"}},
	}
	if diff := cmp.Diff(want, s.APIs[0]); diff != "" {
		t.Errorf("the REST API (-want +got):\n%s", diff)
	}
	if a := s.APIs[1]; len(a.Routes) != 2 || a.Routes[0].Path != "/b" || a.Routes[1].Path != "/a" || s.Outputs["Url"] != want.URL {
		t.Errorf("the HTTP API is %+v, the output %s", a, s.Outputs["Url"])
	}
	s, err = stack.Parse("t.yaml", []byte(strings.Replace(private, "never", "rate(5 minutes)", 1)), smallFiles, stack.Options{})
	if err != nil || len(s.APIs) != 1 || s.Outputs["Url"] != "http://127.0.0.1:4566/execute-api/Api" {
		t.Errorf("without the private API: %+v, %v", s, err)
	}
}

func TestPrivateAPIRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ old, new, want string }{
		"public":             {"Type: PRIVATE", "Type: REGIONAL", `Rest.EndpointConfiguration.Type: keyward local carries PRIVATE alone, found "REGIONAL"`},
		"without authorizer": {"{DefaultAuthorizer: AWS_IAM, InvokeRole", "{InvokeRole", "Rest.Auth: keyward local carries the authorizer AWS_IAM with the InvokeRole NONE alone"},
		"as the caller":      {"InvokeRole: NONE", "InvokeRole: CALLER_CREDENTIALS", "Rest.Auth: keyward local carries the authorizer AWS_IAM with the InvokeRole NONE alone"},
		"without stage":      {"StageName: machines", "Description: x", "Rest: expected the property StageName"},
		"no proxy":           {"aws_proxy", "mock", `keyward local carries aws_proxy alone, found "mock"`},
		"another target":     {"functions/${F.Arn}", "functions/${F}", "keyward local does not carry the route GET /a/{id}, or its integration"},
		"another payload":    {`payloadFormatVersion: "2.0"`, `payloadFormatVersion: "1.0"`, `keyward local carries the payloadFormatVersion "2.0" alone, found "1.0"`},
		"greedy":             {"/a/{id}:", "/{proxy+}:", "keyward local does not carry the route GET /{proxy+}, or its integration"},
		"another method":     {"            get: {par", "            head: {par", "keyward local does not carry the route HEAD /a/{id}, or its integration"},
		"a property":         {"openapi: 3.0.1\n", "openapi: 3.0.1\n        servers: []\n", "Rest.DefinitionBody.servers: keyward local does not carry this property"},
	} {
		changed := strings.Replace(private, tt.old, tt.new, 1)
		if changed == private {
			t.Fatalf("%s: %q is not in the template", name, tt.old)
		}
		if _, err := stack.Parse("t.yaml", []byte(changed), smallFiles, stack.Options{}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Parse = %v, want %s", name, err, tt.want)
		}
	}
}

// An API may take its routes from a document: what it integrates, and what functions have events for, all of both.
func TestDocumentedRoutes(t *testing.T) {
	t.Parallel()
	const integrated = `{"x-amazon-apigateway-integration": {"type": "aws_proxy", "httpMethod": "POST", "payloadFormatVersion": "2.0", "uri": {"Fn::Sub": "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${F.Arn}/invocations"}}}`
	text := strings.Replace(small, "EnableIamAuthorizer: true}", "EnableIamAuthorizer: true}\n      DefinitionBody: {\"Fn::Transform\": {Name: AWS::Include, Parameters: {Location: api.json}}}", 1)
	for document, want := range map[string]string{
		`{"paths": {"/a": {"get": {}}, "/b": {"post": ` + integrated + `}}}`:                                   "",
		`{"paths": {"/b": {"post": ` + integrated + `}}}`:                                                      "",
		`{"paths": {"/a": {"get": {}}, "/c": {"put": {}}}}`:                                                    "Api.DefinitionBody: no function has the route PUT /c",
		`{"paths": {"/a": {"put": {}}}}`:                                                                       "Api.DefinitionBody: it does not have the route GET /a\nt.yaml:1: Api.DefinitionBody: no function has the route PUT /a",
		`{"paths": {"/a": {"get": {}}, "/b": {"post": ` + strings.Replace(integrated, "2.0", "1.0", 1) + `}}}`: "keyward local does not carry the integration of POST /b",
		`{"paths": {"/b": {"post": ` + strings.Replace(integrated, "${F.Arn}", "other", 1) + `}}}`:             "keyward local does not carry the integration of POST /b",
		`{"paths": []}`: "Api.DefinitionBody: reading the document: json",
	} {
		files := maps.Clone(smallFiles)
		files["api.json"] = &fstest.MapFile{Data: []byte(document)}
		s, err := stack.Parse("t.yaml", []byte(text), files, stack.Options{})
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %s", document, err, want)
			}
			continue
		}
		const f = "arn:aws:lambda:us-east-1:123456789012:function:keyward-F"
		if diff := cmp.Diff([]stack.Route{{Method: "POST", Path: "/b", Function: f}, {Method: "GET", Path: "/a", Function: f}}, s.APIs[0].Routes); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", document, err, diff)
		}
	}
}
