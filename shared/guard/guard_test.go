package guard_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

var now = time.Date(2025, 3, 3, 12, 0, 30, 0, time.UTC)

// due are facts under which a revocation goes on: everything holds.
func due(change ...func(*guard.Facts)) guard.Facts {
	dueAt := now.Add(-time.Minute)
	f := guard.Facts{
		Generation: 7,
		State: integrity.State{
			Standing: integrity.Bad, Key: integrity.KeyReleased, Generation: 7, LastVerdict: "Fail",
			LastEvidence: now.Add(-30 * time.Second), WarnedAt: dueAt.Add(-4 * time.Hour), DueAt: dueAt,
		},
		Policy: guard.Policy{Read: true, Terms: policy.Integrity{OnFail: policy.ActRevoke, SilenceThen: policy.ActHold}},
		Look: guard.Look{
			AskedAt: now.Add(-30 * time.Second), AnswerBy: now.Add(time.Minute), Answered: true, Verdict: policy.Fail,
			Sent: now.Add(-30 * time.Second), Presence: integrity.Running,
		},
		Watch: guard.Watch{Read: true, SweptAt: now.Add(-guard.WatchLimit)}, Fleet: guard.Fleet{Read: true},
		Holds:   guard.Holds{Machine: guard.Stop{Read: true}, Policy: guard.Stop{Read: true}, Global: guard.Stop{Read: true}},
		Waivers: guard.Waivers{Read: true},
		Key:     guard.Key{Read: true, Guarded: true, Mode: policy.DisableKey, Dependants: record.Dependants{Read: true}},
		Rule:    guard.Rule{Read: true}, Breaker: guard.Breaker{Read: true, Limit: 5, Used: 4},
	}
	for _, c := range change {
		c(&f)
	}
	return f
}

// silent makes the violation silence that the policy revokes for.
func silent(f *guard.Facts) {
	f.State.Silence, f.State.LastVerdict = true, "Unknown"
	f.Look.Verdict, f.Policy.Terms.SilenceThen = policy.Unknown, policy.ActRevoke
}

// flapped are as many changes of a key as a policy allows when it says nothing.
const flapped = "2025-03-03T06:00:00Z 2025-03-03T07:00:00Z 2025-03-03T08:00:00Z 2025-03-03T09:00:00Z"

type row struct {
	name    string
	change  func(*guard.Facts)
	outcome guard.Outcome
	reason  guard.Reason
}

