package record_test

import (
	"testing"
	"time"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// What was told of one violation says nothing of the next.
func TestClimbed(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 3, 2, 4, 30, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		told record.Escalation
		want int
	}{
		"nothing was told":        {record.Escalation{}, 0},
		"of this violation":       {record.Escalation{Violation: since, Steps: 2}, 2},
		"in another zone":         {record.Escalation{Violation: since.In(time.FixedZone("", 3600)), Steps: 2}, 2},
		"of an earlier violation": {record.Escalation{Violation: since.Add(-time.Hour), Steps: 2}, 0},
	} {
		m := record.Machine{State: integrity.State{Since: since}, Escalated: tt.told}
		if got := m.Climbed(); got != tt.want {
			t.Errorf("%s: Climbed = %d, want %d", name, got, tt.want)
		}
	}
}
