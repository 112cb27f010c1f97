package securityhub_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	local "github.com/keyward/keyward/local/securityhub"
	"github.com/keyward/keyward/local/wire"
	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/aws/securityhub"
	"github.com/keyward/keyward/shared/event"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/finding"
)

var place = event.Place{Partition: "aws", Account: awstest.Account, Region: awstest.Region}

func begin(t *testing.T) (*awstest.Place, *local.Hub, *securityhub.Client) {
	t.Helper()
	p := awstest.New(t)
	hub := local.New(awstest.Region, awstest.Account)
	p.Register(hub.Service())
	return p, hub, securityhub.New(p.Config)
}

func one(rule string, s finding.Status, w finding.Workflow) finding.Finding {
	return finding.Finding{
		ID: "keyward/" + rule, Machine: awstest.Machine, Policy: "web", Rule: rule, Title: "Keyward: " + rule, Description: "Expected: closed. Found: open",
		Fix: "close it", Status: s, Workflow: w, Created: awstest.Noon, Updated: awstest.Noon.Add(time.Minute),
	}
}

// kept are the findings as rule, status, severity, workflow and state.
func kept(t *testing.T, hub *local.Hub) (all []string) {
	t.Helper()
	for _, text := range hub.Findings() {
		var f struct {
			Id, RecordState      string
			Compliance, Workflow struct{ Status string }
			Severity             struct{ Label string }
			Resources            []struct{ Type, Id string }
		}
		if err := json.Unmarshal(text, &f); err != nil || len(f.Resources) != 1 {
			t.Fatalf("finding %s: %v", text, err)
		}
		all = append(all, strings.Join([]string{f.Id, f.Compliance.Status, f.Severity.Label, f.Workflow.Status, f.RecordState, f.Resources[0].Type}, " "))
	}
	return all
}

func TestImport(t *testing.T) {
	t.Parallel()
	p, hub, client := begin(t)
	hybrid, old := one("c", finding.Unknown, ""), one("d", finding.Failed, "")
	hybrid.Machine, hybrid.Fix, old.Archived = "mi-1234567890abcdef0", "", true
	all := []finding.Finding{one("a", finding.Failed, ""), one("b", finding.Passed, finding.Resolved), hybrid, old, one("e", finding.Failed, finding.Suppressed)}
	for range 2 {
		if err := client.Import(t.Context(), place, all); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"keyward/a FAILED HIGH NEW ACTIVE AwsEc2Instance", "keyward/b PASSED INFORMATIONAL RESOLVED ACTIVE AwsEc2Instance",
		"keyward/c NOT_AVAILABLE LOW NEW ACTIVE Other", "keyward/d FAILED HIGH NEW ARCHIVED AwsEc2Instance", "keyward/e FAILED HIGH SUPPRESSED ACTIVE AwsEc2Instance",
	}
	if diff := cmp.Diff(want, kept(t, hub)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if got := p.Operations(); !cmp.Equal(got[:3], []string{"BatchImportFindings", "BatchUpdateFindings", "BatchUpdateFindings"}) {
		t.Errorf("calls %v", got)
	}
	back := one("b", finding.Failed, "")
	back.Updated = back.Updated.Add(time.Hour)
	if err := client.Import(t.Context(), place, []finding.Finding{back}); err != nil {
		t.Fatal(err)
	}
	if got := kept(t, hub)[1]; got != "keyward/b FAILED HIGH NEW ACTIVE AwsEc2Instance" {
		t.Errorf("a failure that follows a resolved one is %q", got)
	}
}

func TestManyFindings(t *testing.T) {
	t.Parallel()
	p, hub, client := begin(t)
	var all []finding.Finding
	for i := range 150 {
		all = append(all, one(fmt.Sprint("r", i), finding.Passed, finding.Resolved))
	}
	if err := client.Import(t.Context(), place, all); err != nil {
		t.Fatal(err)
	}
	if calls := p.Operations(); len(calls) != 4 || len(hub.Findings()) != 150 {
		t.Errorf("%d findings by %v", len(hub.Findings()), calls)
	}
	if err := client.Import(t.Context(), place, nil); err != nil || len(p.Calls()) > 0 {
		t.Errorf("nothing = %v", err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	p, _, client := begin(t)
	bad := one("a", finding.Failed, "")
	bad.Title = ""
	err := client.Import(t.Context(), place, []finding.Finding{bad})
	if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "InvalidInput for 1 of 1") {
		t.Errorf("a finding that is refused = %v", err)
	}
	p.Refuse("BatchImportFindings", &wire.Error{Code: "InvalidAccessException", Message: "Account 123456789012 is not subscribed to AWS Security Hub", Status: 401})
	awstest.Wrapped(t, client.Import(t.Context(), place, []finding.Finding{one("a", finding.Failed, "")}), fault.Denied, "InvalidAccessException")

	p, _, client = begin(t)
	p.Refuse("BatchUpdateFindings", &wire.Error{Code: "LimitExceededException", Message: "x", Status: 429})
	awstest.Wrapped(t, client.Import(t.Context(), place, []finding.Finding{one("a", finding.Passed, finding.Resolved)}), fault.Transient, "LimitExceededException")
}

// answering is a hub that answers so.
func answering(t *testing.T, imported, updated map[string]any) error {
	t.Helper()
	p := awstest.New(t)
	s := local.New(awstest.Region, awstest.Account).Service()
	s.Operations = map[string]wire.Operation{
		"BatchImportFindings": func(context.Context, *wire.Request) (any, error) { return imported, nil },
		"BatchUpdateFindings": func(context.Context, *wire.Request) (any, error) { return updated, nil },
	}
	p.Register(s)
	return securityhub.New(p.Config).Import(t.Context(), place, []finding.Finding{one("a", finding.Passed, finding.Resolved)})
}

func TestWhatIsNotDone(t *testing.T) {
	t.Parallel()
	if err := answering(t, map[string]any{"FailedCount": 1, "SuccessCount": 0}, nil); err == nil || !strings.Contains(err.Error(), "no reason") {
		t.Errorf("failed without a reason = %v", err)
	}
	not := map[string]any{"UnprocessedFindings": []any{map[string]any{"FindingIdentifier": map[string]any{"Id": "a", "ProductArn": "p"}, "ErrorCode": "FindingNotFound"}}}
	if err := answering(t, map[string]any{"FailedCount": 0, "SuccessCount": 1}, not); !fault.Is(err, fault.Transient) || !strings.Contains(err.Error(), "FindingNotFound") {
		t.Errorf("a finding that is not shown yet = %v", err)
	}
}
