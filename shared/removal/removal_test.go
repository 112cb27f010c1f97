package removal_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/removal"
)

const id = "i-1234567890abcdef0"

var now = time.Date(2026, 3, 2, 4, 30, 0, 0, time.UTC)

func machine(edit func(*record.Machine)) record.Machine {
	m := record.Machine{ID: id, Policy: "web-tier", State: integrity.State{Standing: integrity.Good, Key: integrity.KeyReleased}}
	edit(&m)
	return m
}

func TestPending(t *testing.T) {
	t.Parallel()
	bad := func(m *record.Machine) { m.State.Standing = integrity.Bad }
	due := func(m *record.Machine) { bad(m); m.State.WarnedAt, m.State.DueAt = now, now.Add(time.Hour) }
	revokes := &policy.Policy{Integrity: policy.Integrity{OnFail: policy.ActRevoke}}
	notifies := &policy.Policy{Integrity: policy.Integrity{OnFail: policy.ActNotify}}
	for name, tt := range map[string]struct {
		edit    func(*record.Machine)
		policy  *policy.Policy
		want    string // "" is nothing
		revoked bool
	}{
		"in order":                    {func(*record.Machine) {}, revokes, "", false},
		"never judged":                {func(m *record.Machine) { m.State = integrity.State{} }, revokes, "", false},
		"in order, policy unreadable": {func(*record.Machine) {}, nil, "", false},
		"fails and is only told":      {bad, notifies, "", false},
		"fails, not warned yet":       {bad, revokes, "has an enforcement under way", false},
		"fails, policy unreadable":    {bad, nil, "cannot be read", false},
		"due":                         {due, revokes, "is to lose its key at 2026-03-02T05:30:00Z", false},
		"due, policy notifies now":    {due, notifies, "", false},
		"due, policy unreadable":      {due, nil, "is to lose its key", false},
		"due and held":                {func(m *record.Machine) { due(m); m.State.HeldFor = "held-global" }, revokes, "is to lose its key", false},
		"ordered by a person":         {func(m *record.Machine) { m.State.CommandedAt = now }, notifies, "by a person's order", false},
		"revoking":                    {func(m *record.Machine) { m.State.Key = integrity.KeyRevoking }, revokes, "being revoked or given back", true},
		"revoked":                     {func(m *record.Machine) { m.State.Key = integrity.KeyRevoked }, notifies, "has a revoked key", true},
		"revoked and gone":            {func(m *record.Machine) { m.State.Key, m.State.GoneAt = integrity.KeyRevoked, now }, revokes, "has a revoked key", true},
		"being given back":            {func(m *record.Machine) { m.Taken = &record.Taken{} }, revokes, "being revoked or given back", true},
		"gone, grant not withdrawn":   {func(m *record.Machine) { m.State.GoneAt = now }, revokes, "has an enforcement under way", false},
		"gone and withdrawn":          {func(m *record.Machine) { m.State.GoneAt, m.State.Key = now, integrity.KeyWithdrawn }, revokes, "", false},
	} {
		policies := map[string]*policy.Policy{}
		if tt.policy != nil {
			policies["web-tier"] = tt.policy
		}
		got := removal.Of([]record.Machine{machine(tt.edit)}, policies, nil)
		switch {
		case tt.want == "" && len(got) == 0:
		case tt.want == "" || len(got) != 1 || !strings.Contains(got[0].What, tt.want) || got[0].Revoked != tt.revoked || got[0].Machine != id:
			t.Errorf("%s: Of = %+v, want %q, revoked %t", name, got, tt.want, tt.revoked)
		}
	}
}

func TestOutboxCounts(t *testing.T) {
	t.Parallel()
	revoked := machine(func(m *record.Machine) { m.State.Key = integrity.KeyRevoked })
	got := removal.Of([]record.Machine{revoked}, nil, []record.Start{{Machine: id}, {Machine: "i-0abcdef1234567890"}, {Machine: "i-0abcdef1234567890"}})
	if len(got) != 2 || got[0].Machine != id || !strings.Contains(got[1].What, "not started yet") {
		t.Errorf("Of = %+v, want the revoked one first and the waiting one once", got)
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	if got := removal.Text(nil); got != "" {
		t.Errorf("Text(nil) = %q", got)
	}
	one := removal.Text([]removal.Pending{{Machine: id, What: "has a revoked key", Revoked: true}})
	for _, want := range []string{"an enforcement is pending: " + id + " has a revoked key.", "keyward machine restore ID", "--retain-resources Removal"} {
		if !strings.Contains(one, want) {
			t.Errorf("Text = %q, want it to say %q", one, want)
		}
	}
	var many []removal.Pending
	for i := range 10_000 {
		many = append(many, removal.Pending{Machine: fmt.Sprintf("mi-%017x", i), What: "is to lose its key at 2026-03-02T05:30:00Z"})
	}
	text := removal.Text(many)
	if len(text) >= 1000 || !strings.Contains(text, "of 10000 machines: mi-00000000000000000 is to lose") || !strings.Contains(text, "; and 9995 more.") || strings.Contains(text, "restore") {
		t.Errorf("Text of many has %d characters: %s", len(text), text)
	}
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	r := removal.Request{RequestType: removal.Create, StackID: "stack", RequestID: "request", LogicalResourceID: "Removal"}
	if got, want := removal.Answer(r, ""), (removal.Response{Status: "SUCCESS", PhysicalResourceID: "keyward-removal", StackID: "stack", RequestID: "request", LogicalResourceID: "Removal"}); got != want {
		t.Errorf("Answer = %+v, want %+v", got, want)
	}
	r.PhysicalResourceID = "other"
	got := removal.Answer(r, strings.Repeat("ä", 3000))
	if got.Status != "FAILED" || got.PhysicalResourceID != "other" || len([]rune(got.Reason)) != 1000 || !strings.HasSuffix(got.Reason, "…") {
		t.Errorf("Answer = %s %s with %d characters, want FAILED, the same id and a reason that was cut", got.Status, got.PhysicalResourceID, len([]rune(got.Reason)))
	}
}
