package keyrequest_test

import (
	"testing"
	"time"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/keyrequest"
	"github.com/keyward/keyward/shared/policy"
)

func TestDecideByAPerson(t *testing.T) {
	t.Parallel()
	usual := policy.Requests{OnPass: policy.Approve, OnFail: policy.Deny, OnUnknown: policy.Hold, EvidenceAge: time.Hour, Expire: 2 * time.Hour}
	facts := func(v policy.Verdict, p keyrequest.Person, change ...func(*keyrequest.Facts)) keyrequest.Facts {
		f := keyrequest.Facts{Verdict: v, Evidence: time.Minute, HasAny: true, Presence: integrity.Running, Person: p}
		for _, c := range change {
			c(&f)
		}
		return f
	}
	yes := func(seen policy.Verdict, ago time.Duration) keyrequest.Person {
		return keyrequest.Person{Decision: policy.Approve, Verdict: seen, Age: ago}
	}
	no := keyrequest.Person{Decision: policy.Deny, Age: 1000 * time.Hour}
	for name, tt := range map[string]struct {
		facts  keyrequest.Facts
		want   policy.Decision
		reason keyrequest.Reason
	}{
		"approved, complies":          {facts(policy.Pass, yes(policy.Unknown, 0)), policy.Approve, keyrequest.ReasonApproved},
		"approved, unknown":           {facts(policy.Unknown, yes(policy.Unknown, 0)), policy.Approve, keyrequest.ReasonApproved},
		"approved as it fails":        {facts(policy.Fail, yes(policy.Fail, 0)), policy.Approve, keyrequest.ReasonApproved},
		"approved before it failed":   {facts(policy.Fail, yes(policy.Pass, 0)), policy.Deny, keyrequest.ReasonFail},
		"approved without evidence":   {facts(policy.Unknown, yes(policy.Unknown, 0), func(f *keyrequest.Facts) { f.HasAny = false }), policy.Approve, keyrequest.ReasonApproved},
		"approved on old evidence":    {facts(policy.Unknown, yes(policy.Unknown, 0), func(f *keyrequest.Facts) { f.Evidence = 9 * time.Hour }), policy.Approve, keyrequest.ReasonApproved},
		"approved, at its end":        {facts(policy.Unknown, yes(policy.Unknown, 2*time.Hour)), policy.Approve, keyrequest.ReasonApproved},
		"approved, after its end":     {facts(policy.Unknown, yes(policy.Unknown, 2*time.Hour+1)), policy.Hold, keyrequest.ReasonUnknown},
		"approved, held":              {facts(policy.Pass, yes(policy.Pass, 0), func(f *keyrequest.Facts) { f.Held = true }), policy.Approve, keyrequest.ReasonApproved},
		"approved, revoked":           {facts(policy.Pass, yes(policy.Pass, 0), func(f *keyrequest.Facts) { f.Key = integrity.KeyRevoked }), policy.Deny, keyrequest.ReasonRevoked},
		"approved, stopped":           {facts(policy.Pass, yes(policy.Pass, 0), func(f *keyrequest.Facts) { f.Presence = integrity.Stopped }), policy.Deny, keyrequest.ReasonStopped},
		"denied, complies":            {facts(policy.Pass, no), policy.Deny, keyrequest.ReasonDenied},
		"denied, and no evidence":     {facts(policy.Pass, no, func(f *keyrequest.Facts) { f.HasAny = false }), policy.Deny, keyrequest.ReasonDenied},
		"denied, revoked":             {facts(policy.Pass, no, func(f *keyrequest.Facts) { f.Key = integrity.KeyRevoked }), policy.Deny, keyrequest.ReasonRevoked},
		"a word that is no decision":  {facts(policy.Unknown, keyrequest.Person{Decision: policy.Hold}), policy.Hold, keyrequest.ReasonUnknown},
		"approved, by default a day":  {facts(policy.Unknown, yes(policy.Unknown, 2*time.Hour)), policy.Approve, keyrequest.ReasonApproved},
		"approved, and evidence none": {facts(policy.Fail, yes(policy.Pass, 0), func(f *keyrequest.Facts) { f.HasAny = false }), policy.Approve, keyrequest.ReasonApproved},
	} {
		got := keyrequest.Decide(tt.facts, usual)
		if got.Decision != tt.want || got.Reason != tt.reason || got.Inspect {
			t.Errorf("%s: Decide = %+v, want %s because %s", name, got, tt.want, tt.reason)
		}
		if got.Text == "" || got.Text == string(got.Reason) {
			t.Errorf("%s: Text = %q, want a plain line", name, got.Text)
		}
	}
	if got := keyrequest.Decide(facts(policy.Unknown, yes(policy.Unknown, 24*time.Hour)), policy.Requests{}); got.Decision != policy.Approve {
		t.Errorf("a policy that says nothing: %+v, want an approval to last a day", got)
	}
}

func TestShown(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		state keyrequest.State
		ends  time.Time
		want  keyrequest.State
	}{
		{keyrequest.Pending, time.Time{}, keyrequest.Pending},
		{keyrequest.Pending, now.Add(1), keyrequest.Pending},
		{keyrequest.Pending, now, keyrequest.Expired},
		{keyrequest.Approved, now, keyrequest.Expired},
		{keyrequest.Approved, time.Time{}, keyrequest.Approved},
		{keyrequest.Delivered, now.Add(-1), keyrequest.Delivered},
		{keyrequest.Denied, now.Add(-1), keyrequest.Denied},
	} {
		if got := keyrequest.Shown(tt.state, tt.ends, now); got != tt.want {
			t.Errorf("Shown(%s, %s) = %s, want %s", tt.state, tt.ends, got, tt.want)
		}
	}
}
