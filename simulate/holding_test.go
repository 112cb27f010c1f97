package simulate

import (
	"testing"
	"time"

	"github.com/keyward/keyward/shared/record"
)

// A hold that says when it ends covers nothing after that, though people lift it later: a revocation is no violation
// then, and who is bad has to lose its key from then on.
func TestAHoldThatEndsIsOver(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		holding
		at     time.Time
		stands bool
		over   time.Time
	}{
		"set":                 {holding: holding{set: true, at: noon}, at: noon.Add(time.Hour), stands: true},
		"set, before its end": {holding: holding{set: true, at: noon, ends: noon.Add(time.Hour)}, at: noon.Add(59 * time.Minute), stands: true},
		"set, at its end":     {holding: holding{set: true, at: noon, ends: noon.Add(time.Hour)}, at: noon.Add(time.Hour), over: noon.Add(time.Hour)},
		"lifted":              {holding: holding{at: noon}, at: noon, over: noon},
	} {
		if got := tt.holding.stands(tt.at); got != tt.stands {
			t.Errorf("%s: stands is %t", name, got)
		}
		if got := tt.holding.over(); !tt.stands && !got.Equal(tt.over) {
			t.Errorf("%s: over since %v, want %v", name, got, tt.over)
		}
	}
	f := newFleet(Options{Seed: 1, Days: 1, Faults: "none", Quiet: standardQuiet}, 0, 1)
	f.Held(record.Hold{Scope: "global", Expires: f.Now().Add(-time.Hour)}, true, 1)
	f.Held(record.Hold{Scope: "global"}, false, 2)
	if h := f.holds["global"]; h.stands(f.Now()) || !h.over().Equal(f.Now().Add(-time.Hour)) {
		t.Errorf("lifted an hour after its end: %+v, want it over at its end", h)
	}
}