var weighed = []row{
	{"everything holds", func(*guard.Facts) {}, guard.Revoke, guard.ReasonDue},
	{"silence has run its course", silent, guard.Revoke, guard.ReasonDue},
	{"ordered by a crashed attempt", func(f *guard.Facts) { f.State.Key = integrity.KeyRevoking }, guard.Revoke, guard.ReasonDue},
	{"an expired hold stops nothing", func(f *guard.Facts) {
		f.Holds.Global = guard.Stop{Read: true, Set: true, Expires: now}
	}, guard.Revoke, guard.ReasonDue},
	{"a newer inspection that says the same", func(f *guard.Facts) { f.State.LastEvidence = now }, guard.Revoke, guard.ReasonDue},

	{"deadline later", func(f *guard.Facts) { f.State.DueAt = now.Add(time.Second) }, guard.Extended, guard.ReasonNotDue},
	{"look before the deadline", func(f *guard.Facts) { f.Look.Sent = f.State.DueAt.Add(-time.Second) }, guard.Extended, guard.ReasonLookEarly},
	{"answer awaited", func(f *guard.Facts) { f.Look.Answered = false }, guard.Waiting, guard.ReasonAwaiting},
	{"corrected at this look", func(f *guard.Facts) {
		f.State.Standing, f.State.Generation, f.Look.Verdict = integrity.Good, 8, policy.Pass
		f.Look.Effects = []integrity.Effect{integrity.StandDown}
	}, guard.StandDown, guard.ReasonCorrected},
	{"corrected at this look, bad again since", func(f *guard.Facts) {
		f.State.Generation, f.Look.Verdict = 9, policy.Pass
		f.Look.Effects = []integrity.Effect{integrity.StandDown}
	}, guard.Superseded, guard.ReasonGeneration},
	{"condition 6: generation", func(f *guard.Facts) { f.State.Generation = 8 }, guard.Superseded, guard.ReasonGeneration},
	{"generation before gone", func(f *guard.Facts) { f.State.Generation, f.State.GoneAt = 8, now }, guard.Superseded, guard.ReasonGeneration},
	{"revoked already", func(f *guard.Facts) { f.State.Key = integrity.KeyRevoked }, guard.Superseded, guard.ReasonRevoked},
	{"good", func(f *guard.Facts) { f.State.Standing = integrity.Good }, guard.Superseded, guard.ReasonNotBad},
	{"never judged", func(f *guard.Facts) { f.State.Standing = integrity.Unknown }, guard.Superseded, guard.ReasonNotBad},
	{"gone", func(f *guard.Facts) { f.State.GoneAt, f.State.Standing = now, integrity.Unknown }, guard.Withdraw, guard.ReasonGone},

	{"policy unread", func(f *guard.Facts) { f.Policy.Read = false }, guard.Hold, guard.ReasonPolicyUnread},
	{"policy only notifies", func(f *guard.Facts) { f.Policy.Terms.OnFail = policy.ActNotify }, guard.Hold, guard.ReasonPolicyChanged},
	{"policy says nothing", func(f *guard.Facts) { f.Policy.Terms.OnFail = "" }, guard.Hold, guard.ReasonPolicyChanged},
	{"condition 1: never looked", func(f *guard.Facts) { f.Look = guard.Look{} }, guard.Hold, guard.ReasonNoAnswer},
	{"condition 1: no answer in time", func(f *guard.Facts) {
		f.Look.Answered, f.Look.AnswerBy = false, now.Add(-time.Second)
	}, guard.Hold, guard.ReasonNoAnswer},
	{"condition 1: unknown", func(f *guard.Facts) {
		f.Look.Verdict, f.State.LastVerdict = policy.Unknown, "Unknown"
	}, guard.Hold, guard.ReasonUnknown},
	{"condition 1: unknown, and silence was not warned of", func(f *guard.Facts) {
		silent(f)
		f.State.Silence = false
	}, guard.Hold, guard.ReasonUnknown},
	{"condition 1: silence, and the policy holds", func(f *guard.Facts) {
		silent(f)
		f.Policy.Terms.SilenceThen = policy.ActHold
	}, guard.Hold, guard.ReasonPolicyChanged},
	{"silence is a choice of its own", func(f *guard.Facts) {
		silent(f)
		f.Policy.Terms.OnFail = policy.ActNotify
	}, guard.Revoke, guard.ReasonDue},
	{"condition 1: silence, and AWS does not say running", func(f *guard.Facts) {
		silent(f)
		f.Look.Presence = integrity.PresenceUnknown
	}, guard.Hold, guard.ReasonUnknown},
	{"condition 1: failed, and only silence was warned of", func(f *guard.Facts) {
		f.State.Silence, f.Policy.Terms.SilenceThen = true, policy.ActRevoke
	}, guard.Hold, guard.ReasonOvertaken},
	{"condition 1: passed", func(f *guard.Facts) { f.Look.Verdict = policy.Pass }, guard.Hold, guard.ReasonOvertaken},
	{"condition 1: passed in both", func(f *guard.Facts) {
		f.Look.Verdict, f.State.LastVerdict = policy.Pass, "Pass"
	}, guard.Hold, guard.ReasonOvertaken},
	{"condition 1: a newer one passed", func(f *guard.Facts) { f.State.LastVerdict = "Pass" }, guard.Hold, guard.ReasonOvertaken},
	{"condition 1: stale", func(f *guard.Facts) {
		f.Look.Sent = now.Add(-guard.Fresh - time.Second)
		f.State.DueAt = f.Look.Sent
	}, guard.Hold, guard.ReasonStale},
	{"condition 1: stopped", func(f *guard.Facts) { f.State.FrozenSince = now }, guard.Hold, guard.ReasonStopped},
	{"condition 1: we cannot look", func(f *guard.Facts) { f.State.FrozenSince, f.State.BlindSince = now, now }, guard.Hold, guard.ReasonBlind},
	{"condition 2: not warned", func(f *guard.Facts) { f.State.WarnedAt = time.Time{} }, guard.Hold, guard.ReasonNotWarned},
	{"condition 2: no deadline", func(f *guard.Facts) { f.State.DueAt = time.Time{} }, guard.Hold, guard.ReasonNotWarned},
	{"no sweep for a while", func(f *guard.Facts) { f.Watch.SweptAt = now.Add(-guard.WatchLimit - time.Second) }, guard.Extended, guard.ReasonController},
	{"no sweep ever", func(f *guard.Facts) { f.Watch.SweptAt = time.Time{} }, guard.Extended, guard.ReasonController},
	{"not known when it swept", func(f *guard.Facts) { f.Watch = guard.Watch{SweptAt: now} }, guard.Extended, guard.ReasonController},
	{"no sweep for a day", func(f *guard.Facts) {
		f.Watch.SweptAt, f.State.DueAt = time.Time{}, now.Add(-integrity.BlindLimit-time.Second)
		f.Look.Sent = now
	}, guard.Hold, guard.ReasonController},
	{"many are silent", func(f *guard.Facts) { f.Fleet.Doubtful = true }, guard.Extended, guard.ReasonManySilent},
	{"many are silent, it as well", func(f *guard.Facts) { f.Fleet.Doubtful, f.Look.Verdict = true, policy.Unknown }, guard.Extended, guard.ReasonManySilent},
	{"the others are not known", func(f *guard.Facts) { f.Fleet.Read = false }, guard.Extended, guard.ReasonManySilent},
	{"frozen for a day", func(f *guard.Facts) { f.State.HeldFor = integrity.HeldFrozen }, guard.Hold, guard.ReasonFrozen},
	{"too many changes", func(f *guard.Facts) { f.State.Changes = flapped }, guard.Hold, guard.ReasonFlapping},
	{"ordered before there were too many", func(f *guard.Facts) { f.State.Changes, f.State.Key = flapped, integrity.KeyRevoking }, guard.Revoke, guard.ReasonDue},
	{"condition 3: global hold", func(f *guard.Facts) { f.Holds.Global.Set = true }, guard.Hold, guard.ReasonHeldGlobal},
	{"condition 3: policy hold", func(f *guard.Facts) { f.Holds.Policy.Set = true }, guard.Hold, guard.ReasonHeldPolicy},
	{"condition 3: machine hold", func(f *guard.Facts) { f.Holds.Machine.Set = true }, guard.Hold, guard.ReasonHeldMachine},
	{"condition 3: hold until later", func(f *guard.Facts) {
		f.Holds.Machine = guard.Stop{Read: true, Set: true, Expires: now.Add(time.Second)}
	}, guard.Hold, guard.ReasonHeldMachine},
	{"condition 3: global unread", func(f *guard.Facts) { f.Holds.Global = guard.Stop{} }, guard.Hold, guard.ReasonHoldsUnread},
	{"condition 3: policy's unread", func(f *guard.Facts) { f.Holds.Policy = guard.Stop{} }, guard.Hold, guard.ReasonHoldsUnread},
	{"condition 3: machine's unread", func(f *guard.Facts) { f.Holds.Machine = guard.Stop{} }, guard.Hold, guard.ReasonHoldsUnread},
	{"condition 3: waivers unread", func(f *guard.Facts) { f.Waivers = guard.Waivers{} }, guard.Hold, guard.ReasonWaiversUnread},
	{"condition 3: waivers unread, and those that were cover it", func(f *guard.Facts) { f.Waivers = guard.Waivers{Covered: true} }, guard.Hold, guard.ReasonWaiversUnread},
	{"condition 3: waivers unread for silence", func(f *guard.Facts) {
		silent(f)
		f.Waivers = guard.Waivers{}
	}, guard.Hold, guard.ReasonWaiversUnread},
	{"condition 3: waived since the look", func(f *guard.Facts) { f.Waivers.Covered = true }, guard.Hold, guard.ReasonWaived},
	{"what failed before the silence is waived, the silence is not", func(f *guard.Facts) {
		silent(f)
		f.Waivers.Covered = true
	}, guard.Revoke, guard.ReasonDue},
	{"condition 4: breaker unread", func(f *guard.Facts) { f.Breaker = guard.Breaker{Limit: 5} }, guard.Hold, guard.ReasonBreakerUnread},
	{"condition 4: no room", func(f *guard.Facts) { f.Breaker.Used = 5 }, guard.Hold, guard.ReasonBreakerOpen},
	{"condition 4: more than the limit, which was lowered", func(f *guard.Facts) { f.Breaker.Used = 9 }, guard.Hold, guard.ReasonBreakerOpen},
	{"condition 4: a limit of zero is none", func(f *guard.Facts) { f.Breaker = guard.Breaker{Read: true} }, guard.Hold, guard.ReasonBreakerOpen},
	{"condition 4: zero is none for whoever counts already", func(f *guard.Facts) {
		f.Breaker = guard.Breaker{Read: true, Used: 1, Mine: true}
	}, guard.Hold, guard.ReasonBreakerOpen},
	{"condition 4: another attempt takes no room", func(f *guard.Facts) { f.Breaker.Used, f.Breaker.Mine = 5, true }, guard.Revoke, guard.ReasonDue},
	{"condition 4: rules unread", func(f *guard.Facts) { f.Rule = guard.Rule{} }, guard.Hold, guard.ReasonRuleUnread},
	{"condition 4: its rules tripped", func(f *guard.Facts) { f.Rule.Tripped = true }, guard.Hold, guard.ReasonRuleTripped},
	{"condition 5: tags unread", func(f *guard.Facts) { f.Key.Read = false }, guard.Hold, guard.ReasonKeyUnread},
	{"condition 5: the tags were changed", func(f *guard.Facts) { f.Drift = []string{"keyward:key"} }, guard.Hold, guard.ReasonTagDrift},
	{"another look of this execution ended it", func(f *guard.Facts) {
		f.State.Standing, f.State.Generation, f.Look.StoodDown = integrity.Good, 8, true
	}, guard.StandDown, guard.ReasonCorrected},
	{"another look ended it, and it failed again since", func(f *guard.Facts) {
		f.State.Generation, f.Look.StoodDown = 9, true
	}, guard.Superseded, guard.ReasonGeneration},
	{"condition 5: others depend on the key", func(f *guard.Facts) { f.Key.Dependants.Others = []string{"volume vol-1"} }, guard.Hold, guard.ReasonKeyShared},
	{"condition 5: a list that was not read whole", func(f *guard.Facts) { f.Key.Dependants = record.Dependants{} }, guard.Hold, guard.ReasonDependantsUnread},
	{"condition 5: a mode that is not known", func(f *guard.Facts) { f.Key = guard.Key{Read: true, Guarded: true} }, guard.Hold, guard.ReasonDependantsUnread},
	{"condition 5: others may lose it too", func(f *guard.Facts) {
		f.Key.Dependants.Others, f.Policy.Terms.SharedAllowed = []string{"volume vol-1"}, true
	}, guard.Revoke, guard.ReasonDue},
	{"condition 5: a grant alone is taken", func(f *guard.Facts) {
		f.Key.Mode, f.Key.Dependants = policy.RevokeGrant, record.Dependants{}
	}, guard.Revoke, guard.ReasonDue},
	{"condition 5: not guarded", func(f *guard.Facts) { f.Key.Guarded = false }, guard.Hold, guard.ReasonNotGuarded},
}

