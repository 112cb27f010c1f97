package interleave_test

import (
	"context"
	"fmt"
	"time"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/simulate/world"
)

// settle lets time go on: the hold is lifted, the sweep and the state machine do what is owed. Then the key has to
// be where it belongs.
func (s *stage) settle() string {
	w := s.w
	w.Schedule = nil
	if s.held {
		if err := w.Store.LiftHold(context.Background(), "global"); err != nil {
			return err.Error()
		}
	}
	w.SSM.Over = func(command string) {
		w.Event("evaluate", command, []byte(`{"source":"aws.ssm","detail":{"command-id":"`+command+`"}}`))
	}
	w.Every(w.Now().Add(time.Minute), 5*time.Minute, func() { w.Event("sweep", "", []byte("{}")) })
	w.Run(w.Now().Add(3 * time.Hour))
	m := w.Store.Peek(id)
	said := fmt.Sprintf("in the end it is %s, its key %q, held for %q, usable %t", m.State.Standing, m.State.Key, m.State.HeldFor, s.usable())
	switch {
	case s.wrong != "":
		return s.wrong
	case s.restore && (!s.usable() || m.State.Standing != integrity.Good || m.State.Key != integrity.KeyReleased):
		return "a machine that was put right: " + said
	case !s.restore && (s.usable() || m.State.Key != integrity.KeyRevoked):
		return "a machine that is bad: " + said
	}
	return ""
}

// The methods of world.Watch.

func (s *stage) blame(format string, args ...any) {
	if s.wrong == "" {
		s.wrong = fmt.Sprintf(format, args...)
	}
}

func (s *stage) Took(_, _ string, by *world.Invocation) {
	m := s.w.Store.Peek(id)
	switch {
	case m.Taken == nil || m.Taken.OrderedAt.IsZero():
		s.blame("KMS was asked to take the key, and no order is written")
	case s.good > 0 && by.Saw > s.good:
		s.blame("KMS was asked to take the key of a machine whose last evidence says that it is in order")
	case s.held && !s.tooLate:
		s.blame("KMS was asked to take the key under a hold that was set before the order was written")
	}
	s.taken = true
}

func (s *stage) Gave(_, _ string, by *world.Invocation) {
	if by == nil {
		return
	}
	if !s.taken && !s.usable() {
		s.blame("a key was given back that was not taken")
	}
	s.taken = false
}

func (s *stage) Applied(c world.Written, _ *world.Invocation) {
	if a := c.Answer; a != nil && a.Verdict == policy.Pass && s.good == 0 {
		s.good = c.Seq
	}
}

func (s *stage) Held(_ record.Hold, set bool, _ int64) {
	if s.held = set; set {
		m := s.w.Store.Peek(id)
		s.tooLate = m.Taken != nil && !m.Taken.OrderedAt.IsZero()
	}
}

func (s *stage) Mailed(world.Sent, *world.Invocation) {}
func (s *stage) Noted(record.Notice, int64)           {}
func (s *stage) Waived(record.Waiver)                 {}
func (s *stage) Put(record.Policy)                    {}
func (s *stage) Ended(string, string)                 {}
func (s *stage) Crashed(string, string, string)       {}
