package main

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

func TestPlanOf(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	machine := func(id string, mode policy.Mode, due time.Duration, failed int, edits ...func(*integrity.State)) record.Machine {
		m := record.Machine{ID: id, Key: record.Key{Mode: mode}, State: integrity.State{Standing: integrity.Bad, Key: integrity.KeyReleased, DueAt: now.Add(due)}}
		m.Findings = slices.Repeat([]policy.Finding{{Verdict: policy.Fail}}, failed)
		for i := range m.Findings {
			m.Findings[i].Rule = fmt.Sprint(i)
		}
		for _, e := range edits {
			e(&m.State)
		}
		return m
	}
	machines := []record.Machine{
		machine("good", policy.DisableKey, 0, 0, func(s *integrity.State) { s.Standing = integrity.Good }),
		machine("revoked", policy.DisableKey, -time.Hour, 1, func(s *integrity.State) { s.Key = integrity.KeyRevoked }),
		machine("unwarned", policy.DisableKey, 0, 1, func(s *integrity.State) { s.DueAt = time.Time{} }),
		machine("later", policy.DisableKey, time.Hour, 9),
		machine("third", policy.DisableKey, -time.Minute, 1),
		machine("first", policy.DisableKey, -time.Second, 3),
		machine("second", policy.DisableKey, -time.Hour, 1),
		machine("grant", policy.RevokeGrant, -time.Hour, 0),
		machine("held", policy.DisableKey, -time.Hour, 9, func(s *integrity.State) { s.HeldFor = "held-global" }),
	}
	var got []string
	for _, p := range planOf(machines, record.Status{Time: now, KeyCalls: 5, GrantCalls: 50}) {
		got = append(got, fmt.Sprintf("%s %s %d%s", p.Machine, p.Earliest.Sub(now), p.Failed, p.Held))
	}
	want := []string{"first 0s 3", "second 0s 1", "third 400ms 1", "grant 0s 0", "later 1h0m0s 9", "held 0s 9held-global"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if plan := planOf(nil, record.Status{}); plan == nil || len(plan) > 0 {
		t.Errorf("nothing is due: %#v, want an empty list", plan)
	}
}
