package integrity_test

import (
	"testing"
	"time"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
)

func TestRevokedGone(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := integrity.State{Key: integrity.KeyRevoking, GoneAt: at.Add(-time.Minute), Generation: 5}
	got := integrity.RevokedGone(s, at)
	if got.Key != integrity.KeyRevoked || !got.KeySince.Equal(at) || got.Generation != 5 {
		t.Errorf("RevokedGone = %+v, want it revoked", got)
	}
	if owed, ok := integrity.Owed(got, policy.Integrity{OnFail: policy.ActRevoke}); ok {
		t.Errorf("Owed = %v, want nothing", owed)
	}
	for _, other := range []integrity.State{{Key: integrity.KeyRevoking}, {Key: integrity.KeyReleased, GoneAt: at}} {
		if got := integrity.RevokedGone(other, at); got != other {
			t.Errorf("RevokedGone changed %+v to %+v", other, got)
		}
	}
}

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
