package scenario_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/keyward/keyward/local"
	"github.com/keyward/keyward/shared/record"
)

func TestThePeoplesAPIRefusesMachines(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	w.hold("global", time.Time{})
	as := caller{t: t, base: w.operator.base, region: w.Region(), key: w.machine.key}
	for call, in := range map[string]any{
		"GET /v1/status": nil, "GET /v1/machines": nil, "GET /v1/machines/" + machineID: nil,
		"PUT /v1/machines/" + machineID: enrolment(w), "POST /v1/machines/" + machineID + "/check": nil,
		"POST /v1/machines/" + machineID + "/restore": record.Reason{Reason: "please"}, "POST /v1/machines/" + machineID + "/resume": record.Reason{Reason: "please"},
		"GET /v1/machines/" + machineID + "/ledger": nil,
		"GET /v1/policies":                          nil, "PUT /v1/policies/web": w.setup.policy(), "POST /v1/policies/web/preview": w.setup.policy(), "GET /v1/policies/web": nil,
		"GET /v1/holds": nil, "PUT /v1/holds/global": record.Reason{Reason: "please"}, "DELETE /v1/holds/global": record.Reason{Reason: "please"},
		"GET /v1/requests": nil, "GET /v1/waivers": nil, "GET /v1/waivers/w-0": nil, "DELETE /v1/waivers/w-0": record.Reason{Reason: "please"},
		"POST /v1/waivers": record.WaiverWish{Scope: "machine:" + machineID, Rule: "no plain web", Reason: "please", Expires: w.Clock().Now().Add(time.Hour)},
	} {
		method, path, _ := strings.Cut(call, " ")
		if status, body := as.call(method, path, in, nil); status != http.StatusForbidden {
			t.Errorf("%s as a machine = %d %s", call, status, body)
		}
	}
	if n := len(w.view().Holds); n != 1 {
		t.Errorf("%d holds are left of one", n)
	}
}

func TestBadInputToThePeoplesAPI(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	with := func(change func(*record.Enrolment)) record.Enrolment {
		e := enrolment(w)
		change(&e)
		return e
	}
	past := record.HoldWish{Reason: "late", Expires: w.Clock().Now().Add(-time.Minute)}
	for name, c := range map[string]struct {
		call string
		in   any
		want int
	}{
		"no such machine":     {"GET /v1/machines/i-00000000000000000", nil, 404},
		"no machine id":       {"PUT /v1/machines/web", enrolment(w), 400},
		"no role":             {"PUT /v1/machines/" + machineID, with(func(e *record.Enrolment) { e.Role = "web" }), 400},
		"no key":              {"PUT /v1/machines/" + machineID, with(func(e *record.Enrolment) { e.Key = "" }), 400},
		"no such key":         {"PUT /v1/machines/" + machineID, with(func(e *record.Enrolment) { e.Key = "alias/none" }), 404},
		"no such policy":      {"PUT /v1/machines/" + machineID, with(func(e *record.Enrolment) { e.Policy = "none" }), 404},
		"no such mode":        {"PUT /v1/machines/" + machineID, with(func(e *record.Enrolment) { e.Mode = "delete-key" }), 400},
		"no address":          {"PUT /v1/machines/" + machineID, with(func(e *record.Enrolment) { e.Owner = "owner\r\nBcc: x@example.com" }), 400},
		"unknown field":       {"PUT /v1/machines/" + machineID, `{"colour":"red"}`, 400},
		"not JSON":            {"PUT /v1/machines/" + machineID, `{`, 400},
		"unknown instance":    {"PUT /v1/machines/" + otherID, enrolment(w), 404},
		"policy of two names": {"PUT /v1/policies/other", w.setup.policy(), 400},
		"policy is not one":   {"PUT /v1/policies/web", "policy: web\nrules: 5\n", 400},
		"policy too large":    {"PUT /v1/policies/web", strings.Repeat("#", 200<<10), 413},
		"brackets":            {"PUT /v1/policies/web", strings.Repeat("[", 40<<10), 400},
		"built-in policy":     {"PUT /v1/policies/default", "policy: default\nrules: []\n", 400},
		"hold without reason": {"PUT /v1/holds/global", record.Reason{}, 400},
		"hold on nothing":     {"PUT /v1/holds/machine:i-00000000000000000", record.Reason{Reason: "x"}, 404},
		"hold on anything":    {"PUT /v1/holds/everything", record.Reason{Reason: "x"}, 400},
		"hold that is past":   {"PUT /v1/holds/global", past, 400},
		"no hold to lift":     {"DELETE /v1/holds/global", record.Reason{Reason: "x"}, 404},
		"waiver of nothing":   {"POST /v1/waivers", record.WaiverWish{}, 400},
		"waiver for ever":     {"POST /v1/waivers", record.WaiverWish{Scope: "global", Rule: "no plain web", Values: []string{"x"}, Reason: "x"}, 400},
		"no waiver to lift":   {"DELETE /v1/waivers/w-0", record.Reason{Reason: "x"}, 404},
		"nothing to restore":  {"POST /v1/machines/" + machineID + "/restore", record.Reason{Reason: "x"}, 409},
	} {
		method, path, _ := strings.Cut(c.call, " ")
		var p struct{ Kind, Title, Detail, RequestID string }
		if status, body := w.operator.call(method, path, c.in, &p); status != c.want || p.Detail == "" || p.Title != http.StatusText(c.want) {
			t.Errorf("%s: %s = %d %s, want %d and a reason", name, c.call, status, body, c.want)
		}
	}
	if status, body := w.operator.call("GET", "/v1/keys", nil, nil); status != 404 || body != `{"message":"Not Found"}` {
		t.Errorf("no such route: %d %s, want API Gateway's own answer", status, body)
	}
}

