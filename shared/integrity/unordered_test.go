package integrity_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/integrity"
)

func TestUnordered(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 4, 30, 0, 0, time.UTC)
	for _, key := range []integrity.KeyState{integrity.KeyUntouched, integrity.KeyReleased, integrity.KeyRevoked, integrity.KeyWithdrawn} {
		s := integrity.State{Key: key, Standing: integrity.Bad}
		if diff := cmp.Diff(s, integrity.Unordered(s, now)); diff != "" {
			t.Errorf("Unordered changes a key that is %q:\n%s", key, diff)
		}
	}
	s := integrity.State{Key: integrity.KeyRevoking, Standing: integrity.Bad, DueAt: now.Add(-time.Hour), WarnedAt: now.Add(-5 * time.Hour)}
	want := s
	want.Key, want.KeySince = integrity.KeyReleased, now
	if diff := cmp.Diff(want, integrity.Unordered(s, now)); diff != "" {
		t.Errorf("Unordered (-want +got):\n%s", diff)
	}
	s.CorrectedAt = now
	if diff := cmp.Diff(s, integrity.Unordered(s, now)); diff != "" {
		t.Errorf("Unordered takes a corrected machine from its restore:\n%s", diff)
	}
}
