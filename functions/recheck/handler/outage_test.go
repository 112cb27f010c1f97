package handler

import (
	"fmt"
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// An enforcement that wakes in or after an outage of ours waits for the sweep, which moves the deadlines first.
func TestDecideWaitsForTheSweep(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*fake.World){
		"no sweep for a while": func(w *fake.World) { w.Store.Watched.SweptAt = fake.Start.Add(-guard.WatchLimit - time.Second) },
		"no sweep ever":        func(w *fake.World) { w.Store.Watched = record.Watch{} },
		"not known":            func(w *fake.World) { w.Fail("store.Watch", fake.Down) },
	} {
		w := due()
		edit(w)
		decided(t, w, guard.Extended, guard.ReasonController)
		w = due()
		edit(w)
		if d, _ := decide(t, w); !d.DueAt.Equal(fake.Start.Add(guard.WaitAgain)) {
			t.Errorf("%s: waits until %v", name, d.DueAt)
		}
	}
}

// The deadline that a sweep moves between the reading and the writing is the one that counts.
func TestDecideSeesADeadlineThatIsMovedMeanwhile(t *testing.T) {
	t.Parallel()
	w := due()
	moved := fake.Start.Add(3 * time.Hour)
	w.Before("store.Apply", func() { w.Store.Change(fake.ID, func(m *record.Machine) { m.State.DueAt = moved }) })
	d, err := decide(t, w)
	if err != nil || d.Outcome != string(guard.Extended) || !d.DueAt.Equal(moved) {
		t.Errorf("decide = %+v, %v, want it extended to %v", d, err, moved)
	}
	w.Never(t, "kms.RevokeGrant")
}

func TestDecideUnderASilentFleet(t *testing.T) {
	t.Parallel()
	silent := func(w *fake.World, n int) {
		for n := range n {
			w.Store.Put(fake.Machine(func(m *record.Machine) {
				m.ID = fmt.Sprintf("i-%017x", n+1)
				m.State.LastVerdict, m.State.KnownAt = "Unknown", fake.Start.Add(-time.Hour)
			}))
		}
	}
	w := due()
	silent(w, 3)
	decided(t, w, guard.Extended, guard.ReasonManySilent)

	w = at()
	answered(w, policy.Unknown) // it is silent itself: nobody is told of each machine
	silent(w, 3)
	decided(t, w, guard.Extended, guard.ReasonManySilent)

	w = due()
	silent(w, 2)
	decided(t, w, guard.Revoke, guard.ReasonDue)

	w = due(func(m *record.Machine) { m.State.ResumedAt = fake.Start })
	silent(w, 3)
	w.Store.Watched.Paused = map[string]record.Pause{"web-tier": {Since: fake.Start.Add(-25 * time.Hour)}}
	decided(t, w, guard.Revoke, guard.ReasonDue)

	w = due()
	w.Fail("store.Machines", fake.Down)
	decided(t, w, guard.Hold, guard.ReasonRuleUnread)

	w = at()
	answered(w, policy.Unknown)
	w.Fail("store.Machines", fake.Down)
	decided(t, w, guard.Extended, guard.ReasonManySilent)
}

// Trouble of AWS at the last look is nobody's fault: the clock stands still until the machine answers.
func TestAThrottledLookStopsTheClock(t *testing.T) {
	t.Parallel()
	w := at()
	got, err := hold(t, w, func(s *enforcement.State) { s.Decision, s.Error = nil, &enforcement.Error{Error: "Transient"} })
	s := w.Store.ByID[fake.ID].State
	if err != nil || got.Outcome != said || !s.FrozenSince.Equal(fake.Start) || !s.BlindSince.Equal(fake.Start) {
		t.Errorf("hold = %+v, %v, state %+v; want its clock to stand still, and nobody told of it alone", got, err, s)
	}
	if s.LookAt.IsZero() {
		t.Error("no look was asked for")
	}
}

func TestWhatASweepFrozeIsToldOnce(t *testing.T) {
	t.Parallel()
	w := due(func(m *record.Machine) { m.State.HeldFor = integrity.HeldFrozen })
	decided(t, w, guard.Hold, guard.ReasonFrozen)
	got, err := hold(t, w, func(s *enforcement.State) {
		s.Decision = &enforcement.Decision{Outcome: "hold", Reason: integrity.HeldFrozen}
	})
	if err != nil || got.Outcome != said {
		t.Errorf("hold = %+v, %v, want it to have been told", got, err)
	}
}
