package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// outage is a time in which machines could not be looked at, up to now.
type outage struct {
	policy string // record.Everything: of all
	since  time.Time
	from   time.Time // the part that was not moved for yet
	why    string
	over   bool // it has ended with this sweep
}

// clocks moves the deadlines by the time in which nobody could look, and has the contact told once for
// each such time. An enforcement that wakes meanwhile waits: recheck asks whether a sweep was completed.
func (s *sweep) clocks(ctx context.Context) error {
	var problems []error
	s.paused = map[string]record.Pause{}
	for _, o := range s.outages() {
		moved, err := s.move(ctx, o)
		problems = append(problems, err)
		if s.news(o) && (moved > 0 || !o.over) {
			problems = append(problems, s.tell(ctx, o, moved))
		}
		if !o.over {
			s.paused[o.policy] = record.Pause{Since: o.since, Why: o.why}
		}
	}
	return errors.Join(problems...)
}

// outages are those of everything first: our own, then those of single policies.
func (s *sweep) outages() []outage {
	var all []outage
	last := s.watch.SweptAt
	if gap := s.now.Sub(last); !last.IsZero() && gap > guard.WatchLimit {
		all = append(all, outage{
			since: last, from: last, over: true,
			why: fmt.Sprintf("Keyward itself did not run from %s to %s", last.UTC().Format(time.RFC3339), s.now.UTC().Format(time.RFC3339)),
		})
	}
	if since, stuck := s.unjudged(); stuck {
		all = append(all, s.goesOn(outage{since: since, why: "what machines answered is not judged since " + since.UTC().Format(time.RFC3339)}))
	}
	begun := s.now
	if !last.IsZero() && last.Before(begun) {
		begun = last
	}
	if n := s.blind(); n > 0 {
		all = append(all, s.goesOn(outage{policy: record.Blind, since: begun, why: fmt.Sprintf("%d machines could not be looked at, for trouble of AWS or of Keyward", n)}))
	}
	fleets := map[string]*integrity.Crowd{}
	for i := range s.machines {
		m := &s.machines[i]
		c := fleets[m.Policy]
		if c == nil {
			c = &integrity.Crowd{}
			fleets[m.Policy] = c
		}
		c.Add(&m.State)
	}
	for _, name := range slices.Sorted(maps.Keys(fleets)) {
		if c := fleets[name]; c.Doubtful() {
			all = append(all, s.goesOn(outage{
				policy: name, since: begun,
				why: fmt.Sprintf("%d of %d machines of policy %s give no usable answer at once", c.Silent, c.Of, name),
			}))
		}
	}
	return all
}

// looking is whether machines are judged at all: one was within two periods of the most frequent schedule
// that an enrolled machine has, or it is not enrolled for as long. An alarm waits for the word of it.
func (s *sweep) looking() bool {
	daily, last := false, s.evaluated
	for i := range s.machines {
		m := &s.machines[i]
		p := s.policies[m.Policy]
		daily = daily || p == nil || p.Schedule.WeeklyOn == ""
		if m.EnrolledAt.After(last) {
			last = m.EnrolledAt
		}
	}
	period := inspection.Overdue(s.now, !daily).Sub(s.now)
	return len(s.machines) == 0 || s.now.Sub(last) <= 2*period
}

// blind are the machines whose clocks stand still, each by itself, since it could not be looked at.
func (s *sweep) blind() (n int) {
	for i := range s.machines {
		if !s.machines[i].State.BlindSince.IsZero() {
			n++
		}
	}
	return n
}

// goesOn gives an outage that was known at the last sweep its beginning back.
func (s *sweep) goesOn(o outage) outage {
	o.from = o.since
	if p, known := s.watch.Paused[o.policy]; known {
		o.since, o.from = p.Since, s.watch.SweptAt
	}
	return o
}

// unjudged is whether commands wait for evaluate that were over long ago, and nothing was judged since.
func (s *sweep) unjudged() (since time.Time, stuck bool) {
	for _, c := range s.open {
		if !drill.Asked(c) && s.now.Sub(c.TotalBy) > guard.WatchLimit && s.evaluated.Before(c.TotalBy) && (since.IsZero() || c.SentAt.Before(since)) {
			since, stuck = c.SentAt, true
		}
	}
	return since, stuck
}

// move moves the clocks of all machines that an outage is about. It says how many were moved.
func (s *sweep) move(ctx context.Context, o outage) (moved int, err error) {
	if o.policy == record.Blind {
		return 0, nil // their clocks stand still already
	}
	var problems []error
	for _, m := range s.machines {
		if o.policy != record.Everything && m.Policy != o.policy || m.State.ResumedAt.After(o.since) && !o.over {
			continue
		}
		if integrity.Outage(m.State, o.from, s.now) == m.State {
			continue
		}
		done, err := s.moveOne(ctx, m.ID, o)
		problems = append(problems, err)
		if done {
			moved++
		}
	}
	return moved, errors.Join(problems...)
}

