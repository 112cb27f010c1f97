package handler

import (
	"testing"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// Between weighing and writing a person allows what the machine fails by, or something else: the one
// transaction refuses, and it is weighed again with what is known then.
func TestWaiversSetWhileReserving(t *testing.T) {
	t.Parallel()
	otherPort := func(w *record.Waiver) { w.Values = []string{"tcp/80, /usr/bin/nc"} }
	for name, tt := range map[string]struct {
		waiver  record.Waiver
		outcome guard.Outcome
		reason  guard.Reason
	}{
		"for this finding":                  {fake.Waiver(), guard.Hold, guard.ReasonWaived},
		"for this finding, on all machines": {fake.Waiver(func(w *record.Waiver) { w.Scope, w.Policy = "global", "" }), guard.Hold, guard.ReasonWaived},
		"for something else":                {fake.Waiver(otherPort), guard.Revoke, guard.ReasonDue},
		"for another machine":               {fake.Waiver(func(w *record.Waiver) { w.Scope = "machine:" + fake.Other }), guard.Revoke, guard.ReasonDue},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := due()
			w.Before("store.Apply", func() { w.Store.Waive(tt.waiver) })
			decided(t, w, tt.outcome, tt.reason)
		})
	}
	w := due()
	w.Store.Waive(fake.Waiver())
	w.Before("store.WaiversOn", func() { // lifted before it is read
		w.Store.Waive(fake.Waiver(func(w *record.Waiver) { w.Lifted = &record.Lift{At: fake.Start} }))
	})
	decided(t, w, guard.Revoke, guard.ReasonDue)
	if r := w.Store.ByID[fake.ID].Taken.Waivers[2]; r.Number != 2 {
		t.Errorf("the intent was written at revision %+v, want the second", r)
	}
}

func TestWaiversThatStopNothing(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*record.Waiver){
		"expired":                            func(w *record.Waiver) { w.Expires = fake.Start },
		"lifted":                             func(w *record.Waiver) { w.Lifted = &record.Lift{At: fake.Start} },
		"another value":                      func(w *record.Waiver) { w.Values = []string{"system kernel 4.18.0"} },
		"another rule":                       func(w *record.Waiver) { w.Rule = "kernel" },
		"a policy that it is not under":      func(w *record.Waiver) { w.Policy = "db" },
		"tags that it was not enrolled with": func(w *record.Waiver) { w.Scope, w.Tags = "global", map[string]string{"tier": "web"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := due()
			w.Store.Waive(fake.Waiver(edit))
			decided(t, w, guard.Revoke, guard.ReasonDue)
		})
	}
}

// Before the answer to the look is there nothing is weighed, and waivers need not be read.
func TestWaiversAreReadWithTheAnswer(t *testing.T) {
	t.Parallel()
	w := due()
	clear(w.Store.Said)
	w.Always("store.WaiversOn", fake.Down)
	decided(t, w, guard.Waiting, guard.ReasonAwaiting)
}

// An attempt wrote the intent and was cut off, and a waiver for something else was set since: the order
// asks for the waivers of now, not of then.
func TestIntentOfOldWaivers(t *testing.T) {
	t.Parallel()
	w := due(fake.Revoking)
	w.Store.Change(fake.ID, func(m *record.Machine) { m.Taken.Waivers = fake.Unrevised() })
	w.Store.Waive(fake.Waiver(func(w *record.Waiver) { w.Values = []string{"something else"} }))
	decided(t, w, guard.Revoke, guard.ReasonDue)
	if m := w.Store.ByID[fake.ID]; m.State.Key != integrity.KeyRevoking || m.Taken.Waivers[2].Number != 1 {
		t.Errorf("taken = %+v, want the revision of now", m.Taken)
	}
}

// Named incident: a controller that could not tell whether a resource was excluded acted on it. Here doubt
// about a waiver holds, whatever else says that the key may go, and whatever the waivers that can be read say.
func TestDoubtAboutWaiverHolds(t *testing.T) {
	t.Parallel()
	doubts := map[string]func(*fake.World){
		"DynamoDB does not answer":        func(w *fake.World) { w.Always("store.WaiversOn", fake.Down) },
		"a row on the machine is garbled": func(w *fake.World) { w.Store.Garbled["machine:"+fake.ID] = 1 },
		"a row on its policy is garbled":  func(w *fake.World) { w.Store.Garbled["policy:web-tier"] = 1 },
		"a row on everything is garbled":  func(w *fake.World) { w.Store.Garbled["global"] = 1 },
	}
	for name, doubt := range doubts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := due()
			doubt(w)
			decided(t, w, guard.Hold, guard.ReasonWaiversUnread)
			w = due(func(m *record.Machine) { m.State.Silence, m.State.LastVerdict = true, "Unknown" })
			answered(w, policy.Unknown)
			w.Store.PutPolicyText(fake.Policy("confirm: 1", "confirm: 1\n  silence: {then: revoke}"))
			doubt(w)
			decided(t, w, guard.Hold, guard.ReasonWaiversUnread)
		})
	}
	w := due() // and doubt about another machine's is none about this one's
	w.Store.Garbled["machine:"+fake.Other] = 1
	decided(t, w, guard.Revoke, guard.ReasonDue)
}
