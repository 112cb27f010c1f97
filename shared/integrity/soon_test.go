package integrity_test

import (
	"testing"
	"time"

	"github.com/keyward/keyward/shared/integrity"
)

func TestSoon(t *testing.T) {
	t.Parallel()
	warned := time.Date(2026, 3, 2, 4, 30, 0, 0, time.UTC)
	state := func(grace time.Duration, edits ...func(*integrity.State)) integrity.State {
		s := integrity.State{Standing: integrity.Bad, Key: integrity.KeyReleased, WarnedAt: warned, DueAt: warned.Add(grace)}
		for _, edit := range edits {
			edit(&s)
		}
		return s
	}
	day := 24 * time.Hour
	for name, tt := range map[string]struct {
		state integrity.State
		after time.Duration // since the warning
		want  bool
	}{
		"a day of grace, just before the last hour": {state(day), 23*time.Hour - 1, false},
		"a day of grace, in the last hour":          {state(day), 23 * time.Hour, true},
		"two hours of grace, in the third quarter":  {state(2 * time.Hour), 90*time.Minute - 1, false},
		"two hours of grace, in the last quarter":   {state(2 * time.Hour), 90 * time.Minute, true},
		"the last moment":                           {state(day), day - 1, true},
		"due":                                       {state(day), day, false},
		"forty minutes of grace":                    {state(40 * time.Minute), 30 * time.Minute, true},
		"less than forty":                           {state(40*time.Minute - 4), 39 * time.Minute, false},
		"a machine that asked for no key yet":       {state(day, func(s *integrity.State) { s.Key = integrity.KeyUntouched }), 23 * time.Hour, true},
		"in order":                                  {state(day, func(s *integrity.State) { s.Standing = integrity.Good }), 23 * time.Hour, false},
		"not warned":                                {state(day, func(s *integrity.State) { s.WarnedAt = time.Time{} }), 23 * time.Hour, false},
		"without a deadline":                        {state(day, func(s *integrity.State) { s.DueAt = time.Time{} }), 23 * time.Hour, false},
		"held":                                      {state(day, func(s *integrity.State) { s.HeldFor = "held-global" }), 23 * time.Hour, false},
		"stopped":                                   {state(day, func(s *integrity.State) { s.FrozenSince = warned }), 23 * time.Hour, false},
		"it cannot be looked at":                    {state(day, func(s *integrity.State) { s.BlindSince = warned }), 23 * time.Hour, false},
		"gone":                                      {state(day, func(s *integrity.State) { s.GoneAt = warned }), 23 * time.Hour, false},
		"a person ordered it":                       {state(day, func(s *integrity.State) { s.CommandedAt = warned }), 23 * time.Hour, false},
		"being revoked":                             {state(day, func(s *integrity.State) { s.Key = integrity.KeyRevoking }), 23 * time.Hour, false},
		"revoked":                                   {state(day, func(s *integrity.State) { s.Key = integrity.KeyRevoked }), 23 * time.Hour, false},
	} {
		if got := integrity.Soon(tt.state, warned.Add(tt.after)); got != tt.want {
			t.Errorf("%s: Soon = %t, want %t", name, got, tt.want)
		}
	}
}
