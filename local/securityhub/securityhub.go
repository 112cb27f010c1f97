// Package securityhub is Security Hub as far as our programs call it: findings of the account's default product in AWS's
// format, which are imported, and whose workflow people set. It has no standards, no insights, no automation, and no
// operation that lists findings; /_local/findings shows them. What it does not know of a finding it refuses by name.
package securityhub

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/keyward/keyward/local/wire"
)

type severity struct{ Label string }

type compliance struct{ Status string }

type workflow struct{ Status string }

type resource struct {
	Type, Id, Partition, Region string
}

type remediation struct {
	Recommendation struct{ Text, Url string }
}

// finding is a part of AwsSecurityFinding.
type finding struct {
	SchemaVersion, Id, ProductArn, GeneratorId, AwsAccountId string
	CompanyName, ProductName                                 string `json:",omitempty"`
	Types                                                    []string
	CreatedAt, UpdatedAt, Title, Description                 string
	Severity                                                 severity
	Compliance                                               *compliance `json:",omitempty"`
	Workflow                                                 workflow
	RecordState                                              string
	Resources                                                []resource
	Remediation                                              *remediation      `json:",omitempty"`
	ProductFields                                            map[string]string `json:",omitempty"`
}

// Hub keeps findings. Its methods may be called from any goroutine.
type Hub struct {
	account, region string

	mu       sync.Mutex
	findings map[string]*finding // by product and id
}

// New returns a hub without findings.
func New(region, account string) *Hub {
	return &Hub{account: account, region: region, findings: map[string]*finding{}}
}

// Service is what local/wire dispatches to.
func (h *Hub) Service() wire.Service {
	return wire.Service{
		Name: "securityhub", Protocol: wire.RESTJSON,
		Operations: map[string]wire.Operation{"BatchImportFindings": h.batchImport, "BatchUpdateFindings": h.batchUpdate},
		Routes: []wire.Route{
			{Pattern: "POST /findings/import", Operation: "BatchImportFindings"},
			{Pattern: "PATCH /findings/batchupdate", Operation: "BatchUpdateFindings"},
		},
	}
}

// What a call takes (BatchImportFindings in the API reference).
const (
	maxFindings = 100
	maxBytes    = 240 << 10
)

type failure struct{ Id, ErrorCode, ErrorMessage string }

