package simulate

import (
	"fmt"
	"time"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/simulate/world"
)

// answered keeps what a guest was like when it answered, until that is judged.
func (f *fleet) answered(g *world.Guest, command string) {
	s := f.byID[g.ID]
	if s.truths == nil {
		s.truths = map[string]bool{}
	}
	s.truths[command] = s.bad()
}

// Applied is world.Watch's.
func (f *fleet) Applied(c world.Written, by *world.Invocation) {
	s := f.byID[c.Machine.ID]
	if s == nil {
		return
	}
	if c.Answer != nil {
		f.judgedNow(s, c)
	}
	if by != nil && by.Function == "recheck" && c.TakeLease != nil {
		s.reserving = by.Started
	}
	for _, e := range c.Ledger {
		switch e.Kind {
		case record.EntryIntent:
			s.intent = c.Seq
		case record.EntryOrdered:
			s.ordered, s.orderedAt = c.Seq, f.Now()
		case record.EntryConfirmed:
			f.measured.since("order to confirmed", s.orderedAt, f.Now())
			s.confirmedAt = f.Now()
		case record.EntryRestored:
			s.guest.Unmounted, s.guest.Closed = false, false // people mount it again
		case record.EntryEffective:
			f.measured.since("confirmed to effective", s.confirmedAt, f.Now())
			f.effective(s, c)
		}
		f.note(s, "ledger", string(e.Kind), e.Text)
	}
	f.commanded(s, c)
	f.climbs(s, c)
	before, after := c.Before.Machine.State, c.Machine.State
	if after.Standing == integrity.Bad && before.Standing != integrity.Bad && integrity.Revokes(after, s.kind.terms) {
		s.turnedBad = f.Now()
	}
	if f.trace && after != before {
		f.note(s, "state", fmt.Sprintf("%s key=%s gen=%d due=%s held=%s by %s", after.Standing, after.Key, after.Generation,
			brief(after.DueAt), after.HeldFor, name(by)))
	}
}

// effective compares what is said of the data with what is so.
func (f *fleet) effective(s *subject, c world.Written) {
	taken := c.Machine.Taken
	switch {
	case taken == nil || f.Keys.Usable(s.key, s.guest.Session) && !s.outsider:
		f.violate(s, notEffective, "it has its key")
	case taken.EffectiveBy == record.ByMachine && !s.guest.Locked():
		f.violate(s, notEffective, "its data is mounted")
	case taken.EffectiveBy == record.ByAWS && s.guest.Power == integrity.Running && s.guest.Up.Before(taken.ConfirmedAt):
		f.violate(s, notEffective, "it runs since before its key was gone") // who started later found none
	}
}

// stops has a machine stop that EC2 was asked to stop.
func (f *fleet) stops(g *world.Guest) {
	s := f.byID[g.ID]
	f.note(s, "ec2", "is asked to stop it")
	if f.Keys.Usable(s.key, s.guest.Session) && !s.outsider {
		f.violate(s, stoppedInOrder, "it can use its key")
	}
	s.after(20*time.Second, 2*time.Minute, func() {
		if s.runs() {
			s.halted = true
			s.change("stops, as Keyward asked", func(g *world.Guest) { f.Turn(g, integrity.Stopped) })
		}
	})
}

func name(by *world.Invocation) string {
	if by == nil {
		return "a person"
	}
	return by.Function
}

func brief(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format("02 15:04:05")
}

// judgedNow compares a verdict with what the machine was when it answered.
func (f *fleet) judgedNow(s *subject, c world.Written) {
	bad, answered := s.truths[c.Answer.Command]
	delete(s.truths, c.Answer.Command)
	f.note(s, "verdict", c.Answer.Verdict.String(), c.Answer.Why)
	if c.Answer.Verdict == policy.Unknown {
		return
	}
	if by := f.Current(); bad && by != nil && s.allowed(by.Started) && s.allowed(f.Now()) && c.Answer.Verdict == policy.Fail {
		f.violate(s, unheeded, "a waiver stands until "+brief(s.allowedUntil()))
	}
	if bad && s.allowed(f.Now()) && c.Answer.Verdict == policy.Pass {
		bad = false // a person allows it
	}
	if !answered || bad != (c.Answer.Verdict == policy.Fail) {
		f.violate(s, wrongVerdict, fmt.Sprintf("the verdict is %s, bad is %t, answered %t", c.Answer.Verdict, bad, answered))
	}
	if !c.Answer.Sent.After(s.known.sent) {
		return
	}
	s.before, s.known = s.known, judged{sent: c.Answer.Sent, at: f.Now(), bad: bad, seq: c.Seq}
	if !bad {
		s.judgedGood = f.Now()
	}
}

// Held is world.Watch's.
func (f *fleet) Held(h record.Hold, set bool, seq int64) {
	before := f.holds[string(h.Scope)]
	now := holding{set: set, seq: seq, at: f.Now(), ends: h.Expires}
	if !set && before.set && !before.stands(f.Now()) {
		now.at = before.ends // it was over already
	}
	f.holds[string(h.Scope)] = now
	f.noteAll("hold", fmt.Sprintf("%s set %t until %s", h.Scope, set, brief(h.Expires)))
}

// Ended is world.Watch's.
func (f *fleet) Ended(execution, status string) {
	f.measured.ended[status]++
	s := f.byID[machineOf(execution)]
	if s == nil {
		return
	}
	f.note(s, "execution", execution, status)
	if status == world.Failed {
		s.failedAt = f.Now()
	}
}

// Crashed is world.Watch's.
func (f *fleet) Crashed(function, subject, at string) {
	if s := f.byID[machineOf(subject)]; s != nil {
		f.note(s, "crash", function+" died at "+at)
	}
}
