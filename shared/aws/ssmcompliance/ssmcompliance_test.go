package ssmcompliance_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/ssm"
	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/aws/ssmcompliance"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/finding"
)

func TestPut(t *testing.T) {
	t.Parallel()
	p := awstest.New(t)
	s := ssm.New(ssm.Options{Clock: p.Clock, Account: awstest.Account, Region: awstest.Region, TempDir: t.TempDir()})
	t.Cleanup(s.Close)
	if err := s.PutNode(ssm.Node{ID: awstest.Machine, PlatformType: "Linux"}); err != nil {
		t.Fatal(err)
	}
	p.Register(s.Service())
	client := ssmcompliance.New(p.Config)
	c := finding.Compliance{Machine: awstest.Machine, Command: "c", At: awstest.Noon, Hash: "h", Items: []finding.Item{
		{ID: "a", Title: "closed", Compliant: true, Details: map[string]string{"Verdict": "Pass"}}, {ID: "b", Title: "closed"},
	}}
	if err := client.Put(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	got := s.Compliance()
	if len(got) != 1 || got[0].Type != "Custom:Keyward" || got[0].Node != awstest.Machine || got[0].Hash != "h" || !got[0].Execution.ExecutionTime.Equal(awstest.Noon) {
		t.Fatalf("compliance %+v", got)
	}
	want := []ssm.ComplianceItem{
		{Id: "a", Title: "closed", Severity: "UNSPECIFIED", Status: "COMPLIANT", Details: map[string]string{"Verdict": "Pass"}},
		{Id: "b", Title: "closed", Severity: "HIGH", Status: "NON_COMPLIANT"},
	}
	if diff := cmp.Diff(want, got[0].Items); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	c.Items = c.Items[:1]
	if err := client.Put(t.Context(), c); err != nil || len(s.Compliance()[0].Items) != 2 {
		t.Errorf("the same hash: %v, %+v", err, s.Compliance())
	}
	if c.Hash = "i"; client.Put(t.Context(), c) != nil || len(s.Compliance()[0].Items) != 1 {
		t.Errorf("another hash: %+v", s.Compliance())
	}
	c.Machine = awstest.Other
	awstest.Wrapped(t, client.Put(t.Context(), c), fault.NotFound, "InvalidResourceId")
}
