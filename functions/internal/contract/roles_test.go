package contract_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/keyward/keyward/docs/openapi"
	"github.com/keyward/keyward/local/iam/permission"
)

// permits is whether a policy's statements allow a call of an API.
func permits(t testing.TB, all []statement, api, method, path string) bool {
	t.Helper()
	for _, s := range all {
		if s.Effect != "Allow" || len(s.Actions) != 1 || s.Actions[0] != "execute-api:Invoke" || s.Condition != nil {
			t.Fatalf("statement %s: expected one that allows execute-api:Invoke and has no condition", s.Sid)
		}
		for _, r := range s.Resources {
			if permission.Matches(strings.TrimPrefix(r, "execute-api:"), "${"+api+"}/$default/"+method+path) {
				return true
			}
		}
	}
	return false
}

// Each role may call what the table says, and nothing else, whatever stands in the path.
func rolesMayCallWhatTheTableSays(t testing.TB, s stack) {
	policies := map[string][]statement{}
	for _, r := range s.of(t, "AWS::IAM::ManagedPolicy") {
		policies[r.LogicalID] = r.Statements
	}
	variable := regexp.MustCompile(`\{\w+\}`)
	allowed := map[openapi.Role]int{}
	for _, role := range openapi.Roles() {
		if len(policies[string(role)]) == 0 {
			t.Errorf("template.yaml has no policy %s", role)
			continue
		}
		for _, o := range openapi.Operations() {
			for _, word := range []string{"x", "machine:i-1234567890abcdef0", "*", "approve", "check", "restore"} {
				path := variable.ReplaceAllString(o.Path(), word)
				if got := permits(t, policies[string(role)], o.API, o.Method(), path); got != o.May(role) {
					t.Errorf("%s may call %s %s: %t, want %t", role, o.Method(), path, got, o.May(role))
				}
			}
			if o.May(role) {
				allowed[role]++
			}
		}
	}
	for _, o := range openapi.Operations() {
		path := variable.ReplaceAllString(o.Path(), "x")
		if got := permits(t, policies["MachinePolicy"], o.API, o.Method(), path); got != (o.API == openapi.Machines) {
			t.Errorf("a machine may call %s %s: %t", o.API, o.Route, got)
		}
	}
	if allowed[openapi.Auditor] == 0 || allowed[openapi.KeyApprover] == 0 || allowed[openapi.Administrator] <= allowed[openapi.SecurityAdministrator] {
		t.Errorf("allowed routes are %v, want some for each and most for administrators", allowed)
	}
}

// Who decides about exceptions does not decide about keys as well.
func TestRolesAreApart(t *testing.T) {
	t.Parallel()
	for _, o := range openapi.Operations() {
		decides := strings.HasPrefix(o.ID, "approveRequest") || strings.HasPrefix(o.ID, "denyRequest")
		excepts := o.ID == "setWaiver" || o.ID == "restoreKey" || o.ID == "setHold" || strings.HasPrefix(o.ID, "ignoreRequest") || strings.HasPrefix(o.ID, "revokeRequest")
		if decides && o.May(openapi.SecurityAdministrator) || excepts && o.May(openapi.KeyApprover) || o.Method() != "GET" && o.ID != "previewPolicy" && o.May(openapi.Auditor) {
			t.Errorf("%s may be called by %v", o.ID, o.Roles)
		}
	}
}
