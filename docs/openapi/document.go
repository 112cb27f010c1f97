package openapi

import (
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/keyward/keyward/shared/fault"
)

// Version is that of OpenAPI: API Gateway takes no 3.1.
const Version = "3.0.3"

const about = `Keyward gives a machine its encryption key only while the machine is in order. There are two APIs: one for people,
and one for machines (the paths below /v1/key-requests), each of which refuses the other's callers. Requests are signed
with AWS Signature Version 4 for the service execute-api; IAM decides which routes a caller may use.
`

// Document writes the whole as OpenAPI.
func Document() (string, error) {
	s := newSchemas()
	paths, err := s.paths()
	if err != nil {
		return "", err
	}
	if _, err := s.reference(reflect.TypeFor[fault.Problem]()); err != nil {
		return "", err
	}
	named := object{}
	for _, name := range slices.Sorted(maps.Keys(s.named)) {
		named = append(named, pair(name, s.named[name]))
	}
	named = append(named, pair("GatewayRefusal", object{
		pair("type", "object"), pair("description", "What API Gateway itself says, such as of a signature that it does not take."),
		pair("required", []string{"message"}), pair("properties", object{pair("message", object{pair("type", "string")})}),
	}))
	text, err := yaml.MarshalWithOptions(object{
		pair("openapi", Version),
		pair("info", object{pair("title", "Keyward"), pair("version", "1"), pair("description", about),
			pair("license", object{pair("name", "Apache-2.0"), pair("url", "https://www.apache.org/licenses/LICENSE-2.0")})}),
		pair("servers", server(People)),
		pair("tags", []object{{pair("name", People), pair("description", "For people")}, {pair("name", Machines), pair("description", "For machines")}}),
		pair("security", []object{{pair("sigv4", []string{})}}),
		pair("paths", paths),
		pair("components", object{
			pair("securitySchemes", object{pair("sigv4", object{
				pair("type", "apiKey"), pair("name", "Authorization"), pair("in", "header"), pair("x-amazon-apigateway-authtype", "awsSigv4"),
			})}),
			pair("parameters", parameters()),
			pair("responses", refusals()),
			pair("schemas", named),
		}),
	}, yaml.IndentSequence(true), yaml.UseLiteralStyleIfMultiline(true))
	return "# Written by go test ./docs/openapi -run TestDocument -update: change the table there.\n" + string(text), err
}

// aPolicy is the schema of a body that is a policy.
var aPolicy = object{
	pair("type", "object"), pair("description", "A policy, as docs/policy.md describes it; policies/policy.schema.json has its keys."),
	pair("required", []string{"policy"}), pair("properties", object{pair("policy", object{pair("type", "string"), pair("description", "its name, as in the path")})}),
}

func server(api string) []object {
	return []object{{
		pair("url", "https://{id}.execute-api.{region}.amazonaws.com"), pair("description", "The stack's output "+strings.Replace(api, "Api", "ApiUrl", 1)),
		pair("variables", object{
			pair("id", object{pair("default", "abcdefghij")}), pair("region", object{pair("default", "us-east-1")}),
		}),
	}}
}

func (s *schemas) paths() (object, error) {
	order, byPath := []string{}, map[string]object{}
	for _, o := range Operations() {
		if _, ok := byPath[o.Path()]; !ok {
			order = append(order, o.Path())
			byPath[o.Path()] = object{}
			if o.API == Machines {
				byPath[o.Path()] = object{pair("servers", server(Machines))}
			}
		}
		described, err := s.operation(o)
		if err != nil {
			return nil, fmt.Errorf("describing %s: %w", o.Route, err)
		}
		byPath[o.Path()] = append(byPath[o.Path()], pair(strings.ToLower(o.Method()), described))
	}
	all := object{}
	for _, path := range order {
		all = append(all, pair(path, byPath[path]))
	}
	return all, nil
}

func (s *schemas) operation(o Operation) (object, error) {
	d := object{pair("operationId", o.ID), pair("tags", []string{o.API}), pair("summary", o.Summary)}
	if o.Detail != "" {
		d = append(d, pair("description", o.Detail))
	}
	if all := parametersOf(o); len(all) > 0 {
		d = append(d, pair("parameters", all))
	}
	if o.Body != nil {
		body := object{pair("application/yaml", object{pair("schema", aPolicy)})}
		if _, text := o.Body.(Text); !text {
			schema, err := s.body(reflect.TypeOf(o.Body), o.Required)
			if err != nil {
				return nil, err
			}
			body = object{pair("application/json", object{pair("schema", schema)})}
		}
		d = append(d, pair("requestBody", object{pair("required", true), pair("content", body)}))
	}
	answers, err := s.answers(o)
	if err != nil {
		return nil, err
	}
	d = append(d, pair("responses", answers))
	if o.API == People {
		roles := []string{}
		for _, r := range Roles() {
			if o.May(r) {
				roles = append(roles, strings.TrimSuffix(string(r), "Policy"))
			}
		}
		d = append(d, pair("x-keyward-roles", roles))
	}
	return append(d, pair("x-amazon-apigateway-auth", object{pair("type", "AWS_IAM")})), nil
}

func (s *schemas) answers(o Operation) (object, error) {
	all := object{}
	for _, status := range slices.Sorted(maps.Keys(o.Answers)) {
		content := object{pair("application/yaml", object{pair("schema", object{pair("type", "object")})})}
		if _, text := o.Answers[status].(Text); !text {
			schema, err := s.of(reflect.TypeOf(o.Answers[status]))
			if err != nil {
				return nil, err
			}
			if slices.Contains(gateway, status) { // or API Gateway refuses in its own words
				schema = object{pair("oneOf", []object{schema, {pair("$ref", "#/components/schemas/GatewayRefusal")}})}
			}
			content = object{pair("application/json", object{pair("schema", schema)})}
		}
		answer := object{pair("description", http.StatusText(status))}
		if o.Tagged && status < 300 {
			answer = append(answer, pair("headers", object{pair("ETag", object{pair("description", "The version of what is shown."), pair("schema", object{pair("type", "string")})})}))
		}
		if status >= 400 { // it answers with what it decided, or with a problem
			content = append(content, problems...)
		}
		all = append(all, pair(fmt.Sprint(status), append(answer, pair("content", content))))
	}
	for _, status := range refusedWith(o) {
		if _, answered := o.Answers[status]; !answered {
			all = append(all, pair(fmt.Sprint(status), object{pair("$ref", "#/components/responses/"+nameOf(status))}))
		}
	}
	return all, nil
}