func (h *Hub) batchImport(_ context.Context, r *wire.Request) (any, error) {
	in, err := wire.Decode[struct{ Findings []finding }](r)
	if err != nil {
		return nil, err
	}
	if len(in.Findings) < 1 || len(in.Findings) > maxFindings {
		return nil, invalid("Invalid parameter 'Findings'. Expected between 1 and %d findings.", maxFindings)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	failed := []failure{}
	for _, f := range in.Findings {
		if why := h.wrong(f); why != "" {
			failed = append(failed, failure{f.Id, "InvalidInput", why})
			continue
		}
		h.put(f)
	}
	return map[string]any{"FailedCount": len(failed), "SuccessCount": len(in.Findings) - len(failed), "FailedFindings": failed}, nil
}

var (
	severities = []string{"INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"}
	statuses   = []string{"PASSED", "WARNING", "FAILED", "NOT_AVAILABLE"}
	workflows  = []string{"NEW", "NOTIFIED", "RESOLVED", "SUPPRESSED"}
)

// wrong is what is the matter with a finding, "" when nothing is.
func (h *Hub) wrong(f finding) string {
	text, _ := json.Marshal(f) // strings
	_, created := time.Parse(time.RFC3339, f.CreatedAt)
	_, updated := time.Parse(time.RFC3339, f.UpdatedAt)
	switch product := "arn:aws:securityhub:" + h.region + ":" + h.account + ":product/" + h.account + "/default"; {
	case len(text) > maxBytes:
		return "Finding is larger than 240 KB."
	case f.SchemaVersion != "2018-10-08":
		return "Invalid parameter 'SchemaVersion'."
	case f.ProductArn != product || f.AwsAccountId != h.account:
		return "Product ARN or account is not one that this account imports findings for."
	case f.Id == "" || len(f.Id) > 512 || f.GeneratorId == "" || len(f.GeneratorId) > 512:
		return "Invalid parameter 'Id' or 'GeneratorId'."
	case f.Title == "" || len([]rune(f.Title)) > 256 || f.Description == "" || len([]rune(f.Description)) > 1024:
		return "Invalid parameter 'Title' or 'Description'."
	case created != nil || updated != nil:
		return "Invalid parameter 'CreatedAt' or 'UpdatedAt'."
	case !slices.Contains(severities, f.Severity.Label):
		return "Invalid parameter 'Severity'."
	case f.Compliance != nil && !slices.Contains(statuses, f.Compliance.Status):
		return "Invalid parameter 'Compliance'."
	case len(f.Resources) < 1 || len(f.Resources) > 32 || f.Resources[0].Type == "" || f.Resources[0].Id == "":
		return "Invalid parameter 'Resources'."
	case slices.ContainsFunc(f.Types, func(t string) bool { return len(strings.Split(t, "/")) > 3 }):
		return "Invalid parameter 'Types'."
	case f.RecordState != "" && f.RecordState != "ACTIVE" && f.RecordState != "ARCHIVED":
		return "Invalid parameter 'RecordState'."
	}
	return ""
}

// put keeps a finding. What people set stays, but for a workflow that begins anew when the finding does; one that is not
// newer changes nothing.
func (h *Hub) put(f finding) {
	f.RecordState = cmp.Or(f.RecordState, "ACTIVE")
	f.Workflow.Status = cmp.Or(f.Workflow.Status, "NEW")
	key := f.ProductArn + " " + f.Id
	old := h.findings[key]
	if old != nil {
		if newer(old.UpdatedAt, f.UpdatedAt) {
			return
		}
		f.CreatedAt, f.Workflow = old.CreatedAt, old.Workflow
		again := old.RecordState == "ARCHIVED" && f.RecordState == "ACTIVE" || passed(old) && !passed(&f)
		if again && (f.Workflow.Status == "RESOLVED" || f.Workflow.Status == "NOTIFIED") {
			f.Workflow.Status = "NEW"
		}
	}
	h.findings[key] = &f
}

func passed(f *finding) bool { return f.Compliance != nil && f.Compliance.Status == "PASSED" }

// newer says whether the first of two times, which were checked, is later.
func newer(a, b string) bool {
	first, _ := time.Parse(time.RFC3339, a)
	second, _ := time.Parse(time.RFC3339, b)
	return first.After(second)
}

type identifier struct{ Id, ProductArn string }

func (h *Hub) batchUpdate(_ context.Context, r *wire.Request) (any, error) {
	in, err := wire.Decode[struct {
		FindingIdentifiers []identifier
		Workflow           *workflow
	}](r)
	if err != nil {
		return nil, err
	}
	if len(in.FindingIdentifiers) < 1 || len(in.FindingIdentifiers) > maxFindings {
		return nil, invalid("Invalid parameter 'FindingIdentifiers'. Expected between 1 and %d.", maxFindings)
	}
	if in.Workflow == nil || !slices.Contains(workflows, in.Workflow.Status) {
		return nil, invalid("Invalid parameter 'Workflow'.")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	done, not := []identifier{}, []map[string]any{}
	for _, id := range in.FindingIdentifiers {
		f := h.findings[id.ProductArn+" "+id.Id]
		if f == nil {
			not = append(not, map[string]any{"FindingIdentifier": id, "ErrorCode": "FindingNotFound", "ErrorMessage": "Finding Not Found"})
			continue
		}
		f.Workflow.Status = in.Workflow.Status
		done = append(done, id)
	}
	return map[string]any{"ProcessedFindings": done, "UnprocessedFindings": not}, nil
}

func invalid(format string, args ...any) error {
	return &wire.Error{Code: "InvalidInputException", Message: fmt.Sprintf(format, args...), Status: 400}
}

// Findings are all that are kept, by id, in AWS's format.
func (h *Hub) Findings() []json.RawMessage {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]json.RawMessage, 0, len(h.findings))
	for _, key := range slices.Sorted(maps.Keys(h.findings)) {
		text, _ := json.Marshal(h.findings[key]) // strings
		all = append(all, text)
	}
	return all
}

// Save is every finding, for --data.
func (h *Hub) Save() (json.RawMessage, error) { return json.Marshal(h.Findings()) }

// Load takes up what Save saved.
func (h *Hub) Load(saved json.RawMessage) error {
	var all []*finding
	if err := json.Unmarshal(saved, &all); err != nil {
		return fmt.Errorf("reading saved findings: %w", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range all {
		h.findings[f.ProductArn+" "+f.Id] = f
	}
	return nil
}
