package handler

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// full is a breaker without room for one more.
func full(w *fake.World) {
	w.Store.Counts = record.Breaker{Guarded: 1, Version: 4, Spent: []record.Spent{{Machine: fake.Other, Generation: 1, At: fake.Start.Add(-time.Minute)}}}
}

func TestTheReservationCounts(t *testing.T) {
	t.Parallel()
	w := due()
	decided(t, w, guard.Revoke, guard.ReasonDue)
	want := []record.Spent{{Machine: fake.ID, Generation: 2, At: fake.Start}}
	if got := w.Store.Counts; !slices.Equal(got.Spent, want) || got.Version != 1 || !got.OpenSince.IsZero() {
		t.Errorf("breaker = %+v, want %v", got, want)
	}
	if c := w.Store.Changes[0]; c.Rules == nil || c.Rules.Policy != "web-tier" {
		t.Errorf("rules in the transaction = %+v, want those of the policy", c.Rules)
	}
	// An attempt that was cut off is asked again and counts once.
	w.Store.Changes = nil
	decided(t, w, guard.Revoke, guard.ReasonDue)
	if got := w.Store.Counts; len(got.Spent) != 1 {
		t.Errorf("breaker = %+v, want one", got)
	}
}

func TestTheBreakerOpensOnce(t *testing.T) {
	t.Parallel()
	w := due()
	full(w)
	decided(t, w, guard.Hold, guard.ReasonBreakerOpen)
	b := w.Store.Counts
	if !b.OpenSince.Equal(fake.Start) || b.Openings != 1 || len(b.Spent) != 1 {
		t.Errorf("breaker = %+v, want it open", b)
	}
	if e := w.Store.Events; len(e) != 1 || e[0].Kind != record.BreakerOpened || e[0].Scope != "global" ||
		e[0].Text != "1 of at most 1 machines lost their keys within 1h0m0s, and i-1234567890abcdef0 is the first that has to wait" {
		t.Errorf("events = %+v", e)
	}
	if len(w.Store.Waiting) != 1 || w.Store.Waiting[0].Name != "breaker-1-tell-breakerOpen-1" {
		t.Fatalf("outbox = %+v, want the one mail", w.Store.Waiting)
	}
	var in enforcement.Input
	if err := json.Unmarshal(w.Store.Waiting[0].Input, &in); err != nil || in.Kind != enforcement.Tell || in.Notice != "breakerOpen" || in.Account != fake.Account || in.Why != w.Store.Events[0].Text {
		t.Errorf("input = %+v, %v", in, err)
	}
	decided(t, w, guard.Hold, guard.ReasonBreakerOpen)
	w.Times(t, "store.ChangeBreaker", 1)
	w.Never(t, "store.Machines") // without room nobody counts the machines
}

func TestALimitOfZeroIsNone(t *testing.T) {
	t.Parallel()
	for _, l := range []guard.Limits{{Machines: 0, Percent: 2, Window: time.Hour}, {Machines: 5, Percent: 0, Window: time.Hour}, {}} {
		w := due()
		h := newHandler(w)
		h.Limits = l
		out, err := h.Handle(t.Context(), fake.Start, fake.Event[enforcement.Task](t, "recheck/decide.json"))
		if d := out.(enforcement.Decision); err != nil || d.Reason != string(guard.ReasonBreakerOpen) || len(w.Store.Changes) > 0 {
			t.Errorf("%+v: decide = %+v, %v, want it held", l, d, err)
		}
	}
}

func TestBreakersThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for call, reason := range map[string]guard.Reason{
		"store.Breaker": guard.ReasonBreakerUnread, "store.RuleBreaker": guard.ReasonRuleUnread, "store.Machines": guard.ReasonRuleUnread,
	} {
		w := due()
		w.Always(call, fake.Down)
		decided(t, w, guard.Hold, reason)
	}
	// What cannot be written is no decision.
	w := due()
	full(w)
	w.Fail("store.ChangeBreaker", fake.Down)
	_, err := decide(t, w)
	fake.Kind(t, err, fault.Transient)
}

