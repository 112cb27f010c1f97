package scenario_test

import (
	"net/http"
	"slices"
	"testing"
	"time"
)

// hubbed is Security Hub's finding as status and workflow, and the compliance of Systems Manager as rule and status.
func (w *world) hubbed() (findings, items []string) {
	w.t.Helper()
	var all []struct{ Compliance, Workflow struct{ Status string } }
	control(w.t, w.Server, http.MethodGet, "findings", nil, &all)
	for _, f := range all {
		findings = append(findings, f.Compliance.Status+" "+f.Workflow.Status)
	}
	var kept []struct {
		Node, Type string
		Items      []struct{ Id, Status string }
	}
	control(w.t, w.Server, http.MethodGet, "compliance", nil, &kept)
	for _, k := range kept {
		if k.Node != machineID || k.Type != "Custom:Keyward" {
			w.t.Errorf("compliance %+v", k)
		}
		for _, i := range k.Items {
			items = append(items, i.Id+" "+i.Status)
		}
	}
	return findings, items
}

func (w *world) wantHubbed(findings, items []string) {
	w.t.Helper()
	if f, i := w.hubbed(); !slices.Equal(f, findings) || !slices.Equal(i, items) {
		w.t.Errorf("findings %q and items %q, want %q and %q", f, i, findings, items)
	}
}

// Security Hub and Systems Manager follow a machine that fails, loses its key and is put right; nobody is told without the
// parameters.
func TestFindingsFollowTheMachine(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{limits: map[string]string{"SecurityHub": "on", "SsmCompliance": "on"}})
	w.wantHubbed(nil, []string{"no plain web COMPLIANT"})
	due := w.violate()
	w.wantHubbed([]string{"FAILED NEW"}, []string{"no plain web NON_COMPLIANT"})
	w.until(due.Add(2 * time.Minute))
	w.wantRevoked(due)
	w.wantHubbed([]string{"FAILED NEW"}, []string{"no plain web NON_COMPLIANT"})
	w.correct()
	w.wantStanding("Good")
	w.wantHubbed([]string{"PASSED RESOLVED"}, []string{"no plain web COMPLIANT"})
	w.violate()
	w.wantHubbed([]string{"FAILED NEW"}, []string{"no plain web NON_COMPLIANT"})
	if letters := w.DeadLetters(); len(letters) > 0 {
		t.Errorf("dead letters %+v", letters)
	}

	quiet := begin(t, setup{})
	quiet.violate()
	quiet.wantHubbed(nil, nil)
}
