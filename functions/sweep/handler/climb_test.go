package handler

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// climbing is the policy of all machines with steps two and eight hours after the warning.
var climbing = fake.Policy("notify: {to: [ops@example.com]", "notify: {escalate: [{after: 2h, to: [lead@example.com]}, {after: 8h, to: [head@example.com]}], to: [ops@example.com]")

// lasting is a machine that was warned five hours ago, with three to go.
func lasting(m *record.Machine) {
	fake.Bad(m)
	m.State.DueAt, m.Execution = fake.Start.Add(3*time.Hour), fake.ID+"-2-enforce-1"
}

// lasts is a world whose machine stays Bad.
func lasts(edits ...func(*record.Machine)) *fake.World {
	w := with(append([]func(*record.Machine){lasting}, edits...)...)
	w.Store.PutPolicyText(climbing)
	w.Flow.Executions[fake.ID+"-2-enforce-1"] = "RUNNING"
	return w
}

// climbed are the steps that were told, in all that was written.
func climbed(t *testing.T, w *fake.World) []int {
	t.Helper()
	steps := []int{}
	for _, c := range w.Store.Changes {
		for _, o := range c.Start {
			var in enforcement.Input
			if err := json.Unmarshal(o.Input, &in); err != nil {
				t.Fatal(err)
			}
			if in.Notice != "escalated" {
				continue
			}
			steps = append(steps, in.Step)
			if c.Machine.Climbed() != in.Step || in.Machine != fake.ID || in.Generation != c.Machine.State.Generation {
				t.Errorf("%s is written with %+v, input %s", o.Name, c.Machine.Escalated, o.Input)
			}
		}
	}
	return steps
}

func TestWhatNobodyCorrectsIsToldUpwardsOnce(t *testing.T) {
	t.Parallel()
	held := lasts()
	held.Store.Held["policy:web-tier"] = record.Hold{Scope: "policy:web-tier", Reason: "x"}
	steady := lasts()
	steady.Store.PutPolicyText(fake.Policy())
	notifies := lasts(func(m *record.Machine) { m.State.WarnedAt, m.State.DueAt = time.Time{}, time.Time{} })
	notifies.Store.PutPolicyText(strings.Replace(climbing, "onFail: revoke\n  grace: 4h", "onFail: notify", 1))
	tripped := lasts(func(m *record.Machine) { m.PolicyUsed = 1 })
	tripped.Store.Rules["web-tier"] = record.RuleBreaker{Policy: "web-tier", Trips: []record.Trip{{PolicyVersion: 1, At: fake.Start}}, Version: 1}
	of := func(since time.Time, steps int) func(*record.Machine) {
		return func(m *record.Machine) { m.Escalated = record.Escalation{Violation: since, Steps: steps} }
	}
	since := fake.Start.Add(-6 * time.Hour)
	long := func(m *record.Machine) { m.State.WarnedAt = fake.Start.Add(-9 * time.Hour) }
	for name, tt := range map[string]struct {
		world *fake.World
		want  []int
	}{
		"the first is due":                   {lasts(), []int{1}},
		"the first was told":                 {lasts(of(since, 1)), []int{}},
		"of an earlier violation":            {lasts(of(since.Add(-time.Hour), 2)), []int{1}},
		"both are due, one after the other":  {lasts(long), []int{1, 2}},
		"the second is due":                  {lasts(long, of(since, 1)), []int{2}},
		"the key is revoked":                 {lasts(long, fake.Revoked, long, of(since, 1)), []int{2}},
		"it was put right since":             {lasts(fake.Corrected), []int{}},
		"it complies":                        {lasts(func(m *record.Machine) { m.State.Standing = integrity.Good }), []int{}},
		"under a hold":                       {held, []int{}},
		"the policy has no steps":            {steady, []int{}},
		"the policy only notifies":           {notifies, []int{1}},
		"a person has to decide on its rule": {tripped, []int{}},
		"under a policy that is gone":        {lasts(func(m *record.Machine) { m.Policy = "gone" }), []int{}},
	} {
		for range 4 {
			run(t, tt.world)
		}
		if got := climbed(t, tt.world); !slices.Equal(got, tt.want) {
			t.Errorf("%s: steps %v are told, want %v", name, got, tt.want)
		}
	}
}

// While deadlines of its policy are moved nothing is told, and what is due by then is told after it.
func TestStepsWaitWhileDeadlinesAreMoved(t *testing.T) {
	t.Parallel()
	w := lasts(fake.Revoked) // whose clocks stand no more
	for i := range 4 {
		w.Store.Put(fake.Machine(func(m *record.Machine) {
			m.ID = fmt.Sprintf("i-%017d", i)
			m.State.LastVerdict, m.State.KnownAt, m.State.SilentSince = "Unknown", fake.Start.Add(-time.Hour), fake.Start.Add(-time.Minute)
		}))
	}
	if run(t, w); len(climbed(t, w)) > 0 {
		t.Errorf("steps %v are told while the policy is silent", climbed(t, w))
	}
	for i := range 4 {
		w.Store.Change(fmt.Sprintf("i-%017d", i), func(m *record.Machine) { m.State.LastVerdict, m.State.SilentSince = "Pass", time.Time{} })
	}
	if run(t, w); !slices.Equal(climbed(t, w), []int{1}) {
		t.Errorf("steps %v are told after it", climbed(t, w))
	}
}

func TestAStepThatFails(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"store.HoldsOn", "store.Apply", "states.Start"} {
		w := lasts()
		w.Fail(call, fake.Down)
		if _, err := newHandler(w).Handle(t.Context(), fake.Start, Event{}); !fault.Is(err, fault.Transient) {
			t.Errorf("%s fails: %v", call, err)
		}
		if run(t, w); !slices.Equal(climbed(t, w), []int{1}) || len(w.Store.Waiting) != 0 {
			t.Errorf("%s fails: told %v, %d in the outbox", call, climbed(t, w), len(w.Store.Waiting))
		}
	}
	w := lasts()
	w.Before("store.Apply", func() { w.Store.Change(fake.ID, func(m *record.Machine) { m.State.Standing = integrity.Good }) })
	for range 2 {
		run(t, w)
	}
	if got := climbed(t, w); len(got) > 0 {
		t.Errorf("it complies by the time it is written, and %v are told", got)
	}
}
