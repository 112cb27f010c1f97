package keyrequest

import (
	"maps"
	"time"

	"github.com/keyward/keyward/shared/record"
)

// TellAgain is the least time between two mails of one kind about the key requests of one machine: who is root on it names
// the boots that it asks from, and could make it ask a thousand times an hour.
const TellAgain = time.Hour

// Tell is the machine with a notice of this kind about its key request noted, and whether it is told: not within TellAgain
// of the last.
func Tell(m record.Machine, kind string, now time.Time) (record.Machine, bool) {
	if last, told := m.Told[kind]; told && now.Sub(last) < TellAgain {
		return m, false
	}
	m.Told = maps.Clone(m.Told)
	if m.Told == nil {
		m.Told = map[string]time.Time{}
	}
	m.Told[kind] = now
	return m, true
}
