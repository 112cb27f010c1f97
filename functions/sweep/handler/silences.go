package handler

import (
	"context"
	"time"

	"github.com/keyward/keyward/shared/record"
)

// silenceWait is how long the notice of a machine's silence waits for the answers of those that were asked
// with it: a schedule asks all machines of a policy, and SSM gives up on them within moments of each other.
const silenceWait = 2 * time.Minute

// What becomes of a notice in the outbox.
const (
	startNow = iota
	wait
	drop
)

// silence is what becomes of a notice in the outbox now. That of one machine's silence waits while so many are
// silent that one mail about all stands for it; who answered until that is over is not told of.
func (s *sweep) silence(o record.Start) int {
	if !o.Silence {
		return startNow
	}
	m := s.machine(o.Machine)
	switch {
	case s.now.Sub(o.At) < silenceWait, m != nil && within(s.paused, m):
		return wait
	case m != nil && within(s.watch.Paused, m) && (m.State.SilentSince.IsZero() || m.State.SilentSince.After(o.At)):
		return drop
	}
	return startNow
}

// within is whether one of these outages is about a machine.
func within(paused map[string]record.Pause, m *record.Machine) bool {
	_, all := paused[record.Everything]
	_, policy := paused[m.Policy]
	_, blind := paused[record.Blind]
	return all || policy || blind && !m.State.BlindSince.IsZero()
}

// silent is how many machines have a notice of their silence wait for the end of an outage.
func (s *sweep) silent(ctx context.Context, o outage) (n int, err error) {
	waiting, err := s.Store.Outbox(ctx)
	if err != nil {
		return 0, err
	}
	about := map[string]record.Pause{o.policy: {}}
	for _, w := range waiting {
		if m := s.machine(w.Machine); w.Silence && m != nil && within(about, m) {
			n++
		}
	}
	return n, nil
}

// machine is a machine as it was listed; nil when it is not.
func (s *sweep) machine(id string) *record.Machine {
	if s.at == nil {
		s.at = make(map[string]int, len(s.machines))
		for i := range s.machines {
			s.at[s.machines[i].ID] = i
		}
	}
	if i, ok := s.at[id]; ok {
		return &s.machines[i]
	}
	return nil
}
