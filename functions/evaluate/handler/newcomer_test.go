package handler

import (
	"slices"
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// A machine that was just launched, or has just booted, gets the time to settle that its policy gives.
func TestANewcomerSettles(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		launched time.Time
		boot     time.Time
		settled  time.Time
	}{
		"just launched":        {launched: fake.Start.Add(-5 * time.Minute), settled: fake.Start.Add(25 * time.Minute)},
		"launched long ago":    {launched: fake.Start.Add(-50 * time.Hour)},
		"launched, and booted": {fake.Start.Add(-50 * time.Hour), fake.Start.Add(-10 * time.Minute), fake.Start.Add(20 * time.Minute)},
	} {
		l := look{launched: tt.launched}
		if !tt.boot.IsZero() {
			l.evidence = &evidence.Evidence{OS: evidence.OS{Boot: evidence.Known(tt.boot)}}
		}
		if got, want := l.started(), slices.MaxFunc([]time.Time{tt.launched, tt.boot}, time.Time.Compare); !got.Equal(want) {
			t.Errorf("%s: started at %v, want %v", name, got, want)
		}
		w := asked(record.Scheduled, fake.Answer(fake.Nonce, fake.OldKernel))
		w.Store.PutPolicyText(fake.Policy("settle: 0s", "settle: 30m"))
		w.Instances.Launched = tt.launched
		if !tt.boot.IsZero() {
			continue
		}
		judge(t, w, fake.Start)
		s := w.Store.ByID[fake.ID].State
		if bad := s.Standing == integrity.Bad; bad != tt.settled.IsZero() || !s.SettledAt.Equal(tt.settled) || !bad && !s.LookAt.Equal(tt.settled) {
			t.Errorf("%s: %+v, want it settled at %v", name, s, tt.settled)
		}
	}
}

// What a running machine gave no answer to is in its ledger.
func TestMissedInspectionsAreInTheLedger(t *testing.T) {
	t.Parallel()
	for presence, want := range map[integrity.Presence]int{integrity.Running: 1, integrity.Stopped: 0} {
		w := asked(record.Scheduled, "nothing of ours")
		w.Instances.Presence[fake.ID] = presence
		judge(t, w, fake.Start)
		missed := slices.DeleteFunc(w.Store.Kinds(), func(k record.EntryKind) bool { return k != record.EntryMissed })
		if len(missed) != want {
			t.Errorf("%s: %d missed inspections in the ledger, want %d", presence, len(missed), want)
		}
	}
}
