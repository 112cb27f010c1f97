package securityhub_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/keyward/keyward/local/securityhub"
	"github.com/keyward/keyward/local/wire"
)

const product = "arn:aws:securityhub:us-east-1:123456789012:product/123456789012/default"

// text is a finding whose members are changed.
func text(t *testing.T, change map[string]any) string {
	t.Helper()
	f := map[string]any{
		"SchemaVersion": "2018-10-08", "Id": "a", "ProductArn": product, "GeneratorId": "g", "AwsAccountId": "123456789012", "Types": []string{"A/B"},
		"CreatedAt": "2026-03-01T12:00:00.000Z", "UpdatedAt": "2026-03-01T12:00:00.000Z", "Title": "t", "Description": "d",
		"Severity": map[string]string{"Label": "HIGH"}, "Compliance": map[string]string{"Status": "FAILED"}, "Resources": []map[string]string{{"Type": "Other", "Id": "r"}},
	}
	for k, v := range change {
		f[k] = v
	}
	b, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func call(h *securityhub.Hub, operation, body string) (string, error) {
	out, err := h.Service().Operations[operation](context.Background(), &wire.Request{Service: "securityhub", Operation: operation, Body: []byte(body)})
	b, _ := json.Marshal(out)
	return string(b), err
}

func put(t *testing.T, h *securityhub.Hub, change map[string]any) string {
	t.Helper()
	out, err := call(h, "BatchImportFindings", `{"Findings":[`+text(t, change)+`]}`)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestRefusedFindings(t *testing.T) {
	t.Parallel()
	h := securityhub.New("us-east-1", "123456789012")
	for _, change := range []map[string]any{
		{"SchemaVersion": "2017"}, {"ProductArn": "arn"}, {"AwsAccountId": "1"}, {"Id": ""}, {"GeneratorId": strings.Repeat("x", 513)}, {"Title": strings.Repeat("x", 257)},
		{"Description": strings.Repeat("x", 1025)}, {"CreatedAt": "now"}, {"UpdatedAt": ""}, {"Severity": map[string]string{"Label": "BAD"}}, {"Compliance": map[string]string{"Status": "OK"}},
		{"Resources": []any{}}, {"Types": []string{"a/b/c/d"}}, {"RecordState": "GONE"}, {"ProductFields": map[string]string{"a": strings.Repeat("x", 250<<10)}},
	} {
		if out := put(t, h, change); !strings.Contains(out, `"FailedCount":1`) || !strings.Contains(out, "InvalidInput") {
			t.Errorf("with %.60v: %s", fmt.Sprint(change), out)
		}
	}
	if len(h.Findings()) > 0 {
		t.Errorf("kept %s", h.Findings())
	}
}

// A failure that comes back begins anew, unless people suppressed it; what is older changes nothing.
func TestWorkflows(t *testing.T) {
	t.Parallel()
	h := securityhub.New("us-east-1", "123456789012")
	minute := 0
	after := func(status string, change map[string]any) string {
		t.Helper()
		minute++
		all := map[string]any{"UpdatedAt": fmt.Sprintf("2026-03-01T12:%02d:00Z", minute), "Compliance": map[string]string{"Status": status}}
		for k, v := range change {
			all[k] = v
		}
		put(t, h, all)
		return string(h.Findings()[0])
	}
	set := func(status string) {
		t.Helper()
		if out, err := call(h, "BatchUpdateFindings", `{"FindingIdentifiers":[{"Id":"a","ProductArn":"`+product+`"},{"Id":"b","ProductArn":"p"}],"Workflow":{"Status":"`+status+`"}}`); err != nil || !strings.Contains(out, "FindingNotFound") {
			t.Fatalf("BatchUpdateFindings = %s, %v", out, err)
		}
	}
	workflow := func(text, want string) {
		t.Helper()
		if !strings.Contains(text, `"Workflow":{"Status":"`+want+`"}`) {
			t.Errorf("finding %s, want the workflow %s", text, want)
		}
	}
	workflow(after("FAILED", nil), "NEW")
	after("PASSED", nil)
	set("RESOLVED")
	workflow(after("PASSED", nil), "RESOLVED")
	workflow(after("FAILED", nil), "NEW")
	set("NOTIFIED")
	workflow(after("FAILED", map[string]any{"RecordState": "ARCHIVED"}), "NOTIFIED")
	workflow(after("FAILED", nil), "NEW")
	after("PASSED", nil)
	set("SUPPRESSED")
	workflow(after("FAILED", nil), "SUPPRESSED")
	minute = 0
	if got := after("PASSED", nil); strings.Contains(got, "PASSED") {
		t.Errorf("what is older changed it: %s", got)
	}
	saved, err := h.Save()
	again := securityhub.New("us-east-1", "123456789012")
	if err != nil || again.Load(saved) != nil || string(again.Findings()[0]) != string(h.Findings()[0]) {
		t.Errorf("saved %s, %v, loaded %s", saved, err, again.Findings())
	}
	if err := again.Load([]byte("{")); err == nil || !strings.Contains(err.Error(), "saved findings") {
		t.Errorf("Load of no JSON = %v", err)
	}
}

func TestRefusedCalls(t *testing.T) {
	t.Parallel()
	h := securityhub.New("us-east-1", "123456789012")
	for _, tt := range [][3]string{
		{"BatchImportFindings", `{"Findings":[]}`, "InvalidInputException"},
		{"BatchImportFindings", `{"Findings":[{"Malware":[]}]}`, "NotImplemented"},
		{"BatchUpdateFindings", `{"FindingIdentifiers":[],"Workflow":{"Status":"NEW"}}`, "InvalidInputException"},
		{"BatchUpdateFindings", `{"FindingIdentifiers":[{"Id":"a","ProductArn":"p"}]}`, "InvalidInputException"},
		{"BatchUpdateFindings", `{"FindingIdentifiers":[{"Id":"a","ProductArn":"p"}],"Workflow":{"Status":"DONE"}}`, "InvalidInputException"},
		{"BatchUpdateFindings", `{"Note":{}}`, "NotImplemented"},
	} {
		_, err := call(h, tt[0], tt[1])
		var refused *wire.Error
		if !errors.As(err, &refused) || refused.Code != tt[2] {
			t.Errorf("%s %s = %v, want %s", tt[0], tt[1], err, tt[2])
		}
	}
}
