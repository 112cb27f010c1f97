package integrity_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
)

// steps are two and eight hours after the warning.
var steps = []policy.Step{{After: 2 * time.Hour}, {After: 8 * time.Hour}}

func TestClimbs(t *testing.T) {
	t.Parallel()
	state := func(edits ...func(*integrity.State)) integrity.State {
		s := integrity.State{Standing: integrity.Bad, Key: integrity.KeyReleased, LastVerdict: "Fail", Since: at(0), WarnedAt: at(1), DueAt: at(5)}
		for _, edit := range edits {
			edit(&s)
		}
		return s
	}
	unwarned := func(s *integrity.State) { s.WarnedAt, s.DueAt = time.Time{}, time.Time{} }
	key := func(k integrity.KeyState) func(*integrity.State) { return func(s *integrity.State) { s.Key = k } }
	stopped := func(s *integrity.State) { s.FrozenSince = at(2) }
	corrected := func(s *integrity.State) { s.CorrectedAt = at(4) }
	for name, tt := range map[string]struct {
		state integrity.State
		terms policy.Integrity
		told  int
		hour  float64
		want  bool
	}{
		"just before the first":                        {state(), terms(), 0, 2.999, false},
		"the first":                                    {state(), terms(), 0, 3, true},
		"told, and the second is not due":              {state(), terms(), 1, 8.999, false},
		"the second, after the deadline":               {state(), terms(), 1, 9, true},
		"the first comes before the second":            {state(), terms(), 0, 90, true},
		"all are told":                                 {state(), terms(), 2, 90, false},
		"more are told than the policy still has":      {state(), terms(), 3, 90, false},
		"in order":                                     {state(func(s *integrity.State) { s.Standing = integrity.Good }), terms(), 0, 90, false},
		"nothing is known of it":                       {state(func(s *integrity.State) { s.Standing = integrity.Unknown }), terms(), 0, 90, false},
		"not warned yet":                               {state(unwarned), terms(), 0, 90, false},
		"the policy only notifies, before":             {state(unwarned), terms(notifyOnly), 0, 1.999, false},
		"the policy only notifies":                     {state(unwarned), terms(notifyOnly), 0, 2, true},
		"a person decides by the policy":               {state(unwarned), terms(holdOnly), 0, 2, true},
		"warned of, and the policy notifies by now":    {state(), terms(notifyOnly), 0, 2, false},
		"silence that was warned of":                   {state(func(s *integrity.State) { s.Silence, s.LastVerdict = true, "Unknown" }), terms(silenceRevokes), 0, 3, true},
		"held, which corrects nothing":                 {state(func(s *integrity.State) { s.HeldFor = "breaker-open" }), terms(), 0, 3, true},
		"stopped":                                      {state(stopped), terms(), 0, 90, false},
		"it cannot be looked at":                       {state(func(s *integrity.State) { s.BlindSince = at(2) }), terms(), 0, 90, false},
		"it was stopped for an hour, before":           {state(func(s *integrity.State) { s.Frozen = time.Hour }), terms(), 0, 3.999, false},
		"it was stopped for an hour":                   {state(func(s *integrity.State) { s.Frozen = time.Hour }), terms(), 0, 4, true},
		"being revoked":                                {state(key(integrity.KeyRevoking)), terms(), 1, 9, true},
		"revoked":                                      {state(key(integrity.KeyRevoked)), terms(), 1, 9, true},
		"revoked and stopped":                          {state(key(integrity.KeyRevoked), stopped), terms(), 1, 9, true},
		"revoked and in order, the restore is to come": {state(key(integrity.KeyRevoked), corrected), terms(), 1, 9, false},
		"revoked, the first of two passes":             {state(key(integrity.KeyRevoked), func(s *integrity.State) { s.LastVerdict = "Pass" }), terms(), 1, 9, false},
		"a correction of an earlier violation":         {state(corrected), terms(), 0, 3, true},
		"gone":                                         {state(func(s *integrity.State) { s.GoneAt = at(2) }), terms(), 0, 90, false},
		"a person ordered it":                          {state(func(s *integrity.State) { s.CommandedAt = at(2) }), terms(), 0, 90, false},
	} {
		if got := integrity.Climbs(tt.state, steps, tt.told, tt.terms, at(tt.hour)); got != tt.want {
			t.Errorf("%s: Climbs = %t, want %t", name, got, tt.want)
		}
	}
	if integrity.Climbs(state(), nil, 0, terms(), at(90)) {
		t.Error("a policy without steps has one")
	}
}

// However a machine lives, each step of a violation is told once, none before its time and none of a machine that is in
// order; and what goes on without anything standing still is told to the last step.
func TestEveryStepIsToldOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := newLife(t, "Pass", "Fail", "Fail", "Fail", "Unknown")
		told, violation := 0, time.Time{}
		sweep := func() {
			if !violation.Equal(l.s.Since) {
				told, violation = 0, l.s.Since
			}
			if !integrity.Climbs(l.s, steps, told, l.terms, l.now) {
				return
			}
			if l.s.Standing != integrity.Bad || l.s.LastVerdict == "Pass" || l.now.Sub(l.s.Since) < steps[told].After {
				t.Fatalf("step %d is told at %v of %+v", told+1, l.now, l.s)
			}
			if told++; told > len(steps) {
				t.Fatalf("step %d is told, of %d", told, len(steps))
			}
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			l.step()
			sweep()
		}
		_, bad := integrity.Uncorrected(l.s, l.terms)
		l.now = l.now.Add(l.s.Frozen + steps[len(steps)-1].After)
		for range steps {
			sweep()
		}
		taken := l.s.Key == integrity.KeyRevoking || l.s.Key == integrity.KeyRevoked
		if stands := !taken && (!l.s.FrozenSince.IsZero() || !l.s.BlindSince.IsZero()); bad && !stands && told < len(steps) {
			t.Fatalf("%d of %d steps are told of %+v", told, len(steps), l.s)
		}
	})
}
