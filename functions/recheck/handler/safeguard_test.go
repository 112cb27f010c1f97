package handler

import (
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

const names = "\n  safeguard: {mounts: [/data], lockWithin: 15m}"

// under is a due world whose policy says more of the key, asked by an execution that can carry it out.
func under(t *testing.T, key string, edits ...func(*enforcement.Task)) (*fake.World, enforcement.Decision) {
	t.Helper()
	w := due()
	w.Store.PutPolicyText(fake.Policy("key: {mode: revoke-grant}", "key: {mode: revoke-grant, "+key))
	task := fake.Event[enforcement.Task](t, "recheck/decide.json")
	task.Safeguards = true
	for _, e := range edits {
		e(&task)
	}
	out, err := newHandler(w).Handle(t.Context(), fake.Start, task)
	if err != nil {
		t.Fatal(err)
	}
	return w, out.(enforcement.Decision)
}

func snapped(outcome string, age time.Duration) func(*enforcement.Task) {
	return func(t *enforcement.Task) {
		t.Input.Snapshot = &enforcement.Safeguarded{Outcome: outcome, At: fake.Start.Add(-age)}
	}
}

func TestDecideWhatComesBefore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		key    string
		edit   func(*enforcement.Task)
		want   string
		effect string
	}{
		"a snapshot":           {"snapshot: true}", nil, "snapshot", ""},
		"it is done":           {"snapshot: true}", snapped("done", time.Minute), "revoke", ""},
		"the policy goes on":   {"snapshot: true}", snapped("goOn", time.Minute), "revoke", ""},
		"it failed":            {"snapshot: true}", snapped("failed", time.Minute), "snapshot", ""},
		"it is old":            {"snapshot: true}", snapped("done", 4*time.Hour), "snapshot", ""},
		"a lock":               {"lock: true}" + names, nil, "lock", ""},
		"both, snapshot first": {"lock: true, snapshot: true}" + names, nil, "snapshot", ""},
		"both, then the lock":  {"lock: true, snapshot: true}" + names, snapped("done", time.Minute), "lock", ""},
		"a stop":               {"effect: stop}", nil, "revoke", "stop"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			edit := c.edit
			if edit == nil {
				edit = func(*enforcement.Task) {}
			}
			w, got := under(t, c.key, edit)
			if got.Outcome != c.want || (got.Outcome != "snapshot" && got.Effect != c.effect) {
				t.Errorf("decide = %+v, want %s, effect %q", got, c.want, c.effect)
			}
			reserved := w.Store.ByID[fake.ID].State.Key == integrity.KeyRevoking
			if reserved != (c.want != "snapshot") {
				t.Errorf("reserved %t after %s: a snapshot comes before the intent, everything else after", reserved, c.want)
			}
		})
	}
}

// locked is a world in which the machine was put at rest after the intent was written, and is decided on again.
func locked(t *testing.T, outcome string, edits ...func(*fake.World, *enforcement.Task)) (*fake.World, enforcement.Decision) {
	t.Helper()
	w, first := under(t, "lock: true}"+names)
	if first.Outcome != "lock" {
		t.Fatalf("decide = %+v, want lock", first)
	}
	task := fake.Event[enforcement.Task](t, "recheck/decide.json")
	task.Safeguards, task.Input.Lock = true, &enforcement.Safeguarded{Outcome: outcome, At: fake.Start}
	for _, e := range edits {
		e(w, &task)
	}
	out, err := newHandler(w).Handle(t.Context(), fake.Start, task)
	if err != nil {
		t.Fatal(err)
	}
	return w, out.(enforcement.Decision)
}

func TestDecideAgainAfterALock(t *testing.T) {
	t.Parallel()
	answered := func(age time.Duration) func(*fake.World, *enforcement.Task) {
		return func(w *fake.World, task *enforcement.Task) {
			task.Input.Look.AskedAt = task.Input.Look.AskedAt.Add(-age)
			for id, a := range w.Store.Said {
				a.Sent = a.Sent.Add(-age)
				w.Store.Said[id] = a
			}
			m := w.Store.ByID[fake.ID]
			m.State.DueAt = m.State.DueAt.Add(-age)
			w.Store.Put(m)
		}
	}
	for name, c := range map[string]struct {
		outcome string
		edit    func(*fake.World, *enforcement.Task)
		want    string
		reason  guard.Reason
	}{
		"nothing changed":            {"locked", nil, "revoke", guard.ReasonDue},
		"the policy goes on without": {"goOn", nil, "revoke", guard.ReasonDue},
		"the lock took long":         {"locked", answered(25 * time.Minute), "revoke", guard.ReasonDue},
		"longer than it may":         {"locked", answered(90 * time.Minute), "hold", guard.ReasonStale},
		"a hold": {"locked", func(w *fake.World, _ *enforcement.Task) {
			w.Store.Held["global"] = record.Hold{Scope: "global", Reason: "wait"}
		}, "hold", guard.ReasonHeldGlobal},
		"no sweep lately": {"locked", func(w *fake.World, _ *enforcement.Task) { w.Store.Watched.SweptAt = fake.Start.Add(-time.Hour) }, "hold", guard.ReasonController},
		"a later deadline": {"locked", func(w *fake.World, _ *enforcement.Task) {
			m := w.Store.ByID[fake.ID]
			m.State.DueAt = fake.Start.Add(time.Hour)
			w.Store.Put(m)
		}, "hold", guard.ReasonController},
		"a newer generation": {"locked", func(w *fake.World, _ *enforcement.Task) {
			m := w.Store.ByID[fake.ID]
			m.State.Generation++
			w.Store.Put(m)
		}, "superseded", guard.ReasonGeneration},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			edit := c.edit
			if edit == nil {
				edit = func(*fake.World, *enforcement.Task) {}
			}
			w, got := locked(t, c.outcome, edit)
			if got.Outcome != c.want || got.Reason != string(c.reason) {
				t.Errorf("decide = %+v, want %s for %s", got, c.want, c.reason)
			}
			if spent := len(w.Store.Counts.Spent); spent != 1 {
				t.Errorf("the revocation counts %d times in the breaker, want once", spent)
			}
		})
	}
}

