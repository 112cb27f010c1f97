package handler

import (
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/content"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// A person's order is told with his name and his reason, and nothing of it is the machine's fault.
func TestRevokedByAPerson(t *testing.T) {
	t.Parallel()
	m := fake.Machine(fake.Revoked)
	m.Order = &record.Order{At: fake.Start, By: "arn:aws:iam::123456789012:user/alice", Reason: "stolen"}
	if n := content.Of(notice.Revoked, m, policy.Default(), enforcement.Task{}); n.OrderedBy != "" {
		t.Errorf("an order of an earlier day is told: %+v", n)
	}
	m.State.CommandedAt = fake.Start
	n := content.Of(notice.Revoked, m, policy.Default(), enforcement.Task{})
	if n.OrderedBy != m.Order.By || n.Why != "stolen" || len(n.Findings) > 0 || !n.DueAt.IsZero() || !n.FoundAt.IsZero() || len(n.Unwarned) > 0 {
		t.Errorf("told %+v", n)
	}
}

func TestContentOfSafeguards(t *testing.T) {
	t.Parallel()
	const failed, text = "mount /data is mounted", "/data mounted"
	m := fake.Machine(fake.Revoked)
	m.Taken.InForceAt, m.Taken.EffectiveAt, m.Taken.EffectiveBy = fake.Start.Add(time.Minute), fake.Start, record.ByMachine
	m.Safeguard = &record.Safeguard{Generation: 2, Failed: failed, Text: text}
	task := enforcement.Task{Input: enforcement.State{Input: enforcement.Input{Generation: 2}}}
	n := content.Of(notice.Revoked, m, policy.Default(), task)
	if !n.InForceAt.Equal(m.Taken.InForceAt) || !n.EffectiveAt.Equal(fake.Start) || !n.ByMachine || n.StepFailed != failed || n.OnMachine != text {
		t.Errorf("revoked = %+v", n)
	}
	m.Taken.EffectiveBy = record.ByAWS
	if n := content.Of(notice.Revoked, m, policy.Default(), task); n.ByMachine {
		t.Error("AWS's word is told as the machine's")
	}
	m.Safeguard.Generation = 1
	if n := content.Of(notice.Revoked, m, policy.Default(), task); n.StepFailed != "" || n.OnMachine != "" {
		t.Errorf("an earlier lock is told: %+v", n)
	}
	m.Safeguard.Generation = 2
	for reason, told := range map[guard.Reason]bool{
		guard.ReasonNoSnapshot: true, guard.ReasonNotLocked: true, guard.ReasonNotUnlocked: true, guard.ReasonNotRevoked: true, guard.ReasonHeldGlobal: false,
	} {
		m.State.HeldFor = string(reason)
		n := content.Of(notice.Held, m, policy.Default(), task)
		if n.Why != reason.Text() || (n.StepFailed == failed) != told || (n.OnMachine == text) != told {
			t.Errorf("held for %s = %+v", reason, n)
		}
	}
	// The machine is not held for it any more, and what is stopped there is told all the same.
	m.State.HeldFor = ""
	task.Input.Unlock = &enforcement.Safeguarded{Outcome: "failed"}
	if n := content.Of(notice.Held, m, policy.Default(), task); n.Why != guard.ReasonNotUnlocked.Text() || n.OnMachine != text {
		t.Errorf("not unlocked = %+v", n)
	}
}
