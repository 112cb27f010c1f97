package handler

import (
	"errors"
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// A machine that somebody had patched gets the time to settle, counted from when SSM asked it to; who was not asked, or
// long ago, gets none, and nor does anybody when SSM does not say.
func TestAPatchedMachineSettles(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		patched map[string]time.Time
		refused string
		settled time.Time
		asked   int
	}{
		"just patched":          {patched: map[string]time.Time{fake.ID: fake.Start.Add(-10 * time.Minute)}, settled: fake.Start.Add(20 * time.Minute), asked: 2},
		"patched long ago":      {patched: map[string]time.Time{fake.ID: fake.Start.Add(-31 * time.Minute)}, asked: 2},
		"another one":           {patched: map[string]time.Time{"i-0fedcba9876543210": fake.Start.Add(-time.Minute)}, asked: 2},
		"after now":             {patched: map[string]time.Time{fake.ID: fake.Start.Add(time.Minute)}, asked: 2},
		"nobody":                {asked: 1},
		"not said what":         {patched: map[string]time.Time{fake.ID: fake.Start.Add(-10 * time.Minute)}, refused: "ssm.Patchings", asked: 1},
		"not said who":          {patched: map[string]time.Time{fake.ID: fake.Start.Add(-10 * time.Minute)}, refused: "ssm.Asked", asked: 2},
		"no time is given":      {patched: map[string]time.Time{fake.ID: fake.Start.Add(-10 * time.Minute)}, asked: 0},
		"it is in order anyway": {patched: map[string]time.Time{fake.ID: fake.Start.Add(-10 * time.Minute)}, asked: 0},
	} {
		kernel := fake.OldKernel
		if name == "it is in order anyway" {
			kernel = fake.NewKernel
		}
		w := asked(record.Scheduled, fake.Answer(fake.Nonce, kernel))
		if name != "no time is given" {
			w.Store.PutPolicyText(fake.Policy("settle: 0s", "settle: 30m"))
		}
		w.SSM.Patching = tt.patched
		if tt.refused != "" {
			w.Fail(tt.refused, errors.New("refused"))
		}
		judge(t, w, fake.Start)
		s := w.Store.ByID[fake.ID].State
		bad := kernel == fake.OldKernel && tt.settled.IsZero()
		if (s.Standing == integrity.Bad) != bad || !s.SettledAt.Equal(tt.settled) {
			t.Errorf("%s: %s, settled at %v, want bad %t, settled at %v", name, s.Standing, s.SettledAt, bad, tt.settled)
		}
		if calls := append(w.Made("ssm.Patchings"), w.Made("ssm.Asked")...); len(calls) != tt.asked {
			t.Errorf("%s: SSM was asked %q, want %d questions", name, calls, tt.asked)
		}
	}
}
