package simulate

import (
	"slices"
	"time"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/simulate/world"
)

// incident is one thing that can happen to a machine. It calls over when it is over; one that ends the
// machine does not.
type incident struct {
	name    string
	weight  int
	happens func(s *subject, over func())
}

var incidents = []incident{
	{"corrected-early", 20, func(s *subject, over func()) { s.badFor(s.between(20*time.Minute, 3*time.Hour), over) }},
	{"corrected-in-grace", 12, func(s *subject, over func()) {
		s.open()
		s.after(time.Minute, 20*time.Minute, func() {
			s.check()
			s.after(5*time.Minute, 90*time.Minute, func() { s.corrected(over) })
		})
	}},
	{"bad-for-hours", 20, func(s *subject, over func()) { s.badFor(s.between(5*time.Hour, 60*time.Hour), over) }},
	{"bad-for-good", 2, func(s *subject, _ func()) { s.open() }},
	{"flapping", 10, flap},
	{"flicker", 6, func(s *subject, over func()) { s.badFor(s.between(time.Minute, 8*time.Minute), over) }},
	{"agent-offline", 8, func(s *subject, over func()) {
		s.silent(func(g *world.Guest, on bool) { g.Offline = on }, s.between(time.Hour, 60*time.Hour), over)
	}},
	{"agent-mute", 6, func(s *subject, over func()) {
		s.silent(func(g *world.Guest, on bool) { g.Mute = on }, s.between(time.Hour, 60*time.Hour), over)
	}},
	{"output-garbled", 4, func(s *subject, over func()) {
		s.silent(func(g *world.Guest, on bool) { g.Garbled = on }, s.between(time.Hour, 40*time.Hour), over)
	}},
	{"silent-when-due", 8, func(s *subject, over func()) {
		s.open()
		s.check()
		s.after(10*time.Minute, 3*time.Hour, func() {
			s.silent(func(g *world.Guest, on bool) { g.Offline = on }, s.between(2*time.Hour, 40*time.Hour), func() {
				s.after(time.Hour, 10*time.Hour, func() { s.corrected(over) })
			})
		})
	}},
	{"stopped", 8, func(s *subject, over func()) { s.stopFor(s.between(20*time.Minute, 40*time.Hour), over) }},
	{"stopped-for-days", 2, func(s *subject, over func()) { s.stopFor(s.between(30*time.Hour, 100*time.Hour), over) }},
	{"stopped-in-grace", 6, func(s *subject, over func()) {
		s.open()
		s.check()
		s.after(10*time.Minute, 3*time.Hour, func() {
			s.stopFor(s.between(30*time.Minute, 30*time.Hour), func() {
				s.after(2*time.Hour, 12*time.Hour, func() { s.corrected(over) })
			})
		})
	}},
	{"terminated", 1, func(s *subject, _ func()) { s.ended() }},
	{"terminated-in-grace", 1, func(s *subject, _ func()) {
		s.open()
		s.check()
		s.after(10*time.Minute, 6*time.Hour, s.ended)
	}},
	{"key-changed-by-others", 3, outside},
	{"key-shared", 3, shared},
	{"key-disabled-before", 2, disabledBefore},
	{"rebooted-when-bad", 4, func(s *subject, over func()) {
		s.open()
		s.check()
		s.after(5*time.Minute, 10*time.Hour, func() {
			s.stopFor(s.between(5*time.Minute, 20*time.Minute), func() { s.after(2*time.Hour, 12*time.Hour, func() { s.corrected(over) }) })
		})
	}},
	{"tags-changed", 3, func(s *subject, over func()) {
		s.drifted(s.fleet.Now())
		s.guest.Tags = map[string]string{"keyward:guarded": "true", "keyward:policy": "none"}
		s.open()
		s.check()
		s.after(6*time.Hour, 30*time.Hour, func() {
			s.drifted(time.Time{})
			s.guest.Tags = map[string]string{"keyward:guarded": "true"}
			s.after(3*time.Hour, 12*time.Hour, func() { s.corrected(over) })
		})
	}},
	{"cannot-be-locked", 3, func(s *subject, over func()) {
		s.guest.Busy = true
		s.open()
		s.check()
		s.after(4*time.Hour, 30*time.Hour, func() {
			s.guest.Busy = false
			s.after(3*time.Hour, 9*time.Hour, func() { s.corrected(over) })
		})
	}},
	{"patched", 4, func(s *subject, over func()) {
		s.fleet.note(s, "outside", "somebody has it patched")
		s.fleet.SSM.Patch(s.guest.ID)
		s.badFor(s.between(2*time.Minute, 40*time.Minute), over)
	}},
	{"rebooted", 4, func(s *subject, over func()) { s.stopFor(s.between(5*time.Minute, 20*time.Minute), over) }},
}

func (s *subject) after(least, most time.Duration, f func()) {
	s.fleet.After(s.between(least, most), f)
}

func (s *subject) open() {
	s.change("listens on tcp/80", func(g *world.Guest) { g.Ports = []int{22, 80} })
}

