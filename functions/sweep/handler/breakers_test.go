package handler

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// newly is a machine that complied until six hours ago and fails a rule of version 1.
func newly(m *record.Machine) {
	fake.Bad(m)
	m.PolicyUsed, m.BrokeAt = 1, fake.Start.Add(-6*time.Hour)
}

func named(id string) func(*record.Machine) { return func(m *record.Machine) { m.ID = id } }

// fleet is a world with these machines alone.
func fleet(machines ...record.Machine) *fake.World {
	w := fake.New()
	clear(w.Store.ByID)
	for _, m := range machines {
		w.Store.Put(m)
	}
	w.Store.Counts.Guarded, w.Store.Counts.Version = len(machines), 1
	return w
}

func many(n int, edits ...func(*record.Machine)) []record.Machine {
	var all []record.Machine
	for i := range n {
		all = append(all, fake.Machine(append(edits, named(fmt.Sprintf("i-%017x", i)))...))
	}
	return all
}

func TestGuardedMachinesAreCounted(t *testing.T) {
	t.Parallel()
	w := fleet(many(3)...)
	w.Store.Put(fake.Machine(named(fake.Other), func(m *record.Machine) { m.State.GoneAt = fake.Start }))
	w.Store.Counts.Guarded = 0
	run(t, w)
	if got := w.Store.Counts.Guarded; got != 3 {
		t.Errorf("guarded = %d, want 3: who is gone counts no more", got)
	}
	run(t, w)
	w.Times(t, "store.ChangeBreaker", 1)
}

func TestRulesTrip(t *testing.T) {
	t.Parallel()
	w := fleet(many(4, newly, unwarned)...)
	got := run(t, w)
	b := w.Store.Rules["web-tier"]
	if len(b.Trips) != 1 || b.Trips[0].Rule != "kernel is supported" || b.Trips[0].Failed != 4 || b.Trips[0].Passed != 4 {
		t.Fatalf("trips = %+v", b.Trips)
	}
	// The mail is started at once, and no enforcement is: the rule only notifies.
	if got.Started != 1 || w.Flow.Executions["breaker-web-tier-1-tell-rulesTripped-1"] != "RUNNING" {
		t.Errorf("%+v, executions %v, want the mail alone", got, w.Flow.Executions)
	}
	if e := w.Store.Events; len(e) != 1 || e[0].Scope != "policy:web-tier" || e[0].Kind != record.BreakerTripped {
		t.Errorf("events = %+v", e)
	}
	if again := run(t, w); again.Started != 0 || len(w.Store.Events) != 1 {
		t.Errorf("the second sweep: %+v, events %v, want nothing more", again, w.Store.Events)
	}
	// A person resets it: every machine is owed its warning.
	b.Trips, b.ResetAt = nil, fake.Start
	w.Store.Rules["web-tier"] = b
	if after := run(t, w); after.Started != 4 {
		t.Errorf("after the reset: %+v, want four warnings", after)
	}
}

func TestRulesOfANotifyingPolicyDoNotTrip(t *testing.T) {
	t.Parallel()
	w := fleet(many(9, newly)...)
	w.Store.PutPolicyText(fake.Policy("onFail: revoke\n  grace: 4h", "onFail: notify"))
	for id := range w.Store.ByID {
		w.Store.Change(id, func(m *record.Machine) { m.PolicyUsed = 2 })
	}
	run(t, w)
	if len(w.Store.Events) != 0 {
		t.Errorf("events = %v, want none", w.Store.Events)
	}
}

