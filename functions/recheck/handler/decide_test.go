package handler

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

const execution = "i-1234567890abcdef0-2-enforce-1"

// answered stores what evaluate made of the look.
func answered(w *fake.World, v policy.Verdict, effects ...integrity.Effect) {
	w.Store.Said[fake.Command+" "+fake.ID] = record.Answer{
		Command: fake.Command, Machine: fake.ID, Verdict: v, Sent: fake.Start.Add(-30 * time.Second), JudgedAt: fake.Start,
		Presence: integrity.Running, Effects: effects,
	}
}

// due is a world in which every condition holds.
func due(edits ...func(*record.Machine)) *fake.World {
	w := at(edits...)
	answered(w, policy.Fail)
	return w
}

func decide(t *testing.T, w *fake.World) (enforcement.Decision, error) {
	t.Helper()
	out, err := newHandler(w).Handle(t.Context(), fake.Start, fake.Event[enforcement.Task](t, "recheck/decide.json"))
	return out.(enforcement.Decision), err
}

func decided(t *testing.T, w *fake.World, outcome guard.Outcome, reason guard.Reason) {
	t.Helper()
	got, err := decide(t, w)
	if err != nil || got.Outcome != string(outcome) || got.Reason != string(reason) || !strings.HasPrefix(got.Text, reason.Text()) {
		t.Errorf("decide = %+v, %v, want %s because %s", got, err, outcome, reason)
	}
	if outcome != guard.Revoke && len(w.Store.Changes) > 0 {
		t.Errorf("changes = %+v, want nothing written", w.Store.Changes)
	}
	w.Never(t, "kms.DisableKey", "kms.RevokeGrant", "kms.Grant keyward", "kms.EnableKey", "ses.", "states.")
}

func TestDecideReservesTheRevocation(t *testing.T) {
	t.Parallel()
	w := due()
	decided(t, w, guard.Revoke, guard.ReasonDue)
	m := w.Store.ByID[fake.ID]
	want := record.Taken{
		Generation: 2, Mode: policy.RevokeGrant, KeyARN: fake.KeyARN, Grants: []string{"grant-1"}, Grantee: fake.Session, IntentAt: fake.Start,
		Waivers: fake.Unrevised(),
	}
	if m.State.Key != integrity.KeyRevoking || m.Taken == nil || !reflect.DeepEqual(*m.Taken, want) {
		t.Errorf("machine %+v, taken %+v, want %+v", m.State, m.Taken, want)
	}
	c := w.Store.Changes[0]
	if diff := cmp.Diff(record.Scopes(fake.ID, "web-tier"), c.NotHeld); diff != "" || len(w.Store.Changes) != 1 {
		t.Errorf("holds that the transaction asks (-want +got):\n%s", diff)
	}
	lease := record.Lease{
		Name: record.LeaseName(policy.RevokeGrant, fake.KeyARN, fake.ID), Holder: record.LeaseHolder("revoke", fake.ID, 2), Until: fake.Start.Add(leaseFor),
	}
	if c.TakeLease == nil || *c.TakeLease != lease {
		t.Errorf("lease = %+v, want %+v", c.TakeLease, lease)
	}
	if len(c.Ledger) != 1 || c.Ledger[0].Kind != record.EntryIntent || c.Ledger[0].Execution != execution {
		t.Errorf("ledger = %+v, want the intent", c.Ledger)
	}
}