// Nobody else works on the access while the machine is locked.
func TestTheLeaseCoversTheLock(t *testing.T) {
	t.Parallel()
	w, _ := under(t, "lock: true}"+names)
	l := w.Store.Leases[record.LeaseName(policy.RevokeGrant, fake.KeyARN, fake.ID)]
	if least := fake.Start.Add(leaseFor + 30*time.Minute); l.Until.Before(least) {
		t.Errorf("the lease lasts until %v, want at least %v", l.Until, least)
	}
}

// An execution of an earlier version does not know these outcomes: it is held, and a later one does it.
func TestOutdatedExecution(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"snapshot: true}", "lock: true}" + names, "effect: stop}"} {
		w, got := under(t, key, func(t *enforcement.Task) { t.Safeguards = false })
		if got.Outcome != string(guard.Hold) || got.Reason != string(guard.ReasonOutdated) || got.Text == "" || len(w.Store.Changes) > 0 {
			t.Errorf("%s: decide = %+v, changes %v", key, got, w.Store.Changes)
		}
	}
	// Under a policy without any of it, it goes on as ever.
	w := due()
	decided(t, w, guard.Revoke, guard.ReasonDue)
}

func TestHoldReasonsOfSafeguards(t *testing.T) {
	t.Parallel()
	failed := &enforcement.Safeguarded{Outcome: "failed", Text: "mount /data is mounted (exit_32)"}
	fine := &enforcement.Safeguarded{Outcome: "unlocked"}
	for name, c := range map[string]struct {
		state enforcement.State
		want  guard.Reason
	}{
		"snapshot":                      {enforcement.State{Snapshot: failed}, guard.ReasonNoSnapshot},
		"lock, brought back":            {enforcement.State{Lock: failed, Unlock: fine}, guard.ReasonNotLocked},
		"lock, not brought back":        {enforcement.State{Lock: failed, Unlock: failed}, guard.ReasonNotUnlocked},
		"not revoked, brought back":     {enforcement.State{Confirmation: &enforcement.Confirmation{Outcome: "notRevoked"}, Lock: &enforcement.Safeguarded{Outcome: "goOn"}, Unlock: fine}, guard.ReasonNotRevoked},
		"not revoked, not brought back": {enforcement.State{Confirmation: &enforcement.Confirmation{Outcome: "notRevoked"}, Unlock: failed}, guard.ReasonNotUnlocked},
	} {
		if got := holdReason(c.state); got != c.want {
			t.Errorf("%s: holdReason = %s, want %s", name, got, c.want)
		}
	}
	// The look after a snapshot is one like any other: an outage of ours during it is told as such.
	broken := enforcement.State{Decision: &enforcement.Decision{Outcome: "snapshot"}, Error: &enforcement.Error{Error: "Transient"}}
	if got := holdReason(broken); got != guard.ReasonTaskFailed {
		t.Errorf("a snapshot that broke off: holdReason = %s", got)
	}
	broken.Snapshot = &enforcement.Safeguarded{Outcome: "done"}
	if got := holdReason(broken); got != guard.ReasonBlind {
		t.Errorf("the look after it broke off: holdReason = %s", got)
	}
	if got := cause(enforcement.State{Lock: failed}); got != failed.Text {
		t.Errorf("cause = %q", got)
	}
}

// What could not be brought back is told though something newer happened to the machine; nothing is changed.
func TestNotUnlockedIsToldWhateverCame(t *testing.T) {
	t.Parallel()
	w := at(func(m *record.Machine) { m.State.Generation = 9 })
	task := fake.Event[enforcement.Task](t, "recheck/hold.json")
	task.Input.Unlock = &enforcement.Safeguarded{Outcome: "failed", Text: "mount /data is unmounted"}
	out, err := newHandler(w).Handle(t.Context(), fake.Start, task)
	got := out.(enforcement.Decision)
	if err != nil || got.Outcome != string(guard.Hold) || got.Reason != string(guard.ReasonNotUnlocked) || len(w.Store.Changes) > 0 {
		t.Errorf("hold = %+v, %v, changes %v", got, err, w.Store.Changes)
	}
}
