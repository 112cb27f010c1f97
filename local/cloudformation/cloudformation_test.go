package cloudformation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/cloudformation"
	"github.com/keyward/keyward/local/wire"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const function = "arn:aws:lambda:us-east-1:123456789012:function:keyward-RemovalFunction"

// world is one stack with a custom resource, and its function.
type world struct {
	*cloudformation.CloudFormation
	t     *testing.T
	clock *clock.Clock

	mu    sync.Mutex
	asked []map[string]any
	reply func(event map[string]any) (answer map[string]any, err error) // nil: no answer
	ended int
}

func begin(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, clock: clock.New(func() time.Time { return noon })}
	w.reply = func(e map[string]any) (map[string]any, error) { return answer(e, "SUCCESS", ""), nil }
	resources := []cloudformation.Resource{
		{LogicalID: "Removal", Type: "Custom::Removal", Custom: &cloudformation.Custom{Function: function, Properties: json.RawMessage(`{"ServiceTimeout":"900"}`), Timeout: 15 * time.Minute}},
	}
	for i := range 150 {
		resources = append(resources, cloudformation.Resource{LogicalID: fmt.Sprintf("Table%d", i), Type: "AWS::DynamoDB::Table", PhysicalID: fmt.Sprintf("keyward-Table%d", i)})
	}
	w.CloudFormation = cloudformation.New(cloudformation.Config{
		Clock: w.clock, Name: "keyward", Account: "123456789012", Region: "us-east-1", Description: "d", Endpoint: "http://place",
		Parameters: map[string]string{"B": "2", "A": "1"}, Outputs: map[string]string{"Url": "http://x"}, Resources: resources,
		Invoke: w.invoke, Call: w.invoke, Ended: func() { w.ended++ },
	})
	return w
}

func answer(e map[string]any, status, reason string) map[string]any {
	return map[string]any{
		"Status": status, "Reason": reason, "PhysicalResourceId": "keyward-removal", "StackId": e["StackId"], "RequestId": e["RequestId"], "LogicalResourceId": e["LogicalResourceId"],
	}
}

func (w *world) invoke(name string, event []byte) error {
	done := w.clock.Work("function")
	defer done()
	var e map[string]any
	if err := json.Unmarshal(event, &e); err != nil || name != function {
		w.t.Errorf("invoked %s with %s", name, event)
	}
	w.mu.Lock()
	w.asked = append(w.asked, e)
	reply := w.reply
	w.mu.Unlock()
	a, err := reply(e)
	if err != nil {
		return err
	}
	if a != nil {
		w.put(strings.TrimPrefix(e["ResponseURL"].(string), "http://place"), a)
	}
	return nil
}

func (w *world) put(path string, body any) int {
	text, _ := json.Marshal(body)
	r := httptest.NewRecorder()
	w.ServeHTTP(r, httptest.NewRequest(http.MethodPut, path, bytes.NewReader(text)))
	return r.Code
}

func (w *world) call(operation, input string) (map[string]any, error) {
	w.t.Helper()
	out, err := w.Service().Operations[operation](context.Background(), &wire.Request{
		Service: "cloudformation", Operation: operation, Body: []byte(input), Caller: wire.Principal{Kind: wire.Operator},
	})
	if err != nil || out == nil {
		return nil, err
	}
	text, err := json.Marshal(out)
	var got map[string]any
	return got, errors.Join(err, json.Unmarshal(text, &got))
}

