package handler

import (
	"strings"
	"testing"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/record"
)

// A person who looked wants the key back as it is: what somebody changed does not hold it any more. What
// only the key's owner can decide does.
func TestRestoreByAPerson(t *testing.T) {
	t.Parallel()
	nothing := func(*record.Machine) {}
	tests := []struct {
		name string
		mode func(*record.Machine)
		make func(*fake.World)
		want string
	}{
		{"somebody else made a grant", nothing, func(w *fake.World) {
			w.Keys.Listed[fake.KeyARN] = []kmskey.Grant{{ID: "x", Name: "by-hand", Grantee: fake.Session}}
		}, "restored"},
		{"somebody enabled the key", fake.Disable, func(w *fake.World) { w.Keys.State(fake.KeyARN, "Enabled") }, "restored"},
		{"the tag is gone", nothing, func(w *fake.World) { w.Keys.Set(fake.KeyARN, func(k *kmskey.Key) { k.Guarded = false }) }, "held"},
		{"the key is to be deleted", fake.Disable, func(w *fake.World) { w.Keys.State(fake.KeyARN, "PendingDeletion") }, "held"},
		{"the key was disabled before", fake.Disable, func(w *fake.World) {
			w.Store.Change(fake.ID, func(m *record.Machine) { m.Taken.HadNone = true })
		}, "held"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := corrected(tt.mode)
			tt.make(w)
			got, err := restoreAt(t, w, fake.Start, func(t *enforcement.Task) { t.Input.By = "arn:aws:iam::123456789012:user/alice" })
			if err != nil || got.Outcome != tt.want {
				t.Errorf("restore = %+v, %v, want %s", got, err, tt.want)
			}
		})
	}
}

// The key had been disabled by somebody else, and is enabled by them again: there is nothing to do.
func TestKeyThatOthersEnabledAgain(t *testing.T) {
	t.Parallel()
	w := corrected(fake.Disable)
	w.Store.Change(fake.ID, func(m *record.Machine) { m.Taken.HadNone = true })
	w.Keys.State(fake.KeyARN, "Enabled")
	if got, err := restore(t, w); err != nil || got.Outcome != "restored" || !strings.Contains(w.Store.Entries[0].Text, "not by Keyward") {
		t.Errorf("restore = %+v, %v, ledger %+v", got, err, w.Store.Entries)
	}
	w.Never(t, "kms.EnableKey")
}
