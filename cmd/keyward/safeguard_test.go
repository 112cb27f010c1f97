package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/record"
)

// The four words are kept apart, and who says effective is named or nobody is.
func TestSafeguarded(t *testing.T) {
	at := time.Date(2026, 3, 2, 4, 30, 0, 0, time.UTC)
	taken := &record.Taken{Generation: 2, OrderedAt: at, ConfirmedAt: at.Add(10 * time.Second), InForceAt: at.Add(310 * time.Second)}
	words := [][]string{{"ordered", "2026-03-02 04:30:00Z"}, {"confirmed", "2026-03-02 04:30:10Z"}, {"in force", "2026-03-02 04:35:10Z"}}
	by := func(who string) *record.Taken {
		t := *taken
		t.EffectiveAt, t.EffectiveBy = at.Add(20*time.Second), who
		return &t
	}
	failed := &record.Safeguard{
		Generation: 2, Failed: "mount /data is mounted", Text: "/data mounted",
		Snapshots: []record.Snapshot{{ID: "snap-1", Volume: "vol-1", State: "completed"}, {ID: "snap-2", Volume: "vol-2", State: "pending"}},
	}
	onMachine := [][]string{{"snapshots", "snap-1 of vol-1 completed, snap-2 of vol-2 pending"}, {"on the machine", "/data mounted"}, {"step that failed", "mount /data is mounted"}}
	for name, c := range map[string]struct {
		machine record.Machine
		want    [][]string
	}{
		"nothing":            {record.Machine{}, nil},
		"nobody says so":     {record.Machine{Taken: taken}, append(words, []string{"effective", "nobody says so"})},
		"the machine":        {record.Machine{Taken: by(record.ByMachine)}, append(words, []string{"effective", "2026-03-02 04:30:20Z, says the machine"})},
		"AWS":                {record.Machine{Taken: by(record.ByAWS)}, append(words, []string{"effective", "2026-03-02 04:30:20Z, says AWS"})},
		"a lock that failed": {record.Machine{Safeguard: failed}, onMachine},
		"at rest": {record.Machine{Safeguard: &record.Safeguard{Rest: &record.Rest{Unit: "backup.service", AskedAt: at, AtRestAt: at}}},
			[][]string{{"application", "may be at rest since 2026-03-02 04:30:00Z by backup.service"}}},
		"was at rest": {record.Machine{Safeguard: &record.Safeguard{Rest: &record.Rest{Unit: "backup.service", AskedAt: at, AtRestAt: at, EndedAt: at.Add(time.Minute)}}},
			[][]string{{"application", "was at rest from 2026-03-02 04:30:00Z to 2026-03-02 04:31:00Z"}}},
		"never at rest":        {record.Machine{Safeguard: &record.Safeguard{Rest: &record.Rest{Unit: "backup.service", AskedAt: at, EndedAt: at}}}, nil},
		"an earlier safeguard": {record.Machine{Taken: &record.Taken{Generation: 3}, Safeguard: failed}, [][]string{{"ordered", "-"}, {"confirmed", "-"}, {"in force", "-"}, {"effective", "nobody says so"}}},
	} {
		if diff := cmp.Diff(c.want, safeguarded(c.machine)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
