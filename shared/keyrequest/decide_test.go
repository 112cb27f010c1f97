package keyrequest_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/keyrequest"
	"github.com/keyward/keyward/shared/policy"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	usual := policy.Requests{OnPass: policy.Approve, OnFail: policy.Deny, OnUnknown: policy.Hold, EvidenceAge: 2 * time.Hour}
	reckless := policy.Requests{OnPass: policy.Approve, OnFail: policy.Approve, OnUnknown: policy.Approve}
	strict := policy.Requests{OnPass: policy.Hold, OnFail: policy.Deny, OnUnknown: policy.Deny}
	seen := func(v policy.Verdict, change ...func(*keyrequest.Facts)) keyrequest.Facts {
		f := keyrequest.Facts{Verdict: v, Evidence: time.Minute, HasAny: true, Key: integrity.KeyUntouched, Presence: integrity.Running}
		for _, c := range change {
			c(&f)
		}
		return f
	}
	used := func(f *keyrequest.Facts) { f.Used, f.Key = true, integrity.KeyReleased }
	tests := []struct {
		name     string
		facts    keyrequest.Facts
		requests policy.Requests
		want     policy.Decision
		reason   keyrequest.Reason
		inspect  bool
	}{
		{"complies", seen(policy.Pass), usual, policy.Approve, keyrequest.ReasonPass, false},
		{"does not comply", seen(policy.Fail), usual, policy.Deny, keyrequest.ReasonFail, false},
		{"unknown", seen(policy.Unknown), usual, policy.Hold, keyrequest.ReasonUnknown, false},
		{"unknown is never approved", seen(policy.Unknown), reckless, policy.Hold, keyrequest.ReasonUnknown, false},
		{"failing is never approved", seen(policy.Fail), reckless, policy.Hold, keyrequest.ReasonFail, false},
		{"everything by a person", seen(policy.Pass), strict, policy.Hold, keyrequest.ReasonPass, false},
		{"unknown is denied where the policy says so", seen(policy.Unknown), strict, policy.Deny, keyrequest.ReasonUnknown, false},
		{"a policy that says nothing", seen(policy.Pass), policy.Requests{}, policy.Hold, keyrequest.ReasonPass, false},
		{"nothing known", keyrequest.Facts{}, usual, policy.Hold, keyrequest.ReasonNoEvidence, true},
		{"at the age", seen(policy.Pass, func(f *keyrequest.Facts) { f.Evidence = 2 * time.Hour }), usual, policy.Approve, keyrequest.ReasonPass, false},
		{"too old", seen(policy.Pass, func(f *keyrequest.Facts) { f.Evidence = 2*time.Hour + 1 }), usual, policy.Hold, keyrequest.ReasonStale, true},
		{"too old by default", seen(policy.Pass, func(f *keyrequest.Facts) { f.Evidence = time.Hour + 1 }), reckless, policy.Hold, keyrequest.ReasonStale, true},
		{"too old to deny", seen(policy.Fail, func(f *keyrequest.Facts) { f.Evidence = 3 * time.Hour }), usual, policy.Hold, keyrequest.ReasonStale, true},
		{"from the future", seen(policy.Pass, func(f *keyrequest.Facts) { f.Evidence = -time.Hour }), usual, policy.Hold, keyrequest.ReasonStale, true},
		{"revoked", seen(policy.Pass, func(f *keyrequest.Facts) { f.Key = integrity.KeyRevoked }), usual, policy.Deny, keyrequest.ReasonRevoked, false},
		{"revoking", seen(policy.Pass, func(f *keyrequest.Facts) { f.Key = integrity.KeyRevoking }), usual, policy.Deny, keyrequest.ReasonRevoked, false},
		{"withdrawn and back", seen(policy.Pass, func(f *keyrequest.Facts) { f.Key = integrity.KeyWithdrawn }), usual, policy.Approve, keyrequest.ReasonPass, false},
		{"stopped", seen(policy.Pass, func(f *keyrequest.Facts) { f.Presence = integrity.Stopped }), usual, policy.Deny, keyrequest.ReasonStopped, false},
		{"gone", seen(policy.Pass, func(f *keyrequest.Facts) { f.Presence = integrity.Gone }), usual, policy.Deny, keyrequest.ReasonStopped, false},
		{"everything by a person, and it has its key", seen(policy.Pass, used), strict, policy.Approve, keyrequest.ReasonUsed, false},
		{"denied whatever it is, and it has its key", seen(policy.Pass, used), policy.Requests{OnPass: policy.Deny}, policy.Deny, keyrequest.ReasonPass, false},
		{"has its key, and is not known", seen(policy.Unknown, used), usual, policy.Hold, keyrequest.ReasonUnknown, false},
		{"has its key, and was not looked at", seen(policy.Pass, used, func(f *keyrequest.Facts) { f.Evidence = 3 * time.Hour }), strict, policy.Hold, keyrequest.ReasonStale, true},
		{"has its key, and is held", seen(policy.Pass, used, func(f *keyrequest.Facts) { f.Held = true }), strict, policy.Hold, keyrequest.ReasonHeld, false},
		{"held", seen(policy.Pass, func(f *keyrequest.Facts) { f.Held = true }), usual, policy.Hold, keyrequest.ReasonHeld, false},
		{"held and failing", seen(policy.Fail, func(f *keyrequest.Facts) { f.Held = true }), usual, policy.Deny, keyrequest.ReasonFail, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := keyrequest.Decide(tt.facts, tt.requests)
			if got.Decision != tt.want || got.Reason != tt.reason || got.Inspect != tt.inspect {
				t.Errorf("Decide = %+v, want %s because %s, inspect %v", got, tt.want, tt.reason, tt.inspect)
			}
			if got.Text == "" || got.Text == string(got.Reason) {
				t.Errorf("Text = %q, want a plain line for %s", got.Text, got.Reason)
			}
		})
	}
	if got := keyrequest.Reason("no-such-code").Text(); got != "no-such-code" {
		t.Errorf("Text of an unknown code = %q, want the code", got)
	}
}

