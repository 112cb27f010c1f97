package handler

import (
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// near is a machine whose deadline is half an hour away, of four hours.
func near(m *record.Machine) {
	fake.Bad(m)
	m.State.WarnedAt, m.State.DueAt = fake.Start.Add(-210*time.Minute), fake.Start.Add(30*time.Minute)
	m.Execution = fake.ID + "-2-enforce-1"
}

// reminders are the mails that a deadline is near, in all that was written.
func reminders(w *fake.World) (all []string) {
	for _, c := range w.Store.Changes {
		for _, o := range c.Start {
			if strings.Contains(o.Name, "-tell-dueSoon-") {
				all = append(all, string(o.Input))
			}
		}
	}
	return all
}

func TestADeadlineThatIsNearIsToldOnce(t *testing.T) {
	t.Parallel()
	running := func(edits ...func(*record.Machine)) *fake.World {
		w := with(append([]func(*record.Machine){near}, edits...)...)
		w.Flow.Executions[fake.ID+"-2-enforce-1"] = "RUNNING"
		return w
	}
	held := running()
	held.Store.Held["policy:web-tier"] = record.Hold{Scope: "policy:web-tier", Reason: "x"}
	notifies := running()
	notifies.Store.PutPolicyText(strings.Replace(fake.Policy(), "onFail: revoke\n  grace: 4h", "onFail: notify", 1))
	for name, tt := range map[string]struct {
		world *fake.World
		want  int
	}{
		"near":                        {running(), 1},
		"under a hold":                {held, 0},
		"its policy does not revoke":  {notifies, 0},
		"far":                         {running(func(m *record.Machine) { m.State.DueAt = fake.Start.Add(20 * time.Hour) }), 0},
		"told before":                 {running(func(m *record.Machine) { m.ToldDue = m.State.DueAt }), 0},
		"told of an earlier deadline": {running(func(m *record.Machine) { m.ToldDue = m.State.DueAt.Add(-time.Hour) }), 1},
		"under a policy that is gone": {running(func(m *record.Machine) { m.Policy = "gone" }), 0},
	} {
		for range 3 {
			run(t, tt.world)
		}
		got := reminders(tt.world)
		if len(got) != tt.want {
			t.Errorf("%s: %d mails %v, want %d", name, len(got), got, tt.want)
		} else if tt.want > 0 && !strings.Contains(got[0], `"dueAt":"2026-03-02T05:00:00Z"`) {
			t.Errorf("%s: told %s, want the deadline", name, got[0])
		}
	}
}

func TestAReminderThatFails(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"store.HoldsOn", "store.Apply", "states.Start"} {
		w := with(near)
		w.Flow.Executions[fake.ID+"-2-enforce-1"] = "RUNNING"
		w.Fail(call, fake.Down)
		if _, err := newHandler(w).Handle(t.Context(), fake.Start, Event{}); !fault.Is(err, fault.Transient) {
			t.Errorf("%s fails: %v", call, err)
		}
		if run(t, w); len(reminders(w)) != 1 || len(w.Store.Waiting) != 0 {
			t.Errorf("%s fails: told %d times, %d in the outbox", call, len(reminders(w)), len(w.Store.Waiting))
		}
	}
}
