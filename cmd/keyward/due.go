package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/keyward/keyward/cmd/keyward/internal/people"
	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/pace"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// planned is one revocation to come, for programs.
type planned struct {
	Machine  string      `json:"machine"`
	Policy   string      `json:"policy"`
	Mode     policy.Mode `json:"mode"`
	Due      time.Time   `json:"due"`
	Earliest time.Time   `json:"earliest"` // when KMS can be asked at the stack's pace; the look before it takes its own time
	Failed   int         `json:"failedRules"`
	Held     string      `json:"held,omitempty"` // why it stands still; then nothing happens before that ends
}

// listDue prints the revocations to come in their order.
func listDue(ctx context.Context, api *people.Client, p *show.Printer) error {
	status, err := api.Status(ctx)
	if err != nil {
		return err
	}
	machines, err := api.Machines(ctx, people.Asked{})
	if err != nil {
		return err
	}
	plan := planOf(machines, status)
	return p.Value(plan, func() {
		var rows [][]string
		var last time.Time
		moving := 0
		for _, r := range plan {
			held := "-"
			if r.Held != "" {
				held = guard.Reason(r.Held).Text()
			} else if moving++; r.Earliest.After(last) {
				last = r.Earliest
			}
			rows = append(rows, []string{r.Machine, r.Policy, string(r.Mode), show.Time(r.Due), show.Time(r.Earliest), fmt.Sprint(r.Failed), held})
		}
		p.Table([]string{"MACHINE", "POLICY", "MODE", "DUE", "EARLIEST", "FAILED RULES", "HELD"}, rows, "No key is to be revoked.")
		if moving > 0 {
			p.Line("%s to be revoked, the last not before %s, as KMS takes requests; the breaker may allow fewer (keyward breaker show).", count(moving, "key"), show.Time(last))
		}
	})
}

// planOf is the order in which keys will be revoked: by deadline, and those that are due now or in one second by
// severity. Machines that are held come last, and take no place from the others.
func planOf(machines []record.Machine, status record.Status) []planned {
	from := func(m record.Machine) time.Time {
		if m.State.DueAt.Before(status.Time) {
			return status.Time
		}
		return m.State.DueAt
	}
	due := slices.DeleteFunc(slices.Clone(machines), func(m record.Machine) bool {
		s := m.State
		return s.Standing != integrity.Bad || s.DueAt.IsZero() || s.Key == integrity.KeyRevoked
	})
	slices.SortFunc(due, func(a, b record.Machine) int {
		if c := from(a).Compare(from(b)); c != 0 {
			return c
		}
		return guard.CompareSeverity(guard.SeverityOf(a), guard.SeverityOf(b))
	})
	plan := make([]planned, 0, len(due))
	for _, held := range []bool{false, true} {
		times := map[policy.Mode][]time.Time{}
		for _, m := range due {
			if (m.State.HeldFor != "") == held {
				times[m.Key.Mode] = append(times[m.Key.Mode], from(m))
			}
		}
		times[policy.DisableKey] = pace.Half(pace.DisableKey, status.KeyCalls).Plan(times[policy.DisableKey])
		times[policy.RevokeGrant] = pace.Half(pace.RevokeGrant, status.GrantCalls).Plan(times[policy.RevokeGrant])
		for _, m := range due {
			if (m.State.HeldFor != "") != held {
				continue
			}
			r := planned{Machine: m.ID, Policy: m.Policy, Mode: m.Key.Mode, Due: m.State.DueAt, Failed: guard.SeverityOf(m).Failed, Held: m.State.HeldFor}
			r.Earliest, times[m.Key.Mode] = times[m.Key.Mode][0], times[m.Key.Mode][1:]
			plan = append(plan, r)
		}
	}
	return plan
}