func TestDecideWhatIsTaken(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		edit func(*record.Machine)
		keys func(*fake.Keys)
		want record.Taken
	}{
		{"its own grant among others", func(*record.Machine) {}, func(k *fake.Keys) {
			k.Listed[fake.KeyARN] = append([]kmskey.Grant{{ID: "other", Grantee: fake.Session}}, k.Listed[fake.KeyARN]...)
		}, record.Taken{Mode: policy.RevokeGrant, Grants: []string{"grant-1"}, Grantee: fake.Session}},
		{"a grant that no record names", func(m *record.Machine) {}, func(k *fake.Keys) {
			k.Listed[fake.KeyARN] = []kmskey.Grant{
				{ID: "unrecorded", Name: "keyward-" + fake.ID + "-1", Grantee: fake.Session}, {ID: "grant-1", Grantee: fake.Session}, {ID: "by-hand", Grantee: fake.Session},
			}
		}, record.Taken{Mode: policy.RevokeGrant, Grants: []string{"unrecorded", "grant-1"}, Grantee: fake.Session}},
		{"what an earlier revocation took", func(m *record.Machine) {
			fake.Disable(m)
			m.Taken = &record.Taken{Generation: 1, Mode: policy.DisableKey, KeyARN: fake.KeyARN}
		}, func(k *fake.Keys) { k.State(fake.KeyARN, "Disabled") }, record.Taken{Mode: policy.DisableKey, Grantee: fake.Session}},
		{"a grant that KMS does not list", func(*record.Machine) {}, func(k *fake.Keys) { k.Listed[fake.KeyARN] = nil },
			record.Taken{Mode: policy.RevokeGrant, Grants: []string{"grant-1"}, Grantee: fake.Session, HadNone: true}},
		{"the key", func(m *record.Machine) { fake.Disable(m) }, func(*fake.Keys) {},
			record.Taken{Mode: policy.DisableKey, Grantee: fake.Session}},
		{"a key that is disabled already", func(m *record.Machine) { fake.Disable(m) }, func(k *fake.Keys) { k.State(fake.KeyARN, "Disabled") },
			record.Taken{Mode: policy.DisableKey, Grantee: fake.Session, HadNone: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := due()
			w.Store.Change(fake.ID, tt.edit)
			tt.keys(w.Keys)
			decided(t, w, guard.Revoke, guard.ReasonDue)
			tt.want.Generation, tt.want.KeyARN, tt.want.IntentAt, tt.want.Waivers = 2, fake.KeyARN, fake.Start, fake.Unrevised()
			if got := *w.Store.ByID[fake.ID].Taken; !reflect.DeepEqual(got, tt.want) {
				t.Errorf("taken = %+v, want %+v", got, tt.want)
			}
		})
	}
}

