package openapi_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/docs/openapi"
)

// TestDeployed holds what the template includes and the table together: each API's own operations, which are those of
// docs/openapi.yaml, in a document that others' code takes.
func TestDeployed(t *testing.T) {
	t.Parallel()
	for api, page := range map[string]string{openapi.People: "../openapi.people.json", openapi.Machines: "../openapi.machines.json"} {
		text, err := openapi.Deployed(api)
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(page, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		have, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(text, string(have)); diff != "" {
			t.Errorf("%s is not what the table says; run this test with -update (-table +page):\n%s", page, diff)
		}
		if problem := refuses(text); problem != "" {
			t.Errorf("%s: %s", page, problem)
		}
		var d struct {
			Servers any
			Paths   map[string]map[string]struct {
				OperationID string                           `json:"operationId"`
				Auth        struct{ Type string }            `json:"x-amazon-apigateway-auth"`
				Integration *struct{ URI map[string]string } `json:"x-amazon-apigateway-integration"`
			}
		}
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			t.Fatal(err)
		}
		found := map[string]string{}
		for path, methods := range d.Paths {
			for method, o := range methods {
				found[strings.ToUpper(method)+" "+path] = o.OperationID
				if o.Auth.Type != "AWS_IAM" {
					t.Errorf("%s %s is not for IAM", method, path)
				}
				if o.Integration == nil || !strings.Contains(o.Integration.URI["Fn::Sub"], map[string]string{openapi.People: "${ApiFunction.Arn}", openapi.Machines: "${RequestFunction.Arn}"}[api]) {
					t.Errorf("%s %s: its integration is %v", method, path, o.Integration)
				}
			}
		}
		want := map[string]string{}
		for _, o := range openapi.Operations() {
			if o.API == api {
				want[o.Route] = o.ID
			}
		}
		if diff := cmp.Diff(want, found); diff != "" || d.Servers != nil {
			t.Errorf("%s (-table +page), servers %v:\n%s", page, d.Servers, diff)
		}
	}
}