func TestWeigh(t *testing.T) {
	t.Parallel()
	for _, tt := range weighed {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := due(tt.change)
			got := guard.Weigh(f, now)
			if got.Outcome != tt.outcome || got.Reason != tt.reason || !strings.HasPrefix(got.Text, tt.reason.Text()) {
				t.Errorf("Weigh = %+v, want %s because %s", got, tt.outcome, tt.reason)
			}
			want := f.State.DueAt
			if got.Reason == guard.ReasonController || got.Reason == guard.ReasonManySilent {
				want = now.Add(guard.WaitAgain)
			}
			if got.Outcome == guard.Extended && !got.DueAt.Equal(want) {
				t.Errorf("Weigh extended to %v, want the deadline %v", got.DueAt, want)
			}
		})
	}
}

func TestWeighNothingRead(t *testing.T) {
	t.Parallel()
	if got := guard.Weigh(guard.Facts{}, now); got.Outcome != guard.Superseded {
		t.Errorf("Weigh(zero) = %+v, want superseded", got)
	}
	bad := guard.Facts{State: integrity.State{Standing: integrity.Bad}}
	if got := guard.Weigh(bad, now); got.Outcome != guard.Hold || got.Reason != guard.ReasonPolicyUnread {
		t.Errorf("Weigh(bad and nothing read) = %+v, want a hold", got)
	}
}

func TestUnwritten(t *testing.T) {
	t.Parallel()
	got := guard.Unwritten(guard.Weigh(due(), now))
	if got.Outcome != guard.Hold || got.Reason != guard.ReasonNotWritten || got.Text == "" {
		t.Errorf("Unwritten = %+v, want condition 7 to hold", got)
	}
}

func TestStops(t *testing.T) {
	t.Parallel()
	f := due(func(f *guard.Facts) {
		f.Look = guard.Look{}
		f.State.WarnedAt = time.Time{}
		f.Holds.Machine.Set = true
		f.Waivers.Covered = true
		f.Key.Guarded = false
	})
	want := []guard.Reason{guard.ReasonNotWarned, guard.ReasonHeldMachine, guard.ReasonWaived, guard.ReasonNotGuarded}
	if diff := cmp.Diff(want, guard.Stops(f, now)); diff != "" {
		t.Errorf("Stops (-want +got):\n%s", diff)
	}
	if got := guard.Stops(due(func(f *guard.Facts) { f.Look = guard.Look{} }), now); len(got) != 0 {
		t.Errorf("Stops = %v, want none", got)
	}
}
