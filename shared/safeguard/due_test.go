package safeguard_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/safeguard"
)

func TestNext(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 4, 30, 0, 0, time.UTC)
	both := policy.Integrity{Snapshot: true, Lock: true}
	for name, c := range map[string]struct {
		terms policy.Integrity
		at    time.Time
		want  safeguard.Due
	}{
		"nothing asked for": {policy.Integrity{}, time.Time{}, safeguard.DueRevoke},
		"stop alone":        {policy.Integrity{Effect: policy.EffectStop}, time.Time{}, safeguard.DueRevoke},
		"lock":              {policy.Integrity{Lock: true}, time.Time{}, safeguard.DueLock},
		"snapshot first":    {both, time.Time{}, safeguard.DueSnapshot},
		"then the lock":     {both, now.Add(-time.Minute), safeguard.DueLock},
		"no lock":           {policy.Integrity{Snapshot: true}, now.Add(-safeguard.KeepSnapshot), safeguard.DueRevoke},
		"an old snapshot":   {both, now.Add(-safeguard.KeepSnapshot - time.Second), safeguard.DueSnapshot},
	} {
		if got := safeguard.Next(c.terms, c.at, now); got != c.want {
			t.Errorf("%s: Next = %s, want %s", name, got, c.want)
		}
	}
	if safeguard.Wanted(policy.Integrity{}) || safeguard.Wanted(policy.Integrity{Effect: policy.EffectLock}) ||
		!safeguard.Wanted(both) || !safeguard.Wanted(policy.Integrity{Effect: policy.EffectStop}) {
		t.Error("Wanted is wrong")
	}
}

func TestParameters(t *testing.T) {
	t.Parallel()
	p := policy.Safeguard{Units: []string{"a.service", "b.service"}, Mappings: []string{"data"}}
	want := map[string]string{"Action": "status", "Nonce": nonce, "Within": "90", "Units": "a.service,b.service", "Mounts": "-", "Mappings": "data"}
	if diff := cmp.Diff(want, safeguard.Of(p).Parameters(safeguard.Status, nonce, 90*time.Second)); diff != "" {
		t.Errorf("Parameters (-want +got):\n%s", diff)
	}
	for within, text := range map[time.Duration]string{0: "1", time.Millisecond: "1", 1500 * time.Millisecond: "2", time.Hour: "900"} {
		if got := (safeguard.Names{}).Parameters(safeguard.Flush, nonce, within)["Within"]; got != text {
			t.Errorf("Within of %s = %s, want %s", within, got, text)
		}
	}
}