// Each condition alone keeps the key where it is.
func TestEveryConditionHolds(t *testing.T) {
	t.Parallel()
	set := func(scope record.Scope) func(*fake.World) {
		return func(w *fake.World) { w.Store.Held[scope] = record.Hold{Scope: scope} }
	}
	change := func(edit func(*record.Machine)) func(*fake.World) {
		return func(w *fake.World) { w.Store.Change(fake.ID, edit) }
	}
	calendar := func(c guard.Calendar) func(*fake.World) {
		return func(w *fake.World) {
			w.Store.PutPolicyText(fake.Policy("grace: 4h", "grace: 4h\n  calendar: [month-end]"))
			w.Calendars.Named["month-end"] = c
		}
	}
	unread := func(n int) func(*fake.World) {
		return func(w *fake.World) { w.Fail("store.HoldsOn", append(make([]error, n), fake.Down)...) }
	}
	tests := []struct {
		name    string
		make    func(*fake.World)
		outcome guard.Outcome
		reason  guard.Reason
	}{
		{"the policy cannot be read", func(w *fake.World) { w.Fail("store.Policy", fake.Down) }, guard.Hold, guard.ReasonPolicyUnread},
		{"the policy does not compile", func(w *fake.World) { w.Store.PutPolicyText("policy: web-tier\nrules: no list\n") }, guard.Hold, guard.ReasonPolicyUnread},
		{"the policy is gone", func(w *fake.World) { delete(w.Store.ByName, "web-tier") }, guard.Hold, guard.ReasonPolicyChanged},
		{"the policy only notifies now", func(w *fake.World) {
			w.Store.PutPolicyText(fake.Policy("onFail: revoke\n  grace: 4h", "onFail: notify"))
		}, guard.Hold, guard.ReasonPolicyChanged},
		{"nobody was warned", change(func(m *record.Machine) { m.State.WarnedAt, m.State.DueAt = time.Time{}, time.Time{} }), guard.Hold, guard.ReasonNotWarned},
		{"the machine is stopped", change(func(m *record.Machine) { m.State.FrozenSince = fake.Start }), guard.Hold, guard.ReasonStopped},
		{"we cannot look", change(func(m *record.Machine) { m.State.FrozenSince, m.State.BlindSince = fake.Start, fake.Start }), guard.Hold, guard.ReasonBlind},
		{"it is not known whether it complies", func(w *fake.World) {
			answered(w, policy.Unknown)
			w.Store.Change(fake.ID, func(m *record.Machine) { m.State.LastVerdict = "Unknown" })
		}, guard.Hold, guard.ReasonUnknown},
		{"a newer inspection passed", change(func(m *record.Machine) { m.State.LastVerdict = "Pass" }), guard.Hold, guard.ReasonOvertaken},
		{"the answer is old", func(w *fake.World) {
			a := w.Store.Said[fake.Command+" "+fake.ID]
			a.Sent = fake.Start.Add(-16 * time.Minute)
			w.Store.Said[fake.Command+" "+fake.ID] = a
		}, guard.Hold, guard.ReasonStale},
		{"everything is held", set("global"), guard.Hold, guard.ReasonHeldGlobal},
		{"the policy is held", set("policy:web-tier"), guard.Hold, guard.ReasonHeldPolicy},
		{"the machine is held", set("machine:" + fake.ID), guard.Hold, guard.ReasonHeldMachine},
		{"the global hold cannot be read", unread(0), guard.Hold, guard.ReasonHoldsUnread},
		{"the policy's hold cannot be read", unread(1), guard.Hold, guard.ReasonHoldsUnread},
		{"the machine's hold cannot be read", unread(2), guard.Hold, guard.ReasonHoldsUnread},
		{"a change calendar is closed", calendar(guard.Calendar{Read: true}), guard.Hold, guard.ReasonCalendarClosed},
		{"a change calendar cannot be read", func(w *fake.World) {
			calendar(guard.Calendar{Read: true, Open: true})(w)
			w.Fail("ssm.Calendar", fake.Down)
		}, guard.Hold, guard.ReasonCalendarUnread},
		{"a change calendar is open", calendar(guard.Calendar{Read: true, Open: true}), guard.Revoke, guard.ReasonDue},
		{"a waiver covers it", func(w *fake.World) { w.Store.Waive(fake.Waiver()) }, guard.Hold, guard.ReasonWaived},
		{"waivers cannot be read", func(w *fake.World) { w.Fail("store.WaiversOn", fake.Down) }, guard.Hold, guard.ReasonWaiversUnread},
		{"the machine's waivers cannot be read", func(w *fake.World) { w.Fail("store.WaiversOn", nil, nil, fake.Down) }, guard.Hold, guard.ReasonWaiversUnread},
		{"one waiver cannot be read", func(w *fake.World) { w.Store.Garbled["global"] = 1 }, guard.Hold, guard.ReasonWaiversUnread},
		{"one cannot be read, and another covers it", func(w *fake.World) {
			w.Store.Waive(fake.Waiver())
			w.Store.Garbled["policy:web-tier"] = 1
		}, guard.Hold, guard.ReasonWaiversUnread},
		{"the key cannot be read", func(w *fake.World) { w.Fail("kms.Key", fake.Down) }, guard.Hold, guard.ReasonKeyUnread},
		{"the key is not guarded", func(w *fake.World) { w.Keys.Set(fake.KeyARN, func(k *kmskey.Key) { k.Guarded = false }) }, guard.Hold, guard.ReasonNotGuarded},
		{"another generation", change(func(m *record.Machine) { m.State.Generation = 3 }), guard.Superseded, guard.ReasonGeneration},
		{"revoked already", change(func(m *record.Machine) { m.State.Key = integrity.KeyRevoked }), guard.Superseded, guard.ReasonRevoked},
		{"good", change(func(m *record.Machine) { m.State.Standing = integrity.Good }), guard.Superseded, guard.ReasonNotBad},
		{"not due", change(func(m *record.Machine) { m.State.DueAt = fake.Start.Add(time.Second) }), guard.Extended, guard.ReasonNotDue},
		{"looked at too early", change(func(m *record.Machine) { m.State.DueAt = fake.Start.Add(-time.Second) }), guard.Extended, guard.ReasonLookEarly},
		{"no answer yet", func(w *fake.World) { clear(w.Store.Said) }, guard.Waiting, guard.ReasonAwaiting},
		{"corrected at this look", func(w *fake.World) {
			answered(w, policy.Pass, integrity.StandDown)
			w.Store.Change(fake.ID, func(m *record.Machine) { m.State.Standing, m.State.Generation = integrity.Good, 3 })
		}, guard.StandDown, guard.ReasonCorrected},
		{"corrected, says a look of this execution that was asked for again", func(w *fake.World) {
			answered(w, policy.Pass)
			w.Store.Change(fake.ID, func(m *record.Machine) {
				m.State.Standing, m.State.Generation, m.StoodDown = integrity.Good, 3, execution
			})
		}, guard.StandDown, guard.ReasonCorrected},
		{"corrected, says a look of another execution", func(w *fake.World) {
			answered(w, policy.Pass)
			w.Store.Change(fake.ID, func(m *record.Machine) {
				m.State.Standing, m.State.Generation, m.StoodDown = integrity.Good, 3, execution+"0"
			})
		}, guard.Superseded, guard.ReasonGeneration},
		{"the tags were changed", func(w *fake.World) {
			w.Store.Change(fake.ID, func(m *record.Machine) { m.Drift = []string{"owner"} })
		}, guard.Hold, guard.ReasonTagDrift},
		{"gone", change(func(m *record.Machine) { m.State.GoneAt = fake.Start }), guard.Withdraw, guard.ReasonGone},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := due()
			tt.make(w)
			decided(t, w, tt.outcome, tt.reason)
		})
	}
}