// newlyFailing adds machines that complied and fail the same rule, and others that comply.
func newlyFailing(w *fake.World, failing, good int) {
	w.Store.Change(fake.ID, func(m *record.Machine) { m.PolicyUsed, m.BrokeAt = 1, fake.Start.Add(-6*time.Hour) })
	for n := range failing + good {
		w.Store.Put(fake.Machine(func(m *record.Machine) {
			if n < failing {
				fake.Bad(m)
				m.BrokeAt = fake.Start.Add(-6 * time.Hour)
			}
			m.ID, m.PolicyUsed = fmt.Sprintf("i-%017x", n), 1
		}))
	}
}

// What the sweep did not see yet trips before anything is reserved.
func TestRulesTripBeforeTheFirstRevocation(t *testing.T) {
	t.Parallel()
	w := due()
	newlyFailing(w, 2, 10)
	decided(t, w, guard.Hold, guard.ReasonRuleTripped)
	b := w.Store.Rules["web-tier"]
	if len(b.Trips) != 1 || b.Trips[0].Rule != "kernel is supported" || b.Trips[0].Failed != 3 || b.Trips[0].Passed != 13 || b.Trips[0].PolicyVersion != 1 {
		t.Errorf("trips = %+v", b.Trips)
	}
	if len(w.Store.Waiting) != 1 || w.Store.Waiting[0].Name != "breaker-web-tier-1-tell-rulesTripped-1" || !strings.Contains(w.Store.Events[0].Text, "3 of 13 machines that complied fail rule") {
		t.Errorf("outbox %+v, events %+v, want one mail that says so", w.Store.Waiting, w.Store.Events)
	}
	decided(t, w, guard.Hold, guard.ReasonRuleTripped)
	w.Times(t, "store.ChangeBreaker", 1)

	w = due()
	newlyFailing(w, 1, 10) // two are too few to tell
	decided(t, w, guard.Revoke, guard.ReasonDue)
}

// The last room is for the more severe machine that is due as well; this one is held, and the breaker says why.
func TestTheMoreSevereGoFirst(t *testing.T) {
	t.Parallel()
	w := due()
	w.Store.Put(fake.Machine(fake.Bad, func(m *record.Machine) {
		m.ID, m.State.DueAt = "i-00000000000000001", fake.Start.Add(-time.Minute)
		m.Findings = append(m.Findings, policy.Finding{Rule: "one more", Verdict: policy.Fail}, policy.Finding{Rule: "and another", Verdict: policy.Fail})
	}))
	h := newHandler(w)
	h.Limits.Machines, h.Limits.Percent, w.Store.Counts.Guarded = 1, 100, 10
	out, err := h.Handle(t.Context(), fake.Start, fake.Event[enforcement.Task](t, "recheck/decide.json"))
	if d := out.(enforcement.Decision); err != nil || d.Reason != string(guard.ReasonBreakerOpen) {
		t.Fatalf("decide = %+v, %v, want it held", d, err)
	}
	if want := "0 of at most 1 machines lost their keys within 1h0m0s, 1 more severe ones are due, and " + fake.ID + " is the first that has to wait"; w.Store.Events[0].Text != want {
		t.Errorf("opened: %s, want %s", w.Store.Events[0].Text, want)
	}
	h.Limits.Machines = 2
	out, err = h.Handle(t.Context(), fake.Start, fake.Event[enforcement.Task](t, "recheck/decide.json"))
	if d := out.(enforcement.Decision); err != nil || d.Outcome != string(guard.Revoke) {
		t.Errorf("with room for both decide = %+v, %v", d, err)
	}
}

// Rules that trip between weighing and writing stop the reservation.
func TestRulesThatTripMeanwhile(t *testing.T) {
	t.Parallel()
	w := due()
	newlyFailing(w, 0, 10)
	w.Before("store.Apply", func() {
		w.Store.Rules["web-tier"] = record.RuleBreaker{Policy: "web-tier", Version: 1, Trips: []record.Trip{{PolicyVersion: 1}}}
	})
	decided(t, w, guard.Hold, guard.ReasonRuleTripped)
	// And so does a breaker that others filled.
	w = due()
	w.Before("store.Apply", func() { full(w) })
	decided(t, w, guard.Hold, guard.ReasonBreakerOpen)
}

