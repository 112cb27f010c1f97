package simulate

import (
	"context"
	"fmt"
	"time"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// people set and lift holds: on everything, on a policy, on a machine, some with an end.
func (f *fleet) people() {
	f.After(time.Duration(f.random.Int64N(int64(18*time.Hour))), func() {
		scope := record.Scope("global")
		switch n := f.random.IntN(10); {
		case n < 3:
			scope = record.Scope("policy:" + f.kinds[f.random.IntN(len(f.kinds))].name)
		case n < 9:
			scope = record.Scope("machine:" + f.wanted())
		}
		f.hold(scope, time.Duration(f.random.Int64N(int64(5*time.Hour))))
		f.people()
	})
}

// changes has a change calendar close now and then.
func (f *fleet) changes() {
	f.After(time.Duration(f.random.Int64N(int64(20*time.Hour))), func() {
		f.Calendars.Shut(calendar, true)
		f.noteAll("calendar", "is closed")
		f.After(time.Duration(f.random.Int64N(int64(9*time.Hour))), func() {
			f.Calendars.Shut(calendar, false)
			f.noteAll("calendar", "is open")
			f.changes()
		})
	})
}

// reset is what keyward breaker reset writes.
func (f *fleet) reset() {
	for _, k := range f.kinds {
		b := f.Store.PeekRules(k.name)
		if len(b.Trips) == 0 {
			continue
		}
		b.Trips, b.ResetAt, b.ResetBy, b.ResetReason = nil, f.Now(), person, "looked into"
		if err := f.Store.ChangeBreaker(context.Background(), record.BreakerChange{Rules: &b}); err != nil {
			panic(err)
		}
		f.noteAll("people", "reset the rules of "+k.name)
	}
}

// waive allows what a machine fails by, for hours or days; some are lifted before their end.
func (f *fleet) waive() {
	f.After(time.Duration(f.random.Int64N(int64(20*time.Hour))), func() {
		defer f.waive()
		s := f.byID[f.wanted()]
		m := f.Store.Peek(s.guest.ID)
		if m == nil || len(m.Findings) == 0 || len(m.Findings[0].Values) == 0 {
			return
		}
		f.waivers++
		d := time.Hour + time.Duration(f.random.Int64N(int64(40*time.Hour)))
		v := record.Waiver{
			ID: fmt.Sprintf("w-%012x", f.waivers), Scope: record.Scope("machine:" + m.ID), Policy: m.Policy, Rule: m.Findings[0].Rule,
			Values: m.Findings[0].Values, Reason: "until the maintenance", By: person, SetAt: f.Now(), Expires: f.Now().Add(d),
		}
		if err := f.Store.SetWaiver(context.Background(), v); err != nil {
			panic(err)
		}
		s.waivers = append(s.waivers, v)
		f.note(s, "people", "waive it for "+d.Round(time.Second).String())
		if f.random.IntN(3) > 0 {
			s.check()
		}
		if f.random.IntN(3) > 0 {
			return
		}
		f.After(time.Duration(f.random.Int64N(int64(d))), func() {
			v.Lifted = &record.Lift{At: f.Now(), By: person, Reason: "done"}
			if err := f.Store.LiftWaiver(context.Background(), v); err != nil {
				panic(err)
			}
			for i := range s.waivers {
				if s.waivers[i].ID == v.ID {
					s.waivers[i] = v
				}
			}
			f.note(s, "people", "lift the waiver")
		})
	})
}

// allowed is whether a waiver that stands at a time covers what the machine is: it listens on one port, which
// every waiver here is about.
func (s *subject) allowed(at time.Time) bool {
	for _, v := range s.waivers {
		if !at.Before(v.SetAt) && v.Stands(at) && (v.Lifted == nil || at.Before(v.Lifted.At)) {
			return true
		}
	}
	return false
}

// allowedUntil is when the last waiver ended, or will.
func (s *subject) allowedUntil() (end time.Time) {
	for _, v := range s.waivers {
		at := v.Expires
		if v.Lifted != nil {
			at = v.Lifted.At
		}
		if at.After(end) {
			end = at
		}
	}
	return end
}

// wanted is a machine that a person would hold: one that is bad, when there is one.
func (f *fleet) wanted() string {
	at := f.random.IntN(len(f.all))
	for i := range f.all {
		if s := f.all[(at+i)%len(f.all)]; s.bad() && s.runs() {
			return s.guest.ID
		}
	}
	return f.all[at].guest.ID
}

// hold is set for a while. Half of them say when they end, the others are lifted.
func (f *fleet) hold(scope record.Scope, d time.Duration) {
	h := record.Hold{Scope: scope, Reason: "maintenance", By: person, SetAt: f.Now()}
	if ends := f.random.IntN(2) == 0; ends {
		h.Expires = f.Now().Add(d)
	}
	if err := f.Store.SetHold(context.Background(), h); err != nil {
		panic(err) // a person's call is not subject to the weather
	}
	f.After(d, func() {
		err := f.Store.LiftHold(context.Background(), scope)
		if err != nil && !fault.Is(err, fault.NotFound) {
			panic(err)
		}
	})
}