func TestExpiredHoldStopsNothing(t *testing.T) {
	t.Parallel()
	w := due()
	w.Store.Held["global"] = record.Hold{Scope: "global", Expires: fake.Start}
	decided(t, w, guard.Revoke, guard.ReasonDue)
}

func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	w := at()
	task := fake.Event[enforcement.Task](t, "recheck/decide.json")
	task.Input.Look.AskedAt = fake.Start.Add(-answerWithin - time.Second)
	out, err := newHandler(w).Handle(t.Context(), fake.Start, task)
	if d := out.(enforcement.Decision); err != nil || d.Outcome != "hold" || d.Reason != string(guard.ReasonNoAnswer) {
		t.Errorf("decide = %+v, %v, want hold: nobody answered", d, err)
	}
	task.Input.Look = nil
	out, err = newHandler(w).Handle(t.Context(), fake.Start, task)
	if d := out.(enforcement.Decision); err != nil || d.Outcome != "hold" {
		t.Errorf("without a look: decide = %+v, %v, want hold", d, err)
	}
}

// Between weighing and writing somebody changes the machine, or sets a hold: it is weighed again.
func TestConflictWhileReserving(t *testing.T) {
	t.Parallel()
	w := due()
	w.Before("store.Apply", func() { w.Store.Change(fake.ID, func(m *record.Machine) { m.Name = "renamed" }) })
	decided(t, w, guard.Revoke, guard.ReasonDue)
	w.Times(t, "store.Apply", 2)

	w = due()
	w.Before("store.Apply", func() {
		w.Store.Change(fake.ID, func(m *record.Machine) { m.State.Standing, m.State.Generation = integrity.Good, 3 })
	})
	decided(t, w, guard.Superseded, guard.ReasonGeneration)

	w = due()
	w.Before("store.Apply", func() { w.Store.Held["global"] = record.Hold{Scope: "global"} })
	decided(t, w, guard.Hold, guard.ReasonHeldGlobal)
	w.Times(t, "store.Apply", 1)
}

// Without a written intent nothing is taken.
func TestIntentThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	w := due()
	w.Store.Leases[record.LeaseName(policy.RevokeGrant, fake.KeyARN, fake.ID)] = record.Lease{Holder: "restore", Until: fake.Start.Add(time.Second)}
	got, err := decide(t, w)
	if err != nil || got.Outcome != string(guard.Hold) || got.Reason != string(guard.ReasonNotWritten) {
		t.Errorf("decide = %+v, %v, want hold because the intent is not written", got, err)
	}
	w.Times(t, "store.Apply", 5)
	if m := w.Store.ByID[fake.ID]; m.State.Key != integrity.KeyReleased || m.Taken != nil {
		t.Errorf("machine = %+v, want nothing reserved", m)
	}
}

// An attempt wrote the intent and was cut off: it stands, is not written twice, and what guards it is
// asked again.
func TestIntentOfAnAttemptThatWasCutOff(t *testing.T) {
	t.Parallel()
	cut := func() *fake.World {
		w := due(fake.Revoking)
		w.Store.Leases[record.LeaseName(policy.RevokeGrant, fake.KeyARN, fake.ID)] = record.Lease{
			Holder: record.LeaseHolder("revoke", fake.ID, 2), Until: fake.Start.Add(time.Second),
		}
		return w
	}
	w := cut()
	decided(t, w, guard.Revoke, guard.ReasonDue)
	if len(w.Store.Entries) > 0 || w.Store.ByID[fake.ID].Taken.Grants[0] != "grant-0" {
		t.Errorf("ledger %v, taken %+v, want the intent as it was", w.Store.Entries, w.Store.ByID[fake.ID].Taken)
	}
	if l := w.Store.Leases[record.LeaseName(policy.RevokeGrant, fake.KeyARN, fake.ID)]; !l.Until.Equal(fake.Start.Add(leaseFor)) {
		t.Errorf("lease = %+v, want it renewed", l)
	}
	w = cut()
	w.Before("store.Apply", func() { w.Store.Held["global"] = record.Hold{Scope: "global"} })
	decided(t, w, guard.Hold, guard.ReasonHeldGlobal)
}

func TestDecideFails(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"store.Machine", "store.Answer", "kms.Grants", "store.Apply"} {
		w := due()
		w.Fail(call, fake.Down)
		_, err := decide(t, w)
		fake.Kind(t, err, fault.Transient)
		if m := w.Store.ByID[fake.ID]; m.State.Key == integrity.KeyRevoking {
			t.Errorf("%s fails: an intent was written", call)
		}
	}
}
