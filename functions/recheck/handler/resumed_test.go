package handler

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// An earlier revocation took something that was not given back: it stays ours to give.
func TestWhatAnEarlierRevocationTook(t *testing.T) {
	t.Parallel()
	earlier := func(edit func(*record.Taken)) func(*record.Machine) {
		return func(m *record.Machine) {
			m.Taken = &record.Taken{Generation: 1, Mode: m.Key.Mode, KeyARN: fake.KeyARN, Grantee: fake.Session}
			edit(m.Taken)
		}
	}
	tests := []struct {
		name  string
		edits []func(*record.Machine)
		key   string
		want  record.Taken
	}{
		{"its grants", []func(*record.Machine){earlier(func(t *record.Taken) { t.Grants = []string{"grant-1", "older"} })}, "Enabled",
			record.Taken{Mode: policy.RevokeGrant, Grants: []string{"grant-1", "older"}}},
		{"the key that it disabled", []func(*record.Machine){fake.Disable, earlier(func(*record.Taken) {})}, "Disabled",
			record.Taken{Mode: policy.DisableKey}},
		{"nothing, since the key had been disabled before", []func(*record.Machine){fake.Disable, earlier(func(t *record.Taken) { t.HadNone = true })}, "Disabled",
			record.Taken{Mode: policy.DisableKey, HadNone: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := due()
			for _, e := range tt.edits {
				w.Store.Change(fake.ID, e)
			}
			w.Keys.State(fake.KeyARN, tt.key)
			decided(t, w, guard.Revoke, guard.ReasonDue)
			tt.want.Generation, tt.want.KeyARN, tt.want.Grantee, tt.want.IntentAt = 2, fake.KeyARN, fake.Session, fake.Start
			tt.want.Waivers = fake.Unrevised()
			if diff := cmp.Diff(tt.want, *w.Store.ByID[fake.ID].Taken); diff != "" {
				t.Errorf("taken (-want +got):\n%s", diff)
			}
		})
	}
}