// deleted waits for what DeleteStack sets off.
func (w *world) deleted(input string) (status string) {
	w.t.Helper()
	if _, err := w.call("DeleteStack", input); err != nil {
		w.t.Fatal(err)
	}
	for range 1000 {
		if s := w.Status(); s != cloudformation.Deleting {
			return s
		}
		if err := w.clock.Settle(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	}
	return w.Status()
}

func refused(t *testing.T, err error, code, text string) {
	t.Helper()
	var e *wire.Error
	if !errors.As(err, &e) || e.Code != code || !strings.Contains(e.Message, text) {
		t.Errorf("%v, want %s with %q", err, code, text)
	}
}

func TestCreate(t *testing.T) {
	t.Parallel()
	w := begin(t)
	if err := w.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	e := w.asked[0]
	for key, want := range map[string]any{"RequestType": "Create", "LogicalResourceId": "Removal", "ResourceType": "Custom::Removal", "ServiceToken": function, "PhysicalResourceId": nil} {
		if !cmp.Equal(e[key], want) {
			t.Errorf("%s is %v, want %v", key, e[key], want)
		}
	}
	out, err := w.call("DescribeStacks", `{"StackName":"keyward"}`)
	if err != nil {
		t.Fatal(err)
	}
	s := out["Stacks"].([]any)[0].(map[string]any)
	if s["StackStatus"] != "CREATE_COMPLETE" || s["CreationTime"] != "2026-03-01T12:00:00.000Z" || fmt.Sprint(s["Parameters"]) != "[map[ParameterKey:A ParameterValue:1] map[ParameterKey:B ParameterValue:2]]" {
		t.Errorf("the stack is %v", s)
	}
	// What is there is not asked for again, here or after a restart.
	text, err := w.Save()
	if err != nil {
		t.Fatal(err)
	}
	other := begin(t)
	if err := errors.Join(other.Load(text), other.Create(t.Context()), w.Create(t.Context())); err != nil || len(w.asked) != 1 || len(other.asked) != 0 {
		t.Errorf("again: %v, asked %d and %d times", err, len(w.asked), len(other.asked))
	}
}

func TestCreateFails(t *testing.T) {
	t.Parallel()
	for says, reply := range map[string]func(map[string]any) (map[string]any, error){
		"not today":               func(e map[string]any) (map[string]any, error) { return answer(e, "FAILED", "not today"), nil },
		"could not start":         func(map[string]any) (map[string]any, error) { return nil, errors.New("could not start") },
		"the Status is \"MAYBE\"": func(e map[string]any) (map[string]any, error) { return answer(e, "MAYBE", ""), nil },
		"it has no Reason":        func(e map[string]any) (map[string]any, error) { return answer(e, "FAILED", ""), nil },
		"answer to another": func(e map[string]any) (map[string]any, error) {
			e["RequestId"] = "x"
			return answer(e, "SUCCESS", ""), nil
		},
		"no PhysicalResourceId": func(e map[string]any) (map[string]any, error) {
			a := answer(e, "SUCCESS", "")
			a["PhysicalResourceId"] = ""
			return a, nil
		},
		"unmarshal": func(e map[string]any) (map[string]any, error) {
			a := answer(e, "SUCCESS", "")
			a["Status"] = 1
			return a, nil
		},
		"request body too large": func(e map[string]any) (map[string]any, error) {
			return answer(e, "FAILED", strings.Repeat("x", 4096)), nil
		},
	} {
		w := begin(t)
		w.reply = reply
		if err := w.Create(t.Context()); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("Create: %v, want %q", err, says)
		}
	}
	w := begin(t)
	w.reply = func(map[string]any) (map[string]any, error) { return nil, nil }
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Create(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Create without an answer: %v", err)
	}
}

