package handler

import (
	"strings"
	"testing"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// A key that was revoked while its machine ran is effective once the machine is stopped: that is said once, and not of
// what was effective before, was no revocation, or can be used by other ways.
func TestAStoppedMachineMakesARevocationEffective(t *testing.T) {
	t.Parallel()
	taken := func(m *record.Machine) {
		fake.Revoked(m)
		m.Taken = &record.Taken{Generation: m.State.Generation, ConfirmedAt: fake.Start.Add(-3600e9)}
	}
	stopped := look{machine: fake.ID, ended: true, why: "agent_offline", presence: integrity.Stopped}
	running := stopped
	running.presence = integrity.Running
	for name, tt := range map[string]struct {
		look look
		edit func(*record.Machine)
		want bool
	}{
		"stopped":              {stopped, func(*record.Machine) {}, true},
		"running":              {running, func(*record.Machine) {}, false},
		"known before":         {stopped, func(m *record.Machine) { m.Taken.EffectiveAt = fake.Start.Add(-60e9) }, false},
		"there was none":       {stopped, func(m *record.Machine) { m.Taken.HadNone = true }, false},
		"not read back yet":    {stopped, func(m *record.Machine) { m.Taken = &record.Taken{} }, false},
		"not effective":        {stopped, func(m *record.Machine) { m.NotEffective = []string{"grant to a role"} }, false},
		"nothing is known":     {stopped, func(m *record.Machine) { m.Taken = nil }, false},
		"it has its key again": {stopped, func(m *record.Machine) { m.State.Key = integrity.KeyReleased }, false},
	} {
		m, ledger, start := changed(t, fake.Machine(taken, tt.edit), tt.look, record.Scheduled)
		said := false
		for _, e := range ledger {
			said = said || e.Kind == record.EntryEffective
		}
		mailed := false
		for _, o := range start {
			mailed = mailed || strings.Contains(o.Name, "-tell-effective-")
		}
		noted := m.Taken != nil && m.Taken.EffectiveAt.Equal(fake.Start) && m.Taken.EffectiveBy == record.ByAWS
		if said != tt.want || mailed != tt.want || noted != tt.want {
			t.Errorf("%s: in the ledger %t, by mail %t, noted %t; want %t", name, said, mailed, noted, tt.want)
		}
	}
}