// When others keep being quicker at the breaker, that passes: the task is tried again.
func TestManyAtTheBreaker(t *testing.T) {
	t.Parallel()
	w := due()
	for range 5 {
		w.Before("store.Apply", func() { w.Store.Counts.Version++ })
	}
	_, err := decide(t, w)
	fake.Kind(t, err, fault.Transient)
	if m := w.Store.ByID[fake.ID]; m.State.Key != integrity.KeyReleased {
		t.Errorf("machine = %+v, want nothing reserved", m.State)
	}
}

// One mail tells of what the breakers hold, and not one about each machine.
func TestHeldByABreakerIsNotTold(t *testing.T) {
	t.Parallel()
	for _, reason := range []guard.Reason{guard.ReasonBreakerOpen, guard.ReasonRuleTripped} {
		w := at()
		task := fake.Event[enforcement.Task](t, "recheck/decide.json")
		task.Op, task.Input.Decision = "hold", &enforcement.Decision{Outcome: "hold", Reason: string(reason)}
		for range 2 {
			out, err := newHandler(w).Handle(t.Context(), fake.Start, task)
			if d := out.(enforcement.Decision); err != nil || d.Outcome != said || d.Reason != string(reason) {
				t.Errorf("hold = %+v, %v, want it not told", d, err)
			}
		}
		if m := w.Store.ByID[fake.ID]; m.State.HeldFor != string(reason) || m.ToldHeld != "" || len(w.Store.Entries) != 1 {
			t.Errorf("held for %q, told %q, ledger %v", m.State.HeldFor, m.ToldHeld, w.Store.Entries)
		}
	}
}

// However many are due at once and in whatever order they write, the limit holds, and is used.
func TestConcurrentDecisionsNeverOvershoot(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		w := fake.New()
		clear(w.Store.ByID)
		rivals, limit := rapid.IntRange(1, 12).Draw(r, "rivals"), rapid.IntRange(0, 6).Draw(r, "limit")
		w.Store.Counts.Guarded = 100
		h := newHandler(w)
		h.Limits = guard.Limits{Machines: limit, Percent: 100, Window: time.Hour, Rules: guard.RuleLimits{Percent: 100, Machines: 3}}
		tasks := make([]enforcement.Task, rivals)
		for n := range tasks {
			tasks[n] = fake.Event[enforcement.Task](t, "recheck/decide.json")
			id := fmt.Sprintf("i-%017x", n)
			tasks[n].Input.Machine = id
			w.Store.Put(fake.Machine(fake.Bad, func(m *record.Machine) { m.ID = id }))
			w.Store.Said[fake.Command+" "+id] = record.Answer{
				Command: fake.Command, Machine: id, Verdict: policy.Fail, Sent: fake.Start.Add(-30 * time.Second), Presence: integrity.Running,
			}
		}
		var wait sync.WaitGroup
		outcomes := make([]string, rivals)
		for n := range tasks {
			wait.Go(func() { outcomes[n] = untilDecided(t, h, tasks[n]) })
		}
		wait.Wait()
		revoked := len(slices.DeleteFunc(outcomes, func(o string) bool { return o != string(guard.Revoke) }))
		if want := min(rivals, limit); revoked != want || len(w.Store.Counts.Spent) != want {
			r.Errorf("%d of %d may be revoked with a limit of %d, %d count", revoked, rivals, limit, len(w.Store.Counts.Spent))
		}
		if opened := len(w.Store.Events); (rivals > limit) != (opened == 1) {
			r.Errorf("%d rivals, limit %d: the breaker opened %d times", rivals, limit, opened)
		}
	})
}

// untilDecided tries again as the state machine does.
func untilDecided(t *testing.T, h *Handler, task enforcement.Task) string {
	for {
		out, err := h.Handle(t.Context(), fake.Start, task)
		switch {
		case err == nil:
			return out.(enforcement.Decision).Outcome
		case !fault.Is(err, fault.Transient):
			t.Error(err)
			return ""
		}
	}
}