func TestDecisionEvent(t *testing.T) {
	t.Parallel()
	for d, want := range map[policy.Decision]keyrequest.Event{
		policy.Approve: keyrequest.Approve, policy.Deny: keyrequest.Deny, policy.Hold: "", "": "",
	} {
		if got := (keyrequest.Decision{Decision: d}).Event(); got != want {
			t.Errorf("Event of %q = %q, want %q", d, got, want)
		}
	}
}

// TestApprovalNeedsFreshPass: whatever the facts and whatever the policy says about doubt, unless a person approves.
func TestApprovalNeedsFreshPass(t *testing.T) {
	t.Parallel()
	decisions := []policy.Decision{policy.Approve, policy.Deny, policy.Hold, ""}
	rapid.Check(t, func(t *rapid.T) {
		f := keyrequest.Facts{
			Verdict:  rapid.SampledFrom([]policy.Verdict{policy.Unknown, policy.Pass, policy.Fail}).Draw(t, "verdict"),
			Evidence: time.Duration(rapid.IntRange(-100, 400).Draw(t, "age")) * time.Minute,
			HasAny:   rapid.Bool().Draw(t, "any"),
			Key: rapid.SampledFrom([]integrity.KeyState{integrity.KeyUntouched, integrity.KeyReleased, integrity.KeyRevoking,
				integrity.KeyRevoked, integrity.KeyWithdrawn}).Draw(t, "key"),
			Presence: rapid.SampledFrom([]integrity.Presence{integrity.PresenceUnknown, integrity.Running, integrity.Stopped, integrity.Gone}).Draw(t, "presence"),
			Held:     rapid.Bool().Draw(t, "held"),
			Used:     rapid.Bool().Draw(t, "used"),
			Waited:   time.Duration(rapid.IntRange(0, 100).Draw(t, "waited")) * time.Hour,
			Person:   keyrequest.Person{Decision: rapid.SampledFrom([]policy.Decision{policy.Deny, policy.Hold, ""}).Draw(t, "person")},
		}
		r := policy.Requests{
			OnPass: rapid.SampledFrom(decisions).Draw(t, "onPass"), OnFail: rapid.SampledFrom(decisions).Draw(t, "onFail"),
			OnUnknown: rapid.SampledFrom(decisions).Draw(t, "onUnknown"), EvidenceAge: time.Duration(rapid.IntRange(0, 300).Draw(t, "limit")) * time.Minute,
			AutoApprove: time.Duration(rapid.IntRange(0, 20).Draw(t, "auto")) * time.Hour,
		}
		d := keyrequest.Decide(f, r)
		limit := r.EvidenceAge
		if limit == 0 {
			limit = time.Hour
		}
		fresh := f.HasAny && f.Evidence <= limit && f.Evidence >= -integrity.FutureLimit
		if d.Decision == policy.Approve && (!fresh || f.Person.Decision == policy.Deny || f.Verdict != policy.Pass || f.Held || f.Key == integrity.KeyRevoked || f.Key == integrity.KeyRevoking) {
			t.Fatalf("approved: %+v by %+v", f, r)
		}
		if d.Inspect && d.Decision != policy.Hold {
			t.Fatalf("decided %s and still asks for an inspection: %+v", d.Decision, f)
		}
	})
}

// A doubt takes an approval away and changes no other answer.
func TestUnless(t *testing.T) {
	t.Parallel()
	for _, before := range []policy.Decision{policy.Approve, policy.Deny, policy.Hold, ""} {
		d := keyrequest.Decision{Decision: before, Reason: keyrequest.ReasonPass, Text: "x"}
		if got := d.Unless(""); got != d {
			t.Errorf("without a doubt %+v became %+v", d, got)
		}
		got := d.Unless("its role is open")
		if before != policy.Approve {
			if got != d {
				t.Errorf("%+v became %+v", d, got)
			}
			continue
		}
		if got.Decision != policy.Deny || got.Reason != keyrequest.ReasonDoubt || got.Text != keyrequest.ReasonDoubt.Text()+": its role is open" {
			t.Errorf("an approval in doubt is %+v", got)
		}
	}
}
