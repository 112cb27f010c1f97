package integrity_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
)

func TestBounced(t *testing.T) {
	t.Parallel()
	begun := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	terms := policy.Integrity{OnFail: policy.ActRevoke, Grace: 4 * time.Hour}
	warned := integrity.Warned(integrity.State{Standing: integrity.Bad, Since: begun, Generation: 2, HeldFor: "not-guarded", HeldSince: begun}, begun, terms)
	later := begun.Add(time.Hour)

	got := integrity.Bounced(warned, later)
	if !got.WarnedAt.IsZero() || !got.DueAt.IsZero() || got.Generation != 3 || got.HeldFor != "" || !got.PromisedAt.Equal(warned.DueAt) {
		t.Errorf("Bounced = %+v, want an enforcement that begins again", got)
	}
	if effect, owed := integrity.Owed(got, terms); !owed || effect != integrity.Warn {
		t.Errorf("Owed = %s, %v, want a warning", effect, owed)
	}
	// The grace counts from the next warning.
	if again := integrity.Warned(got, later, terms); !again.DueAt.Equal(later.Add(4 * time.Hour)) {
		t.Errorf("due at %s, want four hours after %s", again.DueAt, later)
	}
	// A shorter grace by then takes nothing from what was promised, nor does a relapse.
	short := terms
	short.Grace = time.Minute
	relapsed := got
	relapsed.OldDueAt = begun
	for name, again := range map[string]integrity.State{"grace": integrity.Warned(got, later, short), "relapse": integrity.Warned(relapsed, later, terms)} {
		if !again.DueAt.Equal(warned.DueAt) {
			t.Errorf("%s: due at %s, want the promised %s", name, again.DueAt, warned.DueAt)
		}
	}
	// Time in which the clock stood still is part of the promise.
	frozen := warned
	frozen.FrozenSince = begun.Add(30 * time.Minute)
	if got := integrity.Bounced(frozen, later); !got.PromisedAt.Equal(warned.DueAt.Add(30 * time.Minute)) {
		t.Errorf("promised for %s, want half an hour more than %s", got.PromisedAt, warned.DueAt)
	}
	for name, edit := range map[string]func(*integrity.State){
		"good":       func(s *integrity.State) { s.Standing = integrity.Good },
		"not warned": func(s *integrity.State) { s.WarnedAt = time.Time{} },
		"ordered":    func(s *integrity.State) { s.Key = integrity.KeyRevoking },
		"revoked":    func(s *integrity.State) { s.Key = integrity.KeyRevoked },
		"gone":       func(s *integrity.State) { s.GoneAt = begun },
	} {
		s := warned
		edit(&s)
		if diff := cmp.Diff(s, integrity.Bounced(s, later)); diff != "" {
			t.Errorf("%s: Bounced changed it (-want +got):\n%s", name, diff)
		}
	}
	// The promise ends with the violation.
	corrected, _ := integrity.Next(got, integrity.Input{Verdict: "Pass", Sent: later, Presence: integrity.Running}, terms, later)
	if !corrected.PromisedAt.IsZero() || corrected.Standing != integrity.Good {
		t.Errorf("corrected: %+v, want no promise left", corrected)
	}
}
