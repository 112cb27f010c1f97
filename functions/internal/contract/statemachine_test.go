package contract_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/keyward/keyward/shared/fault"
)

// ofServices are error names that others than our functions produce.
var ofServices = map[string]string{
	"States.ALL":                      "every error (docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html)",
	"States.Timeout":                  "TimeoutSeconds ran out",
	"Lambda.ServiceException":         "Lambda's Invoke (docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html)",
	"Lambda.AWSLambdaException":       "Lambda's Invoke",
	"Lambda.SdkClientException":       "Step Functions could not reach Lambda",
	"Lambda.TooManyRequestsException": "Lambda throttles",
	"Lambda.Unknown":                  "the function ended without an answer",
	"Runtime.ExitError":               "the process ended (docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html)",
	"Sandbox.Timedout":                "the function's own timeout",
}

type state struct {
	Comment    string
	Type       string
	Parameters struct {
		FunctionName string
		Payload      struct {
			Version int    `json:"version"`
			Op      string `json:"op"`
			Notice  string `json:"notice"`
		}
	}
	Retry []struct{ ErrorEquals []string }
	Catch []struct {
		ErrorEquals []string
		ResultPath  string
		Next        string
	}
	TimeoutSeconds int
}

func states(t testing.TB) map[string]state {
	t.Helper()
	var m struct{ States map[string]state }
	if err := json.Unmarshal([]byte(read(t, "statemachine/enforcement.asl.json")), &m); err != nil || len(m.States) == 0 {
		t.Fatalf("reading the state machine: %v", err)
	}
	return m.States
}

var substituted = regexp.MustCompile(`\$\{(\w+)\}`)

func everyNameInTheStateMachineIsSubstituted(t testing.TB, s stack) {
	machine := s.of(t, "AWS::Serverless::StateMachine")[0]
	given := map[string]any{}
	for _, e := range at(machine.Properties, "DefinitionSubstitutions").([]entry) {
		given[e.key] = e.value
	}
	used := map[string]bool{}
	for _, m := range substituted.FindAllStringSubmatch(read(t, "statemachine/enforcement.asl.json"), -1) {
		used[m[1]] = true
		if _, there := given[m[1]]; !there {
			t.Errorf("the state machine says ${%s}, and template.yaml substitutes nothing for it", m[1])
		}
	}
	for name, v := range given {
		if !used[name] {
			t.Errorf("template.yaml substitutes %s, which the state machine does not say", name)
		}
		if want := (call{"GetAtt", strings.TrimSuffix(name, "Arn") + ".Arn"}); v != want {
			t.Errorf("template.yaml substitutes %s by %v, want %v", name, v, want)
		}
	}
}

func TestEveryErrorIsProducible(t *testing.T) {
	t.Parallel()
	kinds := map[string]bool{}
	for _, k := range fault.Kinds() {
		kinds[fault.Of(k).Name] = fault.Of(k).Retry
	}
	seen := map[string]bool{}
	for name, s := range states(t) {
		for _, r := range s.Retry {
			for _, e := range r.ErrorEquals {
				seen[e] = true
				retry, ours := kinds[e]
				if _, known := ofServices[e]; !known && !ours {
					t.Errorf("%q retries %q, which nobody produces", name, e)
				}
				if ours && !retry {
					t.Errorf("%q retries %q, which fault says is no use", name, e)
				}
			}
		}
		for _, c := range s.Catch {
			for _, e := range c.ErrorEquals {
				if _, known := ofServices[e]; !known && !slices.Contains(slices.Collect(maps.Keys(kinds)), e) {
					t.Errorf("%q catches %q, which nobody produces", name, e)
				}
				seen[e] = true
			}
			if c.ResultPath != "$.error" {
				t.Errorf("%q keeps its error at %q, want $.error, so that the input survives", name, c.ResultPath)
			}
		}
	}
	for kind, retry := range kinds {
		if retry && !seen[kind] {
			t.Errorf("fault says that %s is worth a retry, and no state retries it", kind)
		}
	}
	for e := range ofServices {
		if !seen[e] {
			t.Errorf("%s is in the table and in no state", e)
		}
	}
}

func TestEveryStateIsToldAndEveryTaskIsCaught(t *testing.T) {
	t.Parallel()
	for name, s := range states(t) {
		if s.Comment == "" {
			t.Errorf("state %q has no Comment", name)
		}
		if s.Type != "Task" {
			continue
		}
		if len(s.Retry) == 0 || len(s.Catch) == 0 || s.TimeoutSeconds == 0 {
			t.Errorf("task %q needs Retry, Catch and TimeoutSeconds", name)
		}
		last := s.Catch[len(s.Catch)-1]
		if !slices.Equal(last.ErrorEquals, []string{"States.ALL"}) {
			t.Errorf("task %q ends its Catch with %v, want States.ALL: no error may end an enforcement unseen", name, last.ErrorEquals)
		}
	}
}

// Whatever goes wrong in Revoke, KMS may have done it: only reading back tells.
func TestRevokeAlwaysLeadsToConfirm(t *testing.T) {
	t.Parallel()
	if next := states(t)["Revoke"].Catch[0].Next; next != "Confirm" {
		t.Errorf("Revoke's Catch leads to %q, want Confirm", next)
	}
}

// Every task calls a function for an op that it serves, in the version that it reads.
func TestEveryOpIsServed(t *testing.T) {
	t.Parallel()
	ops := map[string][]string{}
	for _, s := range states(t) {
		if s.Type != "Task" {
			continue
		}
		f := strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(s.Parameters.FunctionName, "${"), "FunctionArn}"))
		ops[f] = append(ops[f], s.Parameters.Payload.Op)
		if s.Parameters.Payload.Version != 1 {
			t.Errorf("a task calls %s in version %d, want 1", f, s.Parameters.Payload.Version)
		}
	}
	for f, used := range ops {
		code := ""
		for _, s := range sources(t, "functions/"+f, true) {
			code += read(t, s.path)
		}
		for _, op := range used {
			if !strings.Contains(code, fmt.Sprintf("case %q", op)) && !strings.Contains(code, fmt.Sprintf("Op != %q", op)) {
				t.Errorf("the state machine asks %s for %q, which it does not serve", f, op)
			}
		}
	}
	if len(ops) != 5 {
		t.Errorf("tasks call %v, want recheck, safeguard, revoke, restore and notify", slices.Collect(maps.Keys(ops)))
	}
}
