package handler

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// climbing is the policy of all machines with two steps.
var climbing = fake.Policy("notify: {to: [ops@example.com]", "notify: {escalate: [{after: 2h, to: [lead@example.com]}, {after: 8h, to: [head@example.com, lead@example.com]}], to: [ops@example.com]")

// climbed is a machine of whose violation so many steps were told.
func climbed(steps int) func(*record.Machine) {
	return func(m *record.Machine) { m.Escalated = record.Escalation{Violation: m.State.Since, Steps: steps} }
}

// climb has a step told of a machine.
func climb(t *testing.T, text string, step int, edits ...func(*record.Machine)) (*fake.World, enforcement.Told) {
	t.Helper()
	w := fake.New()
	w.Store.Put(fake.Machine(append([]func(*record.Machine){fake.Bad}, edits...)...))
	w.Store.PutPolicyText(text)
	got, err := tell(t, w, func(task *enforcement.Task) {
		task.Notice, task.Input.Notice, task.Input.Step = "escalated", "escalated", step
	})
	if err != nil {
		t.Fatal(err)
	}
	return w, got
}

// Each step goes to its own addresses and to the machine's owner, and says how long nothing was done.
func TestAStepIsTold(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		step  int
		edits []func(*record.Machine)
		to    []string
		says  string
	}{
		"the first":  {1, []func(*record.Machine){climbed(1)}, []string{fake.Owner, "lead@example.com"}, "within 2 hours after its warning"},
		"the second": {2, []func(*record.Machine){climbed(2)}, []string{fake.Owner, "head@example.com", "lead@example.com"}, "within 8 hours after its warning"},
		"without an owner, after the revocation": {
			1, []func(*record.Machine){fake.Revoked, climbed(1), func(m *record.Machine) { m.Owner = "" }}, []string{"lead@example.com"}, "Its key is revoked since",
		},
		"held": {1, []func(*record.Machine){climbed(1), func(m *record.Machine) { m.State.HeldFor = "not-guarded" }}, []string{fake.Owner, "lead@example.com"}, "waits for a person"},
	} {
		w, got := climb(t, climbing, tt.step, tt.edits...)
		if len(w.Mail.Sent) != 1 || !slices.Equal(w.Mail.Sent[0].To, tt.to) || !strings.Contains(words(w.Mail.Sent[0].Text), tt.says) {
			t.Errorf("%s: mails %+v, want one to %v that says %q", name, w.Mail.Sent, tt.to, tt.says)
		}
		if n := w.Store.Told[got.Reference]; n.Step != tt.step || len(n.Counts) > 0 {
			t.Errorf("%s: kept %+v", name, n)
		}
		w.Never(t, "store.Apply") // nothing about the grace changes
	}
}

// What was put right, or what the policy says no more, by the time it could be sent is not told.
func TestAStepThatIsOver(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text  string
		step  int
		edits []func(*record.Machine)
	}{
		"it complies":                  {climbing, 1, []func(*record.Machine){climbed(1), func(m *record.Machine) { m.State.Standing = integrity.Good }}},
		"it complies, and is restored": {climbing, 1, []func(*record.Machine){fake.Corrected, climbed(1)}},
		"another violation":            {climbing, 1, []func(*record.Machine){climbed(1), func(m *record.Machine) { m.State.Since = fake.Start }}},
		"the policy has no such step":  {climbing, 3, []func(*record.Machine){climbed(3)}},
		"the policy has no steps":      {fake.Policy(), 1, []func(*record.Machine){climbed(1)}},
		"the policy is gone":           {climbing, 1, []func(*record.Machine){climbed(1), func(m *record.Machine) { m.Policy = "gone" }}},
		"the policy cannot be read":    {"policy: web-tier\nrules: no list\n", 1, []func(*record.Machine){climbed(1)}},
		"a step that is none":          {climbing, 0, []func(*record.Machine){climbed(1)}},
	} {
		if w, got := climb(t, tt.text, tt.step, tt.edits...); got != (enforcement.Told{}) || len(w.Mail.Sent) > 0 {
			t.Errorf("%s: told %+v, %+v", name, got, w.Mail.Sent)
		}
	}
}

// When a step reaches nobody the account's contact hears of it, and from whom it came back.
func TestAStepThatReachesNobody(t *testing.T) {
	t.Parallel()
	w := violation(climbed(1), func(m *record.Machine) { m.State.WarnedAt = fake.Start.Add(-2 * time.Hour) })
	w.Store.PutPolicyText(climbing)
	_, err := tell(t, w, func(task *enforcement.Task) {
		task.Notice, task.Input.Step, task.Input.Missed = "escalated", 1, []string{fake.Owner, "lead@example.com"}
	})
	if err != nil || len(w.Mail.Sent) != 1 || !slices.Equal(w.Mail.Sent[0].To, []string{contact}) || !strings.Contains(words(w.Mail.Sent[0].Text), "did not reach "+fake.Owner+", lead@example.com") {
		t.Errorf("tell: %v, %+v, want the account's contact told", err, w.Mail.Sent)
	}
}
