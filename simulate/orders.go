package simulate

import (
	"math/rand/v2"
	"time"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/simulate/world"
)

// orders has a person have a machine's key taken now and then, whatever the machine is, and given back hours or days
// later. It draws from numbers of its own, so that everything else happens as without it.
func (f *fleet) orders(seed uint64) {
	random := rand.New(rand.NewPCG(seed, 4711))
	var next func()
	next = func() {
		f.After(time.Duration(random.Int64N(int64(12*time.Hour))), func() {
			s := f.all[random.IntN(len(f.all))]
			back := time.Hour + time.Duration(random.Int64N(int64(40*time.Hour)))
			next()
			id := s.guest.ID
			if m := f.Store.Peek(id); m == nil || m.State.Key != integrity.KeyReleased || s.commandStands {
				return
			}
			s.commandedAt = f.Now()
			f.note(s, "people", "order that its key is taken")
			f.wants("POST", "/v1/requests/"+id+"/"+s.bootID(s.boots)+"/revoke", record.Reason{Reason: "stolen"}, func() {})
			f.After(back, func() {
				if !s.commandStands {
					return // it was refused, or came to nothing
				}
				f.note(s, "people", "want its key given back")
				s.wantedAt = f.Now()
				f.wants("POST", "/v1/machines/"+id+"/restore", record.Reason{Reason: "found"}, func() {})
			})
		})
	}
	next()
}

// commanded follows an order from the machine's record: one that nobody gave is none, and it is over when it came to
// nothing or its key was given back.
func (f *fleet) commanded(s *subject, c world.Written) {
	before, after := c.Before.Machine.State.CommandedAt, c.Machine.State.CommandedAt
	switch {
	case before.IsZero() && !after.IsZero():
		if s.commandedAt.IsZero() {
			f.violate(s, commandedByNobody, "an order stands")
		}
		if s.commandStands = true; f.Now().Sub(s.commandedAt) > time.Hour {
			s.commandedAt = f.Now() // AWS was in trouble when it was given
		}
	case !before.IsZero() && after.IsZero():
		s.commandStands, s.commandOver = false, f.Now()
		if c.Machine.State.Standing != integrity.Bad {
			s.warnedAt, s.promised = time.Time{}, time.Time{} // it is judged anew
		}
	}
}

// scanCommanded: an order is carried out soon, or comes to nothing.
func (f *fleet) scanCommanded(s *subject, m *record.Machine) {
	open := s.commandStands && m.State.Key == integrity.KeyReleased
	mark(&s.commandOpen, open, f.Now())
	if f.past(s.commandOpen, allowedIdle) {
		f.violate(s, commandForgotten, "its key is "+string(m.State.Key))
		s.commandOpen = time.Time{}
	}
}
