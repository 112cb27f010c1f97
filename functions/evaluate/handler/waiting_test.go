package handler

import (
	"slices"
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

func TestAnExecutionThatCannotStartStaysInTheOutbox(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"states.Start", "store.Started"} {
		w := asked(record.Scheduled, fake.Answer(fake.Nonce, fake.OldKernel))
		w.Fail(call, fake.Down)
		s, _ := judge(t, w, fake.Start)
		if s.Started != 0 || len(w.Store.Waiting) != 1 || !slices.Equal(w.Store.Settling, []string{fake.Command}) {
			t.Errorf("%s fails: %+v, outbox %v; want it to stay there and the command settled", call, s, w.Store.Waiting)
		}
	}
}

func TestCommandsThatAreNotOurs(t *testing.T) {
	t.Parallel()
	w := fake.New()
	if s, _ := judge(t, w, fake.Start); s != (Summary{}) {
		t.Errorf("an unknown command did %+v", s)
	}
	w.Never(t, "ssm.", "store.Apply", "store.Settled")

	w = asked(record.Scheduled, fake.Answer(fake.Nonce, fake.OldKernel))
	delete(w.Store.ByID, fake.ID)
	judge(t, w, fake.Start)
	if len(w.Store.Kept) > 0 || !slices.Equal(w.Store.Settling, []string{fake.Command}) {
		t.Errorf("a machine that is not enrolled any more left %v", w.Store.Kept)
	}
}

func TestWaiting(t *testing.T) {
	t.Parallel()
	sent := fake.Start.Add(-10 * time.Second)
	tests := []struct {
		name string
		said []inspection.Invocation
		now  time.Time
		why  string // "" while it is waited for
	}{
		{"not listed yet", nil, fake.Start, ""},
		{"running", []inspection.Invocation{{Machine: fake.ID, Status: "InProgress"}}, fake.Start, ""},
		{"never listed", nil, sent.Add(3 * time.Minute), "no_invocation"},
		{"never answered", []inspection.Invocation{{Machine: fake.ID, Status: "InProgress"}}, sent.Add(3 * time.Minute), "no_answer"},
		{"not delivered", []inspection.Invocation{{Machine: fake.ID, Status: "DeliveryTimedOut", Ended: true}}, fake.Start, "run_command_deliverytimedout"},
		{"failed", []inspection.Invocation{{Machine: fake.ID, Status: "Failed", Ended: true, Output: fake.Answer(fake.Nonce, fake.NewKernel)}}, fake.Start, "run_command_failed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := asked(record.Scheduled, "")
			w.SSM.Answers = tt.said
			s, a := judge(t, w, tt.now)
			if tt.why == "" {
				if s.Waiting != 1 || len(w.Store.Changes) > 0 || len(w.Store.Settling) > 0 {
					t.Errorf("%+v with %d changes, want to wait", s, len(w.Store.Changes))
				}
				return
			}
			if a.Verdict != policy.Unknown || a.Why != tt.why || len(w.Store.Settling) != 1 {
				t.Errorf("answer = %+v, want Unknown, %s, and the command settled", a, tt.why)
			}
			if m := w.Store.ByID[fake.ID]; m.State.Standing != integrity.Good {
				t.Errorf("standing = %q: silence moved it", m.State.Standing)
			}
		})
	}
}

func TestAnAgentThatWasOffline(t *testing.T) {
	t.Parallel()
	w := fake.New()
	c := fake.Sent(record.Scheduled, fake.Start, fake.ID)
	c.ID = inspection.OfflineID(fake.Nonce)
	w.Store.Sends[c.ID] = c
	if _, err := newHandler(w).Handle(t.Context(), fake.Start, Event{Commands: []string{c.ID}}); err != nil {
		t.Fatal(err)
	}
	if a := w.Store.Said[c.ID+" "+fake.ID]; a.Verdict != policy.Unknown || a.Why != "agent_offline" {
		t.Errorf("answer = %+v, want Unknown, agent_offline", a)
	}
	w.Never(t, "ssm.")
}