// What AWS has and nothing here implements is refused by name.
func TestAnUnknownOperationIsNamed(t *testing.T) {
	t.Parallel()
	w := empty(t, setup{})
	body := []byte(`{}`)
	r, err := http.NewRequest("POST", w.URL()+"/", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", "TrentService.ScheduleKeyDeletion")
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	k, err := w.operator.key.Retrieve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(context.Background(), k, r, hex.EncodeToString(sum[:]), "kms", w.Region(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if status, text := exchange(t, r, nil); status != http.StatusNotImplemented || !strings.Contains(text, "ScheduleKeyDeletion") {
		t.Errorf("ScheduleKeyDeletion = %d %s, want 501 and its name", status, text)
	}
}

func TestTheControlAPIWantsItsToken(t *testing.T) {
	t.Parallel()
	w := empty(t, setup{})
	for _, token := range []string{"", "wrong", w.Token() + "x"} {
		for _, path := range []string{"status", "credentials", "mail", "faults", "forward"} {
			r, err := http.NewRequest("POST", w.URL()+local.ControlPrefix+path, strings.NewReader(`{}`))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set(local.TokenHeader, token)
			if status, text := exchange(t, r, nil); status != http.StatusUnauthorized || strings.Contains(text, w.Token()) {
				t.Errorf("POST %s with token %q = %d %s", path, token, status, text)
			}
		}
	}
}

// Executions wait for days and meet newer programs, so everything that is sent says its version.
func TestUnknownVersionsAreRefused(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	cfg := aws.Config{Region: w.Region(), BaseEndpoint: aws.String(w.URL()), Credentials: w.operator.key}
	calls := lambda.NewFromConfig(cfg)
	for name, event := range map[string]string{
		"Inspect": `{"version":2,"purpose":"check","machines":["i-1234567890abcdef0"]}`, "Evaluate": `{"version":2,"commands":["x"]}`,
		"Recheck": `{"version":2,"op":"look"}`, "Revoke": `{"version":2,"op":"order"}`, "Restore": `{"version":2,"op":"restore"}`, "Notify": `{"version":2,"op":"warn"}`,
	} {
		out, err := calls.Invoke(context.Background(), &lambda.InvokeInput{FunctionName: aws.String("keyward-" + name + "Function"), Payload: []byte(event)})
		if err != nil || !strings.Contains(string(out.Payload), `"errorType":"Invalid"`) || !strings.Contains(string(out.Payload), "version") {
			t.Errorf("%s with %s = %s, %v; want it refused for its version", name, event, out.Payload, err)
		}
	}
	for _, name := range []string{"Inspect", "Evaluate", "Recheck", "Revoke", "Restore", "Notify"} {
		out, err := calls.Invoke(context.Background(), &lambda.InvokeInput{FunctionName: aws.String("keyward-" + name + "Function"), Payload: []byte(`["not an event"]`)})
		if err != nil || !strings.Contains(string(out.Payload), `"errorType":"Invalid"`) {
			t.Errorf("%s with a list = %s, %v; want Invalid", name, out.Payload, err)
		}
	}
	flow := sfn.NewFromConfig(cfg)
	started, err := flow.StartExecution(context.Background(), &sfn.StartExecutionInput{
		StateMachineArn: aws.String(w.Status().Outputs["EnforcementArn"]), Name: aws.String("of-tomorrow"),
		Input: aws.String(`{"version":2,"kind":"enforce","machine":"` + machineID + `"}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.settle()
	ended, err := flow.DescribeExecution(context.Background(), &sfn.DescribeExecutionInput{ExecutionArn: started.ExecutionArn})
	if err != nil || ended.Status != "FAILED" || aws.ToString(ended.Error) != "Invalid" {
		t.Errorf("an execution of version 2 = %+v, %v", ended, err)
	}
	w.wantKept()
	w.wantMails([]string{}...)
}
