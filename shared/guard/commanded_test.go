package guard_test

import (
	"testing"
	"time"

	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// commanded are facts of a machine in order whose key a person ordered to be taken, and at which nobody looked.
func commanded(f *guard.Facts) {
	f.State = integrity.State{
		Standing: integrity.Good, Key: integrity.KeyReleased, Generation: 7, LastVerdict: "Pass", LastEvidence: now.Add(-20 * time.Hour), CommandedAt: now.Add(-30 * time.Second),
	}
	f.Look, f.Waivers = guard.Look{}, guard.Waivers{}
	f.Watch, f.Fleet, f.Rule = guard.Watch{}, guard.Fleet{Doubtful: true}, guard.Rule{Tripped: true}
	f.Policy.Terms.OnFail = policy.ActNotify
}

// What the machine did, who was told and how it was looked at is no matter of a person's order; everything else is.
func TestAPersonsOrderIsWeighed(t *testing.T) {
	t.Parallel()
	for _, tt := range []row{
		{"in order", func(*guard.Facts) {}, guard.Revoke, guard.ReasonCommanded},
		{"it fails and its grace runs", func(f *guard.Facts) {
			f.State.Standing, f.State.WarnedAt, f.State.DueAt = integrity.Bad, now, now.Add(time.Hour)
		}, guard.Revoke, guard.ReasonCommanded},
		{"stopped", func(f *guard.Facts) { f.State.FrozenSince = now }, guard.Revoke, guard.ReasonCommanded},
		{"its key changed often today", func(f *guard.Facts) { f.State.Changes = flapped }, guard.Revoke, guard.ReasonCommanded},
		{"an intent that was cut off", func(f *guard.Facts) { f.State.Key = integrity.KeyRevoking }, guard.Revoke, guard.ReasonCommanded},
		{"revoked already", func(f *guard.Facts) { f.State.Key = integrity.KeyRevoked }, guard.Superseded, guard.ReasonRevoked},
		{"of another generation", func(f *guard.Facts) { f.Generation = 6 }, guard.Superseded, guard.ReasonGeneration},
		{"gone", func(f *guard.Facts) { f.State.GoneAt = now }, guard.Withdraw, guard.ReasonGone},
		{"no order any more", func(f *guard.Facts) { f.State.CommandedAt = time.Time{} }, guard.Superseded, guard.ReasonNotBad},
		{"its policy cannot be read", func(f *guard.Facts) { f.Policy.Read = false }, guard.Hold, guard.ReasonPolicyUnread},
		{"a hold", func(f *guard.Facts) { f.Holds.Policy.Set = true }, guard.Hold, guard.ReasonHeldPolicy},
		{"holds that cannot be read", func(f *guard.Facts) { f.Holds.Global.Read = false }, guard.Hold, guard.ReasonHoldsUnread},
		{"a calendar that cannot be read", func(f *guard.Facts) { f.Policy.Terms.Calendars = []string{"month-end"} }, guard.Hold, guard.ReasonCalendarUnread},
		{"tags that say something else", func(f *guard.Facts) { f.Drift = []string{"keyward:key"} }, guard.Hold, guard.ReasonTagDrift},
		{"a key that cannot be read", func(f *guard.Facts) { f.Key.Read = false }, guard.Hold, guard.ReasonKeyUnread},
		{"a key that is not guarded", func(f *guard.Facts) { f.Key.Guarded = false }, guard.Hold, guard.ReasonNotGuarded},
		{"others use the key", func(f *guard.Facts) { f.Key.Dependants = record.Dependants{Read: true, Others: []string{"a grant"}} }, guard.Hold, guard.ReasonKeyShared},
		{"no room", func(f *guard.Facts) { f.Breaker.Used = 5 }, guard.Hold, guard.ReasonBreakerOpen},
		{"a breaker that cannot be read", func(f *guard.Facts) { f.Breaker.Read = false }, guard.Hold, guard.ReasonBreakerUnread},
	} {
		f := due(commanded, tt.change)
		got := guard.Weigh(f, now)
		if got.Outcome != tt.outcome || got.Reason != tt.reason {
			t.Errorf("%s: %s because %s, want %s because %s", tt.name, got.Outcome, got.Reason, tt.outcome, tt.reason)
		}
		stops := guard.Stops(f, now)
		if held := got.Outcome == guard.Hold; held != (len(stops) > 0) && got.Outcome != guard.Superseded || held && stops[0] != tt.reason {
			t.Errorf("%s: it would be stopped by %v, want %s", tt.name, stops, tt.reason)
		}
	}
}