// moveOne moves one machine's clocks, in a write of its own: whoever read the machine before has to read it
// again. What was moved for more than a day is left to a person.
func (s *sweep) moveOne(ctx context.Context, id string, o outage) (bool, error) {
	const tries = 5
	for range tries {
		m, err := s.Store.Machine(ctx, id)
		if err != nil {
			return false, err
		}
		next := integrity.Outage(m.State, o.from, s.now)
		if next == m.State {
			return false, nil
		}
		c := store.Change{Machine: m, At: s.now}
		if !next.OutageSince.Equal(m.State.OutageSince) || o.over {
			c.Ledger = append(c.Ledger, record.Entry{
				Machine: id, At: s.now, Kind: record.EntryMoved, Generation: next.Generation, Text: "clocks are moved: " + o.why, Detail: due(next),
			})
		}
		if integrity.Frozen(next) {
			if err := s.freeze(&c, &next); err != nil {
				return false, err
			}
		}
		c.Machine.State = next
		if _, err = s.Store.Apply(ctx, c); err == nil {
			s.Log.InfoContext(ctx, "clocks moved", boot.KeyMachine, id, boot.KeyDueAt, next.DueAt, boot.KeyReason, o.why)
			return true, nil
		}
		if !fault.Is(err, fault.Conflict) {
			return false, err
		}
	}
	return false, fault.New(fault.Transient, "moving the clocks of %s: it keeps being changed by others", id)
}

// freeze leaves a machine to a person, and has that told.
func (s *sweep) freeze(c *store.Change, next *integrity.State) error {
	*next = integrity.Held(*next, integrity.HeldFrozen, s.now)
	c.Machine.ToldHeld, c.Machine.ToldHeldAt = fmt.Sprintf("%d %s", next.Generation, integrity.HeldFrozen), s.now
	o, err := s.notice(enforcement.Input{
		Machine: c.Machine.ID, Generation: next.Generation, Policy: c.Machine.Policy, Notice: "held", Why: next.Why,
	}, int(c.Machine.Version)+1)
	c.Start = append(c.Start, o)
	c.Ledger = append(c.Ledger, record.Entry{
		Machine: c.Machine.ID, At: s.now, Kind: record.EntryHeld, Generation: next.Generation, Text: "held: " + guard.ReasonFrozen.Text(),
	})
	return err
}

func due(s integrity.State) string {
	if s.DueAt.IsZero() {
		return ""
	}
	return "due " + s.DueAt.Format(time.RFC3339)
}

// news is whether an outage was not told yet, or goes on for another day.
func (s *sweep) news(o outage) bool {
	_, known := s.watch.Paused[o.policy]
	return o.over || !known || o.days(s.now) > o.days(s.watch.SweptAt)
}

// days are the whole days that an outage lasts at a time.
func (o outage) days(at time.Time) int { return int(at.Sub(o.since) / (24 * time.Hour)) }

// tell has the contact told of an outage. Its name is made of when the outage began, and of the day, so that
// it is told once a day.
func (s *sweep) tell(ctx context.Context, o outage, moved int) error {
	silent, err := s.silent(ctx, o)
	if err != nil {
		return err
	}
	in, err := s.notice(enforcement.Input{
		Machine: enforcement.AllMachines, Policy: strings.Trim(o.policy, record.Blind), Notice: "outage",
		Why: fmt.Sprintf("%s; deadlines moved so far: %d; machines whose own mails wait for its end: %d", o.why, moved, silent),
	}, int(o.since.Unix())+o.days(s.now))
	if err != nil {
		return err
	}
	if o.policy != record.Everything && o.policy != record.Blind {
		in.Name += "-" + o.policy
	}
	err = s.Flow.Start(ctx, in.Name, in.Input)
	if fault.Is(err, fault.Conflict) {
		return nil
	}
	if err == nil {
		s.done.Started++
	}
	return err
}

func (s *sweep) notice(in enforcement.Input, attempt int) (record.Start, error) {
	in.Version, in.Kind, in.Account, in.Region = enforcement.Version, enforcement.Tell, s.Account, s.Region
	text, err := json.Marshal(in)
	if err != nil {
		return record.Start{}, fmt.Errorf("encoding input of an execution: %w", err)
	}
	return record.Start{Name: enforcement.Name(in, attempt), Machine: in.Machine, Input: text, At: s.now}, nil
}