// What an earlier version stopped is looked at under the new one, and held until then.
func TestANewVersionLooksFirst(t *testing.T) {
	t.Parallel()
	w := fleet(many(3, newly, held("rule-breaker"))...)
	w.Store.Rules["web-tier"] = record.RuleBreaker{Policy: "web-tier", Trips: []record.Trip{{PolicyVersion: 1, At: fake.Start}}, Version: 1}
	if got := run(t, w); got.Asked != 0 || got.Lifted != 0 {
		t.Errorf("under the version that tripped: %+v, want nothing", got)
	}
	w.Store.PutPolicyText(fake.Policy("kernel is supported", "kernel is new"))
	if got := run(t, w); got.Asked != 3 || got.Lifted != 0 {
		t.Errorf("under a new version: %+v, want three looks and nothing lifted", got)
	}
	for id := range w.Store.ByID {
		w.Store.Change(id, func(m *record.Machine) { m.PolicyUsed = 2 })
	}
	run(t, w)
	if b := w.Store.Rules["web-tier"]; len(b.Trips) != 2 || b.Trips[1].PolicyVersion != 2 {
		t.Errorf("trips = %+v, want the new version to trip as well", b.Trips)
	}
	// One is left that fails: the new version stands.
	for n, id := range []string{"i-00000000000000000", "i-00000000000000001"} {
		w.Store.Put(fake.Machine(named(id), func(m *record.Machine) { m.PolicyUsed = 2 + n }))
	}
	w.Store.Rules["web-tier"] = record.RuleBreaker{Policy: "web-tier", Trips: []record.Trip{{PolicyVersion: 1, At: fake.Start}}, Version: 1}
	if got := run(t, w); got.Lifted != 1 || len(w.Store.Rules["web-tier"].Trips) != 0 {
		t.Errorf("%+v, trips %v, want the one lifted and the old trips gone", got, w.Store.Rules["web-tier"].Trips)
	}
}

// The most severe go first, and no more than there is room for.
func TestWhatTheBreakerHoldsIsStartedBySeverity(t *testing.T) {
	t.Parallel()
	worse := func(m *record.Machine) {
		m.Findings = append(m.Findings, policy.Finding{Rule: "another", Verdict: policy.Fail})
	}
	waiting := held("breaker-open")
	w := fleet(
		fake.Machine(fake.Bad, waiting, named("i-00000000000000001")), fake.Machine(fake.Bad, waiting, named("i-00000000000000002")),
		fake.Machine(fake.Bad, waiting, worse, named("i-00000000000000003")), fake.Machine(named("i-00000000000000004")),
	)
	h := newHandler(w)
	h.Limits.Machines, h.Limits.Percent = 2, 100
	sweep := func(now time.Time) Summary {
		t.Helper()
		got, err := h.Handle(t.Context(), now, Event{})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	w.Store.Counts.Spent = []record.Spent{{Machine: "i-x", At: fake.Start.Add(-time.Minute)}, {Machine: "i-y", At: fake.Start.Add(-30 * time.Minute)}}
	if got := sweep(fake.Start); got.Lifted != 0 {
		t.Errorf("without room: %+v", got)
	}
	if got := sweep(fake.Start.Add(30 * time.Minute)); got.Lifted != 1 {
		t.Errorf("with room for one: %+v", got)
	}
	if diff := cmp.Diff([]string{"states.Start i-00000000000000003-2-look-1"}, w.Made("states.Start")); diff != "" {
		t.Errorf("started (-want +got):\n%s", diff)
	}
	// It is on its way, and takes the room.
	if got := sweep(fake.Start.Add(35 * time.Minute)); got.Lifted != 0 {
		t.Errorf("while one is on its way: %+v", got)
	}
	if got := sweep(fake.Start.Add(59 * time.Minute)); got.Lifted != 1 {
		t.Errorf("with room for one more: %+v", got)
	}
	if made := w.Made("states.Start"); len(made) != 2 || made[1] != "states.Start i-00000000000000001-2-look-1" {
		t.Errorf("started %v", made)
	}
}

// A machine that is past its deadline and owed nothing keeps no other waiting.
func TestWhoIsNotOnItsWayTakesNoRoom(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*record.Machine){
		"its policy only notifies":     func(m *record.Machine) { m.Policy = "notifies" },
		"its policy cannot be read":    func(m *record.Machine) { m.Policy = "broken" },
		"it is stopped":                func(m *record.Machine) { m.State.FrozenSince = fake.Start },
		"it is gone":                   func(m *record.Machine) { m.State.GoneAt = fake.Start },
		"it is held for another cause": held("held-machine"),
		"it lost its key":              fake.Revoked,
		"its time is to come":          func(m *record.Machine) { m.State.DueAt = fake.Start.Add(time.Minute) },
	} {
		w := fleet(fake.Machine(fake.Bad, edit, named(fake.Other)), fake.Machine(fake.Bad, held("breaker-open")))
		w.Store.PutPolicyText("policy: broken\nrules: no list\n")
		w.Store.PutPolicyText(fake.Policy("web-tier", "notifies", "onFail: revoke\n  grace: 4h", "onFail: notify"))
		w.Store.Held["machine:"+fake.Other] = record.Hold{Scope: "machine:" + fake.Other}
		if got := run(t, w); got.Lifted != 1 {
			t.Errorf("%s: %+v, want the one that waits lifted", name, got)
		}
	}
	w := fleet(fake.Machine(fake.Bad, named(fake.Other)), fake.Machine(fake.Bad, held("breaker-open")))
	if got := run(t, w); got.Lifted != 0 || got.Started != 1 {
		t.Errorf("%+v, want the one on its way started alone", got)
	}
}

