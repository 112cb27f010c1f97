package integrity

import (
	"strings"
	"time"

	"github.com/keyward/keyward/shared/policy"
)

// ChangesWindow is the time in which the changes of one key are counted.
const ChangesWindow = 24 * time.Hour

// defaultChanges is how often a key may change in ChangesWindow when a policy says nothing.
const defaultChanges = 4

// Moments are the newest points in time of something that repeats, as text, oldest first: a value that
// can be compared, and read by people.
type Moments string

// most is how many are kept: as many as a policy may allow.
const most = 100

func (m Moments) add(at time.Time) Moments {
	all := append(strings.Fields(string(m)), at.UTC().Format(time.RFC3339))
	return Moments(strings.Join(all[max(0, len(all)-most):], " "))
}

// within is how many lie in the window that ends now. What cannot be read counts: it is doubt.
func (m Moments) within(window time.Duration, now time.Time) int {
	n := 0
	for _, text := range strings.Fields(string(m)) {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil || now.Sub(at) < window {
			n++
		}
	}
	return n
}

// keep drops what lies before the window, so that a quiet machine carries no list.
func (m Moments) keep(window time.Duration, now time.Time) Moments {
	var kept []string
	for _, text := range strings.Fields(string(m)) {
		if at, err := time.Parse(time.RFC3339, text); err != nil || now.Sub(at) < window {
			kept = append(kept, text)
		}
	}
	return Moments(strings.Join(kept, " "))
}

// Flapping is whether the key was taken and given back as often within ChangesWindow as the policy allows,
// so that a person has to decide on the next change.
func Flapping(s State, t policy.Integrity, now time.Time) bool {
	budget := t.Changes
	if budget <= 0 {
		budget = defaultChanges
	}
	return s.Changes.within(ChangesWindow, now) >= budget
}

// changed notes that the key was taken or given back.
func (s *State) changed(now time.Time) {
	s.Changes = s.Changes.keep(ChangesWindow, now).add(now)
}

// Resumed is a person's decision that a machine which was left to a person goes on: the key's changes are
// counted anew, and what is owed runs. It changes nothing unless such a hold is what it is held for.
func Resumed(s State, now time.Time) State {
	if !EndedByPerson(s.HeldFor) {
		return s
	}
	s.Changes, s.ResumedAt = "", now.UTC()
	if !s.OutageSince.IsZero() {
		s.OutageSince = now.UTC() // another day, if it goes on
	}
	if !s.BlindSince.IsZero() {
		s.BlindSince = now.UTC()
	}
	return Unheld(s, now)
}
