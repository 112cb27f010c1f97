package scenario_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/keyward/keyward/local"
	"github.com/keyward/keyward/local/faults"
	"github.com/keyward/keyward/shared/record"
)

const hybridID = "mi-1a2b3c4d5e6f7a8b9"

// trusts puts the statements of a role's trust policy, as a person does.
func (w *world) trusts(role string, statements ...string) {
	w.t.Helper()
	c := iam.New(iam.Options{Region: w.Region(), Credentials: w.operator.key, BaseEndpoint: aws.String(w.URL())})
	_, err := c.UpdateAssumeRolePolicy(context.Background(), &iam.UpdateAssumeRolePolicyInput{
		RoleName: &role, PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`),
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func lets(principal string) string {
	return `{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole"}`
}

const ec2Alone = `{"Service":"ec2.amazonaws.com"}`

// Whoever may assume the machine's role can call himself the machine: as long as somebody may, its key is given to nobody.
func TestARoleThatOthersMayAssume(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	for statement, why := range map[string]string{
		lets(`{"AWS":"arn:aws:iam::123456789012:root"}`): "admits AWS principals",
		lets(`"*"`): "admits everybody",
		lets(`{"Service":["ec2.amazonaws.com","lambda.amazonaws.com"]}`):                                           "admits another service",
		`{"Effect":"Allow","NotPrincipal":{"AWS":"arn:aws:iam::123456789012:user/eve"},"Action":"sts:AssumeRole"}`: "NotPrincipal",
		lets(`{"Federated":"arn:aws:iam::123456789012:saml-provider/office"}`):                                     "federated",
	} {
		w.trusts(local.MachineRole, lets(ec2Alone), statement)
		status, r := w.ask()
		if status != http.StatusForbidden || r.State != "Denied" || r.GrantToken != "" || !strings.Contains(r.Reason, "statement 2 of the trust policy") || !strings.Contains(r.Reason, why) {
			t.Errorf("its role %s, and it is answered %d %s: %s", why, status, r.State, r.Reason)
		}
	}
	var shown record.Request
	w.operator.must("GET", "/v1/requests/"+machineID+"/"+bootID, nil, &shown)
	if !strings.Contains(shown.Reason, "of the trust policy") {
		t.Errorf("people are shown %q", shown.Reason)
	}
	if logs := logged(t, w, "RequestFunction"); !strings.Contains(logs, "caller not believed") {
		t.Errorf("the log has nothing of it: %s", logs)
	}
	// A Deny closes and opens nothing.
	w.trusts(local.MachineRole, lets(ec2Alone), `{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::123456789012:user/eve"},"Action":"sts:AssumeRole"}`)
	if status, r := w.ask(); status != http.StatusOK || r.GrantToken == "" {
		t.Errorf("closed again, it is answered %d %s", status, r.Reason)
	}
}

// logged is what a function wrote.
func logged(t *testing.T, w *world, function string) string {
	t.Helper()
	var lines any
	control(t, w.Server, http.MethodGet, "logs?function="+function, nil, &lines)
	return fmt.Sprint(lines)
}

// What IAM does not say now is not known: no key, and the machine is to come again.
func TestIAMIsThrottled(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	for _, operation := range []string{"GetRole", "GetInstanceProfile"} {
		w.fault(faults.Fault{Kind: faults.Throttle, Service: "iam", Operation: operation})
		if status, r := w.ask(); status != http.StatusServiceUnavailable || r.GrantToken != "" {
			t.Errorf("while %s is throttled it is answered %d %s", operation, status, r.State)
		}
		w.clear()
		if status, r := w.ask(); status != http.StatusOK {
			t.Errorf("after %s was throttled it is answered %d %s", operation, status, r.Reason)
		}
	}
}

// A session tells its role; EC2 and SSM tell the machine's.
func TestAMachineOfAnotherRole(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	control(t, w.Server, http.MethodPut, "machines/"+machineID, map[string]any{"role": "db"}, nil)
	if status, r := w.ask(); status != http.StatusForbidden || !strings.Contains(r.Reason, "another role of the machine") {
		t.Errorf("its profile was exchanged, and it is answered %d %s", status, r.Reason)
	}
	control(t, w.Server, http.MethodPut, "machines/"+machineID, map[string]any{"role": local.MachineRole}, nil)
	if status, r := w.ask(); status != http.StatusOK {
		t.Errorf("exchanged back, it is answered %d %s", status, r.Reason)
	}
}

func TestAHybridNodeGetsItsKey(t *testing.T) {
	t.Parallel()
	node := &guest{}
	w := begin(t, setup{others: []local.Machine{{ID: hybridID, Answer: node.answer, Tags: guarded}}})
	node.take(w.recorded)
	policy := strings.Replace(w.setup.policy(), "ids: [", "ids: ["+hybridID+", ", 1)
	w.operator.must("PUT", "/v1/policies/web", policy, nil)
	e := enrolment(w)
	e.Role = "arn:aws:iam::123456789012:role/" + local.HybridRole
	w.operator.must("PUT", "/v1/machines/"+hybridID, e, nil)
	w.operator.must("POST", "/v1/machines/"+hybridID+"/check", nil, nil)
	w.settle()
	session, err := w.MachineCredentials(hybridID)
	if err != nil {
		t.Fatal(err)
	}
	c := caller{t: t, base: w.machine.base, region: w.Region(), key: provider(session)}
	ask := func() (int, record.Release) {
		var r record.Release
		status, _ := c.call("POST", "/v1/key-requests", map[string]string{"bootId": bootID}, &r)
		return status, r
	}
	w.trusts(local.HybridRole, lets(`{"Service":"ssm.amazonaws.com"}`), lets(ec2Alone))
	if status, r := ask(); status != http.StatusForbidden || !strings.Contains(r.Reason, "another service than ssm.amazonaws.com") {
		t.Errorf("a role that EC2 gives too is answered %d %s", status, r.Reason)
	}
	w.trusts(local.HybridRole, lets(`{"Service":"ssm.amazonaws.com"}`))
	if status, r := ask(); status != http.StatusOK || r.GrantToken == "" {
		t.Errorf("a hybrid node is answered %d %s", status, r.Reason)
	}
}
