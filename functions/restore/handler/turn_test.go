package handler

import (
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/pace"
	"github.com/keyward/keyward/shared/record"
)

func paced(t *enforcement.Task) {
	t.Input.Restored = &enforcement.Outcome{Outcome: enforcement.Paced, At: fake.Start}
}

// A restore waits for its turn without a lease, and what revocations use up is no matter to it.
func TestARestoreWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	for name, edits := range map[string][]func(*record.Machine){pace.CreateGrant: nil, pace.EnableKey: {fake.Disable}} {
		w := corrected(edits...)
		for _, bucket := range []string{pace.DisableKey, pace.RevokeGrant} {
			w.Store.UsedUntil[bucket] = fake.Start.Add(time.Hour)
		}
		w.Store.UsedUntil[name] = fake.Start.Add(90 * time.Second)
		got, err := restore(t, w)
		if want := (enforcement.Outcome{Outcome: enforcement.Paced, At: fake.Start.Add(time.Second)}); err != nil || got != want {
			t.Errorf("%s: restore = %+v, %v, want %+v", name, got, err, want)
		}
		w.Never(t, "store.Apply", "kms.EnableKey", "kms.Grant ")

		got, err = restoreAt(t, w, fake.Start.Add(2*time.Minute), paced)
		if err != nil || got.Outcome != "restored" {
			t.Errorf("%s: restore = %+v, %v, want its turn", name, got, err)
		}
	}
}

// A pace that cannot be read keeps nobody from their key, and what took nothing needs no turn.
func TestARestoreNeedsNoTurn(t *testing.T) {
	t.Parallel()
	for _, failing := range []string{"store.Ahead", "store.Used", "store.Use"} {
		w := corrected()
		w.Always(failing, fake.Down)
		if got, err := restore(t, w); err != nil || got.Outcome != "restored" {
			t.Errorf("%s fails: restore = %+v, %v", failing, got, err)
		}
	}
	w := corrected()
	w.Store.Change(fake.ID, func(m *record.Machine) { m.Taken.HadNone = true })
	if got, err := restore(t, w); err != nil || got.Outcome != "restored" {
		t.Errorf("nothing was taken: %+v, %v", got, err)
	}
	w.Never(t, "store.Ahead")
}
