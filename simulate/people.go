package simulate

import (
	"slices"
	"strconv"
	"strings"
	"time"

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

// puts has a person turn revoking on over machines that fail already: each of them has to be warned, and to have the
// whole grace.
func (f *fleet) puts() {
	f.After(time.Duration(f.options.Days)*8*time.Hour, func() {
		for _, k := range f.kinds {
			if text := k.harder(); text != k.text {
				f.wants("PUT", "/v1/policies/"+k.name, text, func() {})
			}
		}
	})
}

// Put is world.Watch's.
func (f *fleet) Put(p record.Policy) {
	for _, k := range f.kinds {
		if k.name == p.Name && k.text != p.Text {
			k.read(p.Text, p.Version, f.Now())
			f.noteAll("people", "put version "+strconv.Itoa(p.Version)+" of "+p.Name)
		}
	}
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

// reset lets the rules of policies revoke again that tripped.
func (f *fleet) reset() {
	for _, k := range f.kinds {
		if len(f.Store.PeekRules(k.name).Trips) > 0 {
			f.wants("POST", "/v1/breaker/policy:"+k.name+"/reset", record.Reason{Reason: "looked into"}, func() {
				f.noteAll("people", "reset the rules of "+k.name)
			})
		}
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
		d := time.Hour + time.Duration(f.random.Int64N(int64(40*time.Hour)))
		lifted := f.random.IntN(3) == 0
		before := len(s.waivers)
		f.wants("POST", "/v1/waivers", record.WaiverWish{
			Scope: record.Scope("machine:" + m.ID), Rule: m.Findings[0].Rule, Reason: "until the maintenance", Expires: f.Now().Add(d),
		}, func() {
			if !lifted || len(s.waivers) == before {
				return
			}
			id := s.waivers[len(s.waivers)-1].ID
			f.After(time.Duration(f.random.Int64N(int64(d))), func() {
				f.wants("DELETE", "/v1/waivers/"+id, record.Reason{Reason: "done"}, func() {})
			})
		})
	})
}

// Waived is world.Watch's.
func (f *fleet) Waived(v record.Waiver) {
	s := f.byID[strings.TrimPrefix(string(v.Scope), "machine:")]
	if s == nil {
		return
	}
	i := slices.IndexFunc(s.waivers, func(w record.Waiver) bool { return w.ID == v.ID })
	if i < 0 {
		s.waivers = append(s.waivers, v)
		f.note(s, "people", "waive it until "+brief(v.Expires))
		return
	}
	s.waivers[i] = v
	f.note(s, "people", "lift the waiver")
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
	why := record.HoldWish{Reason: "maintenance"}
	if ends := f.random.IntN(2) == 0; ends {
		why.Expires = f.Now().Add(d).Truncate(time.Second)
	}
	path := "/v1/holds/" + string(scope)
	f.wants("PUT", path, why, func() {
		f.After(d, func() { f.wants("DELETE", path, record.Reason{Reason: "over"}, func() {}) })
	})
}
