package ssm

import (
	"context"
	"regexp"
	"slices"

	"github.com/keyward/keyward/local/wire"
)

// Compliance is what a node was said to comply with, of one type.
type Compliance struct {
	Node      string           `json:"node"`
	Type      string           `json:"type"`
	Hash      string           `json:"hash,omitempty"`
	Execution ComplianceRun    `json:"execution"`
	Items     []ComplianceItem `json:"items"`
}

// ComplianceRun is the run that found it.
type ComplianceRun struct {
	ExecutionTime wire.Time
	ExecutionId   string
	ExecutionType string
}

// ComplianceItem is one part of it.
type ComplianceItem struct {
	Id, Title, Severity, Status string
	Details                     map[string]string `json:",omitempty"`
}

var complianceType = regexp.MustCompile(`^Custom:[A-Za-z0-9_\-]{1,93}$`)

var complianceSeverities = []string{"CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNSPECIFIED"}

// maxCompliance are the items of one call (ComplianceItemEntryList in the API reference).
const maxCompliance = 10000

// putComplianceItems replaces what is kept of a node and a type, unless the hash says that it is the same.
func (s *SSM) putComplianceItems(_ context.Context, r *wire.Request) (any, error) {
	in, err := wire.Decode[struct {
		ResourceId, ResourceType, ComplianceType string
		ExecutionSummary                         ComplianceRun
		Items                                    []ComplianceItem
		ItemContentHash                          string
	}](r)
	if err != nil {
		return nil, err
	}
	switch {
	case in.ResourceType != "ManagedInstance":
		return nil, &wire.Error{Code: "InvalidResourceType", Message: "The resource type is not valid."}
	case !complianceType.MatchString(in.ComplianceType):
		return nil, wire.Unimplemented("compliance type %s of ssm.PutComplianceItems", in.ComplianceType)
	case in.ExecutionSummary.ExecutionTime.IsZero() || len(in.Items) > maxCompliance:
		return nil, wire.Validation("1 validation error detected: Value at 'executionSummary' or 'items' failed to satisfy constraint")
	}
	for _, i := range in.Items {
		if (i.Status != "COMPLIANT" && i.Status != "NON_COMPLIANT") || !slices.Contains(complianceSeverities, i.Severity) || len([]rune(i.Id)) > 100 || len([]rune(i.Title)) > 500 {
			return nil, &wire.Error{Code: "InvalidItemContentException", Message: "One or more content items is not valid."}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.nodes[in.ResourceId] == nil {
		return nil, &wire.Error{Code: "InvalidResourceId", Message: "The resource ID is not valid. Verify that you entered the correct ID and try again."}
	}
	now := Compliance{Node: in.ResourceId, Type: in.ComplianceType, Hash: in.ItemContentHash, Execution: in.ExecutionSummary, Items: in.Items}
	for i, have := range s.compliance {
		if have.Node != now.Node || have.Type != now.Type {
			continue
		}
		if now.Hash == "" || have.Hash != now.Hash {
			s.compliance[i] = now
		}
		return struct{}{}, nil
	}
	s.compliance = append(s.compliance, now)
	return struct{}{}, nil
}

// Compliance is what is kept of all nodes, in the order in which they came.
func (s *SSM) Compliance() []Compliance {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.compliance)
}