func created(t *testing.T) *world {
	t.Helper()
	w := begin(t)
	if err := w.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestDelete(t *testing.T) {
	t.Parallel()
	w := created(t)
	if got := w.deleted(`{"StackName":"keyward"}`); got != "DELETE_COMPLETE" || w.ended != 1 {
		t.Fatalf("the stack is %s, ended %d times", got, w.ended)
	}
	if e := w.asked[1]; e["RequestType"] != "Delete" || e["PhysicalResourceId"] != "keyward-removal" {
		t.Errorf("asked %v", e)
	}
	_, err := w.call("DescribeStacks", `{"StackName":"keyward"}`)
	refused(t, err, "ValidationError", "Stack with id keyward does not exist")
	all, err := w.call("DescribeStacks", `{}`)
	if err != nil || len(all["Stacks"].([]any)) != 0 {
		t.Errorf("all stacks are %v, %v", all, err)
	}
	id := w.asked[0]["StackId"].(string)
	byID, err := w.call("DescribeStacks", `{"StackName":"`+id+`"}`)
	if err != nil || !strings.Contains(fmt.Sprint(byID), "DELETE_COMPLETE") {
		t.Errorf("by its id it is %v, %v", byID, err)
	}
	if _, err := w.call("DeleteStack", `{"StackName":"keyward"}`); err != nil || w.ended != 1 {
		t.Errorf("deleted again: %v, ended %d times", err, w.ended)
	}
}

func TestRefusedDeletion(t *testing.T) {
	t.Parallel()
	w := created(t)
	_, err := w.call("DeleteStack", `{"StackName":"keyward","RetainResources":["Removal"]}`)
	refused(t, err, "ValidationError", "only when the stack is in the DELETE_FAILED state")
	w.reply = func(e map[string]any) (map[string]any, error) { return answer(e, "FAILED", "a key is revoked"), nil }
	if got := w.deleted(`{"StackName":"keyward"}`); got != "DELETE_FAILED" || w.ended != 0 {
		t.Fatalf("the stack is %s, ended %d times", got, w.ended)
	}
	events, err := w.call("DescribeStackEvents", `{"StackName":"keyward"}`)
	if err != nil || !strings.Contains(fmt.Sprint(events["StackEvents"].([]any)[1]), "DELETE_FAILED ResourceStatusReason:Received response status [FAILED] from custom resource. Message returned: a key is revoked") {
		t.Errorf("events %v, %v", events, err)
	}
	detail, err := w.call("DescribeStackResource", `{"StackName":"keyward","LogicalResourceId":"Removal"}`)
	if err != nil || !strings.Contains(fmt.Sprint(detail), "a key is revoked") {
		t.Errorf("the resource is %v, %v", detail, err)
	}
	_, err = w.call("DeleteStack", `{"StackName":"keyward","RetainResources":["Table1"]}`)
	refused(t, err, "ValidationError", "valid state: [Table1]")
	// The way out: the resource that says no is left.
	if got := w.deleted(`{"StackName":"keyward","RetainResources":["Removal"]}`); got != "DELETE_COMPLETE" || w.ended != 1 || len(w.asked) != 2 {
		t.Errorf("the stack is %s, ended %d times, asked %d times", got, w.ended, len(w.asked))
	}
}

// A function that never answers is waited for in virtual time, and no longer.
func TestNoAnswer(t *testing.T) {
	t.Parallel()
	w := created(t)
	w.reply = func(map[string]any) (map[string]any, error) { return nil, nil }
	if _, err := w.call("DeleteStack", `{"StackName":"keyward"}`); err != nil {
		t.Fatal(err)
	}
	if err := w.clock.Forward(t.Context(), 14*time.Minute); err != nil || w.Status() != "DELETE_IN_PROGRESS" {
		t.Errorf("after 14 minutes it is %s, %v", w.Status(), err)
	}
	text, err := w.Save()
	if err != nil {
		t.Fatal(err)
	}
	again := begin(t)
	if err := again.Load(text); err != nil || again.Status() != "DELETE_FAILED" {
		t.Errorf("after a restart it is %s, %v", again.Status(), err)
	}
	if err := w.clock.Forward(t.Context(), time.Minute); err != nil || w.Status() != "DELETE_FAILED" {
		t.Errorf("after 15 minutes it is %s, %v", w.Status(), err)
	}
	if got := w.put("/_cloudformation/guess", answer(w.asked[0], "SUCCESS", "")); got != http.StatusForbidden {
		t.Errorf("an answer that nobody waits for: %d", got)
	}
}

func TestProtection(t *testing.T) {
	t.Parallel()
	w := created(t)
	if _, err := w.call("UpdateTerminationProtection", `{"StackName":"keyward","EnableTerminationProtection":true}`); err != nil {
		t.Fatal(err)
	}
	_, err := w.call("DeleteStack", `{"StackName":"keyward"}`)
	refused(t, err, "ValidationError", "cannot be deleted while TerminationProtection is enabled")
	_, err = w.call("UpdateTerminationProtection", `{"StackName":"other","EnableTerminationProtection":true}`)
	refused(t, err, "ValidationError", "does not exist")
}

func TestList(t *testing.T) {
	t.Parallel()
	w := created(t)
	first, err := w.call("ListStackResources", `{"StackName":"keyward"}`)
	if err != nil || len(first["StackResourceSummaries"].([]any)) != 100 {
		t.Fatalf("the first page has %d, %v", len(first["StackResourceSummaries"].([]any)), err)
	}
	second, err := w.call("ListStackResources", fmt.Sprintf(`{"StackName":"keyward","NextToken":%q}`, first["NextToken"]))
	if err != nil || len(second["StackResourceSummaries"].([]any)) != 51 || second["NextToken"] != "" {
		t.Errorf("the second page has %d, %v", len(second["StackResourceSummaries"].([]any)), err)
	}
	for operation, input := range map[string]string{
		"ListStackResources": `{"StackName":"keyward","NextToken":"x"}`, "DescribeStackEvents": `{"StackName":"keyward","NextToken":"x"}`,
	} {
		_, err := w.call(operation, input)
		refused(t, err, "ValidationError", "NextToken")
	}
	for _, operation := range []string{"ListStackResources", "DescribeStackEvents", "DescribeStackResource"} {
		_, err := w.call(operation, `{"StackName":"other"}`)
		refused(t, err, "ValidationError", "Stack with id other does not exist")
	}
	_, err = w.call("DescribeStackResource", `{"StackName":"keyward","LogicalResourceId":"None"}`)
	refused(t, err, "ValidationError", "Resource None does not exist")
	_, err = w.call("DescribeStacks", `{"StackName":"keyward","What":"x"}`)
	refused(t, err, "NotImplemented", "What")
	_, err = w.Service().Operations["DescribeStacks"](t.Context(), &wire.Request{Operation: "DescribeStacks", Body: []byte("{}"), Caller: wire.Principal{Kind: wire.Machine}})
	refused(t, err, "AccessDenied", "cloudformation:DescribeStacks")
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"{", `{"status":"UPDATE_COMPLETE"}`, `{}`} {
		if err := begin(t).Load(json.RawMessage(text)); err == nil {
			t.Errorf("Load(%s) took it", text)
		}
	}
}
