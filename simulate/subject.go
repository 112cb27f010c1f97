package simulate

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/simulate/world"
)

// subject is one machine with what is true of it: none of it is read from Keyward's records.
type subject struct {
	fleet  *fleet
	index  int
	guest  *world.Guest
	random *rand.Rand
	kind   *kind
	mode   policy.Mode
	key    string
	boots  int

	badSince, goodSince time.Time // one of them is set
	ableSince           time.Time // it can answer; zero while it cannot
	silentSince         time.Time // it runs and cannot answer; zero while it does not run, or can
	runsSince           time.Time
	stood               time.Time // it last did not run

	truths                 map[string]bool // by command: whether it was bad when it answered
	known, before          judged          // the newest evidence that was judged, and the one before
	judgedGood             time.Time       // when it was last judged to be in order
	warnedAt, promised     time.Time       // of the last warning: accepted, and the deadline that it names
	silence                bool            // that warning was of silence
	sent                   map[string]told // mails by reference
	warnings               []string        // references of all warnings
	owed                   map[string]time.Time
	climbs                 map[string]string // mails of steps by how long after, of the violation that began at climbing
	climbing, unclimbed    time.Time
	failedAt               time.Time // an execution of it ended as failed, which rings an alarm
	intent, ordered        int64     // seq of the last such entry in the ledger
	orderedAt, confirmedAt time.Time
	halted                 bool // it was stopped since its key was taken
	lockedSince            time.Time
	driftedAt, undriftedAt time.Time
	takenAt, reserving     time.Time
	takenBy                string    // who took its access last, "" when it was given back
	idleSince, heldWrongly time.Time // the scan: nothing alive, a hold without its cause
	turnedBad              time.Time
	outsider               bool
	waivers                []record.Waiver
	coveredAt              time.Time // it was seen as held
	broken                 map[string]bool
	keyless, unwarned      time.Time

	commandedAt, commandOver time.Time // a person asked that its key is taken; that came to nothing, or was undone
	commandStands            bool
	commandOpen, wantedAt    time.Time // it is not carried out since; the person wants it back
}

// judged is one verdict that was written.
type judged struct {
	sent, at time.Time
	bad      bool
	seq      int64
}

// told is a mail that was sent.
type told struct {
	times    int
	deadline time.Time
}

func (s *subject) between(least, most time.Duration) time.Duration {
	return least + time.Duration(s.random.Int64N(int64(most-least)))
}

// bootID is that of one of its boots.
func (s *subject) bootID(n int) string { return fmt.Sprintf("%08x-%04x", s.index, n) }

func (s *subject) bad() bool { return !s.badSince.IsZero() }

func (s *subject) runs() bool { return s.guest.Power == integrity.Running }

func (s *subject) able() bool { return !s.ableSince.IsZero() }

// change alters the guest and notes what is true from now on.
func (s *subject) change(what string, alter func(g *world.Guest)) {
	g, now := s.guest, s.fleet.Now()
	alter(g)
	bad := false
	for _, p := range g.Ports {
		bad = bad || p == 80
	}
	switch {
	case bad && s.badSince.IsZero():
		s.badSince, s.goodSince = now, time.Time{}
	case !bad && s.goodSince.IsZero():
		s.badSince, s.goodSince = time.Time{}, now
	}
	runs := s.runs()
	able := runs && !g.Offline && !g.Mute && !g.Garbled
	mark(&s.ableSince, able, now)
	mark(&s.silentSince, runs && !able, now)
	mark(&s.runsSince, runs, now)
	if !runs {
		s.stood = now
	}
	s.fleet.note(s, "guest", what)
}

// drifted notes since when its tags say something else than at its enrolment; zero is that they do not.
func (s *subject) drifted(at time.Time) {
	if s.driftedAt = at; at.IsZero() {
		s.undriftedAt = s.fleet.Now()
	}
	s.fleet.note(s, "outside", "its tags change")
}

// mark keeps since when something is so.
func mark(since *time.Time, so bool, now time.Time) {
	switch {
	case !so:
		*since = time.Time{}
	case since.IsZero():
		*since = now
	}
}

// boot has the machine ask for its key until it has it, as the agent on it does.
func (s *subject) boot() {
	s.boots++
	n := s.boots
	var ask func(tries int)
	ask = func(tries int) {
		if n != s.boots || !s.runs() || tries == 0 {
			return
		}
		payload, _ := json.Marshal(keyRequest{Caller: s.guest.Session, Boot: s.bootID(n)})
		s.fleet.Invoke("request", s.guest.ID, payload, func(out any, err error) {
			if status, _ := out.(int); err == nil && status == 200 {
				return
			}
			s.fleet.After(s.between(2*time.Minute, 6*time.Minute), func() { ask(tries - 1) })
		})
	}
	ask(40)
}

// live has something happen to the machine now and then, one thing at a time.
func (s *subject) live() {
	days := -math.Log(1-s.random.Float64()) * s.fleet.options.Quiet
	s.fleet.After(time.Duration(days*24*float64(time.Hour)), func() {
		pick := s.random.IntN(s.fleet.weight)
		for _, i := range s.fleet.incidents {
			if pick -= i.weight; pick < 0 {
				s.fleet.note(s, "guest", "incident: "+i.name)
				i.happens(s, s.live)
				return
			}
		}
	})
}

// check has somebody ask for a look, as the person who put it right does.
func (s *subject) check() {
	event, _ := json.Marshal(inspection.Request{Version: inspection.Version, Purpose: record.Check, Machines: []string{s.guest.ID}})
	s.fleet.Event("inspect", s.guest.ID, event)
}