// corrected puts it right, and half of the time somebody has it looked at.
func (s *subject) corrected(over func()) {
	s.change("listens on tcp/80 no more", func(g *world.Guest) { g.Ports = []int{22} })
	if s.halted && s.guest.Power == integrity.Stopped {
		s.halted = false
		s.change("is started by people", func(g *world.Guest) { s.fleet.Turn(g, integrity.Running) })
		s.boot()
	}
	if s.random.IntN(2) == 0 {
		s.after(time.Second, 10*time.Minute, s.check)
	}
	over()
}

func (s *subject) badFor(d time.Duration, over func()) {
	s.open()
	if s.random.IntN(2) == 0 {
		s.after(time.Second, 20*time.Minute, s.check)
	}
	s.fleet.After(d, func() { s.corrected(over) })
}

func (s *subject) silent(alter func(*world.Guest, bool), d time.Duration, over func()) {
	s.change("falls silent", func(g *world.Guest) { alter(g, true) })
	s.fleet.After(d, func() {
		s.change("answers again", func(g *world.Guest) { alter(g, false) })
		over()
	})
}

func (s *subject) stopFor(d time.Duration, over func()) {
	s.change("stops", func(g *world.Guest) { s.fleet.Turn(g, integrity.Stopped) })
	s.fleet.After(d, func() {
		s.change("runs again", func(g *world.Guest) { s.fleet.Turn(g, integrity.Running) })
		if s.random.Float64() >= s.fleet.Faults.Missing {
			s.fleet.Event("inspect", s.guest.ID, []byte(`{"source":"aws.ec2","detail":{"instance-id":"`+s.guest.ID+`","state":"running"}}`))
		}
		s.boot()
		over()
	})
}

func (s *subject) ended() {
	s.change("is terminated", func(g *world.Guest) { s.fleet.Turn(g, integrity.Gone) })
}

// flap is bad and good by turns.
func flap(s *subject, over func()) {
	var turn func(left int)
	turn = func(left int) {
		s.open()
		if s.random.IntN(3) == 0 {
			s.check()
		}
		s.after(5*time.Minute, 5*time.Hour, func() {
			if left == 0 {
				s.corrected(over)
				return
			}
			s.corrected(func() { s.after(5*time.Minute, 5*time.Hour, func() { turn(left - 1) }) })
		})
	}
	turn(2 + s.random.IntN(5))
}

// outside is somebody with rights of their own at work on the key: it is disabled and enabled again, or its
// session is granted more.
func outside(s *subject, over func()) {
	s.outsider = true
	s.fleet.note(s, "outside", "somebody else changes the key")
	if s.mode == policy.DisableKey {
		s.fleet.Keys.Set(s.key, "Disabled")
		s.after(time.Hour, 20*time.Hour, func() {
			s.fleet.Keys.Set(s.key, "Enabled")
			over()
		})
		return
	}
	s.fleet.Keys.Foreign(s.key, "somebody-else", s.guest.Session)
	over()
}

// shared is a machine whose key another one came to use: with disable-key it would lose it too.
func shared(s *subject, over func()) {
	if s.mode != policy.DisableKey {
		s.badFor(s.between(5*time.Hour, 40*time.Hour), over)
		return
	}
	s.open()
	s.check()
	s.fleet.EC2.Attach(s.key, "vol-0123456789abcdef0", "i-0fedcba9876543210")
	s.fleet.note(s, "outside", "another machine's volume is under its key")
	s.after(time.Hour, 10*time.Hour, func() {
		s.fleet.EC2.Delete(s.key, "vol-0123456789abcdef0")
		s.fleet.note(s, "outside", "no other volume is under its key any more")
		s.after(time.Hour, 20*time.Hour, func() { s.corrected(over) })
	})
}

// disabledBefore is a bad machine whose key somebody else disabled before we could: what was not taken is not given
// back.
func disabledBefore(s *subject, over func()) {
	if s.mode == policy.DisableKey {
		s.outsider = true
		s.fleet.note(s, "outside", "somebody else disables the key")
		s.fleet.Keys.Set(s.key, "Disabled")
	}
	s.badFor(s.between(5*time.Hour, 40*time.Hour), over)
}

// weather is what AWS does to everybody now and then: a service is down for a while.
func (f *fleet) weather() {
	services := []string{"ssm", "ssm", "ec2", "kms", "dynamodb", "ses", "states", "lambda"}
	longest := map[string]time.Duration{"ses": 40 * time.Second, "dynamodb": 10 * time.Minute, "states": 20 * time.Minute}
	f.After(time.Duration(f.random.Int64N(int64(8*24*time.Hour))), func() {
		service := services[f.random.IntN(len(services))]
		most := longest[service]
		if most == 0 {
			most = 5 * time.Hour
		}
		d := time.Duration(f.random.Int64N(int64(most)))
		f.Outage(service, d)
		f.outages = append(f.outages, span{f.Now(), f.Now().Add(d)})
		f.noteAll("weather", service+" is down for "+d.Round(time.Second).String())
		f.weather()
	})
}

// down is how much of the time from an instant until now AWS was in trouble somewhere.
func (f *fleet) down(from time.Time) (sum time.Duration) {
	for _, o := range slices.Backward(f.outages) {
		if o.to.Before(from) {
			continue
		}
		if o.from.Before(from) {
			o.from = from
		}
		if o.to.After(f.Now()) {
			o.to = f.Now()
		}
		sum += max(0, o.to.Sub(o.from))
	}
	return sum
}
