package integrity_test

import (
	"testing"
	"time"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
)

func TestReturned(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	base := integrity.State{Standing: integrity.Bad, Key: integrity.KeyRevoked, Generation: 4, WarnedAt: at.Add(-time.Hour), DueAt: at.Add(-time.Minute)}
	got := integrity.Returned(base, at)
	if got.Key != integrity.KeyRevoking || got.Generation != 5 || !got.DueAt.Equal(base.DueAt) || !got.KeySince.Equal(at) || got.Changes == "" {
		t.Errorf("Returned = %+v, want it about to be revoked, in a new generation, the deadline as it was", got)
	}
	if owed, ok := integrity.Owed(got, policy.Integrity{OnFail: policy.ActRevoke}); !ok || owed != integrity.Revoke {
		t.Errorf("Owed = %v, %v, want a look that may revoke", owed, ok)
	}
	for name, edit := range map[string]func(*integrity.State){
		"not revoked":      func(s *integrity.State) { s.Key = integrity.KeyReleased },
		"not bad":          func(s *integrity.State) { s.Standing = integrity.Good },
		"to be given back": func(s *integrity.State) { s.CorrectedAt = at },
		"gone":             func(s *integrity.State) { s.GoneAt = at },
		"held":             func(s *integrity.State) { s.HeldFor = integrity.HeldManual },
	} {
		s := base
		edit(&s)
		if got := integrity.Returned(s, at); got != s {
			t.Errorf("%s: Returned changed %+v to %+v", name, s, got)
		}
	}
}
