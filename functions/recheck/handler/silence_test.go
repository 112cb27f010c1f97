package handler

import (
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// silent is a world in which a machine was warned of its silence, is due, and did not answer the last look.
func silent() *fake.World {
	w := due()
	w.Store.PutPolicyText(fake.Policy("  settle: 0s\n", "  settle: 0s\n  silence: {after: 24h, then: revoke}\n"))
	w.Store.Change(fake.ID, func(m *record.Machine) {
		m.State.Silence, m.State.LastVerdict, m.State.SilentSince = true, "Unknown", fake.Start.Add(-30*time.Hour)
	})
	answered(w, policy.Unknown)
	return w
}

// other puts another enrolled machine whose last verdict was known at that time.
func other(w *fake.World, answered time.Time) {
	w.Store.Put(fake.Machine(func(m *record.Machine) { m.ID, m.State.LastEvidence = fake.Other, answered }))
}

func TestSilenceCostsAKeyOnlyWhenItIsTheMachinesOwn(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		make    func(*fake.World)
		outcome guard.Outcome
		reason  guard.Reason
	}{
		{"EC2 says it is well, and nobody else is enrolled", func(*fake.World) {}, guard.Revoke, guard.ReasonDue},
		{"another answered since", func(w *fake.World) { other(w, fake.Start.Add(-time.Hour)) }, guard.Revoke, guard.ReasonDue},
		{"nobody answered since", func(w *fake.World) { other(w, fake.Start.Add(-40*time.Hour)) }, guard.Hold, guard.ReasonUnknown},
		{"a status check fails", func(w *fake.World) { w.Instances.Impaired = true }, guard.Hold, guard.ReasonUnknown},
		{"EC2 does not answer", func(w *fake.World) { w.Fail("ec2.Healthy", fake.Down) }, guard.Hold, guard.ReasonUnknown},
		{"the others cannot be read", func(w *fake.World) { w.Fail("store.Machines", fake.Down) }, guard.Hold, guard.ReasonUnknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := silent()
			tt.make(w)
			decided(t, w, tt.outcome, tt.reason)
		})
	}
}