func TestTheBreakerCloses(t *testing.T) {
	t.Parallel()
	w := fleet(fake.Machine())
	w.Store.Counts.OpenSince, w.Store.Counts.ToldAt, w.Store.Counts.Openings = fake.Start.Add(-time.Hour), fake.Start.Add(-time.Hour), 1
	w.Store.Counts.Spent = []record.Spent{{Machine: fake.Other, At: fake.Start.Add(-time.Minute)}}
	run(t, w)
	if w.Store.Counts.OpenSince.IsZero() {
		t.Error("it closed without room")
	}
	sweepAt(t, w, fake.Start.Add(time.Hour))
	if b := w.Store.Counts; !b.OpenSince.IsZero() || len(w.Store.Events) != 1 || w.Store.Events[0].Kind != record.BreakerClosed {
		t.Errorf("breaker %+v, events %v, want it closed", b, w.Store.Events)
	}
	if len(w.Store.Waiting) != 0 {
		t.Errorf("outbox = %v, want no mail about it", w.Store.Waiting)
	}
}

func TestABreakerThatStaysOpenIsToldAgain(t *testing.T) {
	t.Parallel()
	w := fleet(fake.Machine(fake.Bad, held("breaker-open")))
	b := &w.Store.Counts
	b.OpenSince, b.ToldAt, b.Openings = fake.Start, fake.Start, 3
	b.Spent = []record.Spent{{Machine: fake.Other, At: fake.Start.Add(48 * time.Hour)}}
	sweepAt(t, w, fake.Start.Add(23*time.Hour))
	w.Never(t, "states.Start breaker")
	for range 2 {
		sweepAt(t, w, fake.Start.Add(24*time.Hour))
	}
	if diff := cmp.Diff([]string{"states.Start breaker-3-tell-breakerOpen-2"}, w.Made("states.Start breaker")); diff != "" {
		t.Errorf("mails (-want +got):\n%s", diff)
	}
	if e := w.Store.Events; len(e) != 1 || !strings.HasSuffix(e[0].Text, "1 machines wait") {
		t.Errorf("events = %v", e)
	}
}

func TestBreakersFail(t *testing.T) {
	t.Parallel()
	for _, failing := range []string{"store.Breaker", "store.RuleBreakers"} {
		w := with(fake.Bad)
		w.Fail(failing, fake.Down)
		_, err := newHandler(w).Handle(t.Context(), fake.Start, Event{})
		fake.Kind(t, err, fault.Transient)
		w.Never(t, "states.", "inspect.")
	}
	// What cannot be written keeps no other part from being done; who was quicker is no trouble.
	w := fleet(many(4, newly)...)
	w.Fail("store.ChangeBreaker", fake.Down)
	_, err := newHandler(w).Handle(t.Context(), fake.Start, Event{})
	fake.Kind(t, err, fault.Transient)
	w = fleet(many(4, newly)...)
	w.Before("store.ChangeBreaker", func() { w.Store.Rules["web-tier"] = record.RuleBreaker{Policy: "web-tier", Version: 7} })
	if got := run(t, w); len(w.Store.Events) != 0 {
		t.Errorf("%+v, events %v, want what was quicker to stand", got, w.Store.Events)
	}
}
