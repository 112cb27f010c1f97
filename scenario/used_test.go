package scenario_test

import (
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"sync"

	"github.com/keyward/keyward/local"
	"github.com/keyward/keyward/local/stack"
)

// used are the permissions of the template that the programs of all places needed and had.
var used = struct {
	sync.Mutex
	all map[local.Use]bool
}{all: map[local.Use]bool{}}

// gather notes what a place's programs used.
func gather(s *local.Server) {
	used.Lock()
	defer used.Unlock()
	for _, u := range s.Used() {
		used.all[u] = true
	}
}

// unreached are permissions that no scenario can need, and why.
var unreached = map[local.Use]string{
	{Role: "EnforcementRole", Sid: "WriteLogs", Action: "logs:CreateLogDelivery"}:        noLogs,
	{Role: "EnforcementRole", Sid: "WriteLogs", Action: "logs:DeleteLogDelivery"}:        noLogs,
	{Role: "EnforcementRole", Sid: "WriteLogs", Action: "logs:DescribeLogGroups"}:        noLogs,
	{Role: "EnforcementRole", Sid: "WriteLogs", Action: "logs:DescribeResourcePolicies"}: noLogs,
	{Role: "EnforcementRole", Sid: "WriteLogs", Action: "logs:GetLogDelivery"}:           noLogs,
	{Role: "EnforcementRole", Sid: "WriteLogs", Action: "logs:ListLogDeliveries"}:        noLogs,
	{Role: "EnforcementRole", Sid: "WriteLogs", Action: "logs:PutResourcePolicy"}:        noLogs,
	{Role: "EnforcementRole", Sid: "WriteLogs", Action: "logs:UpdateLogDelivery"}:        noLogs,

	{Role: "ScheduleRole", Sid: "KeepWhatWasGivenUp", Action: "sqs:SendMessage"}: "the Lambda of keyward local takes every event; the tests of package local have a schedule without a function",
}

const noLogs = "Step Functions itself needs it for its logs, which keyward local does not have"

// whole says whether every scenario runs: what some of them do not use says nothing.
func whole() bool {
	for _, name := range []string{"test.run", "test.skip", "test.list", "test.fuzz", "test.bench"} {
		if f := flag.Lookup(name); f != nil && f.Value.String() != "" {
			return false
		}
	}
	return flag.Lookup("test.short").Value.String() == "false"
}

// unused compares what roles may do with what was done: a permission that no program of all scenarios needed is one too
// many, or one that no test reaches.
func unused() ([]string, error) {
	s, err := stack.Load(filepath.Join("..", "template.yaml"), stack.Options{Parameters: map[string]string{
		"SenderAddress": "keyward@example.com", "AccountContact": "ops@example.com", "ActionLinks": "on",
	}})
	if err != nil {
		return nil, err
	}
	used.Lock()
	defer used.Unlock()
	var problems []string
	allowed := map[local.Use]bool{}
	for _, r := range s.Roles {
		for _, statement := range r.Policy {
			for _, action := range statement.Actions {
				u := local.Use{Role: r.LogicalID, Sid: statement.Sid, Action: action}
				if allowed[u] = !statement.Deny; !statement.Deny && !used.all[u] && unreached[u] == "" {
					problems = append(problems, fmt.Sprintf("template.yaml allows %s to %s by %s, and no scenario needs it: take it out, or say in used_test.go why none does", action, r.LogicalID, u.Sid))
				}
			}
		}
	}
	for u, why := range unreached {
		switch {
		case !allowed[u]:
			problems = append(problems, fmt.Sprintf("used_test.go says why no scenario needs %s of %s by %s, which template.yaml does not allow: %s", u.Action, u.Role, u.Sid, why))
		case used.all[u]:
			problems = append(problems, fmt.Sprintf("used_test.go says why no scenario needs %s of %s by %s, and one does: take it out", u.Action, u.Role, u.Sid))
		}
	}
	slices.Sort(problems)
	return problems, nil
}
