package record

import "time"

// Watch is what the sweep notes of its own work: the heartbeat of the stack, and what it found that nobody
// could look at. The zero value is a stack whose sweep was never completed.
type Watch struct {
	SweptAt time.Time        `json:"sweptAt"`          // when the last sweep that was completed began
	Paused  map[string]Pause `json:"paused,omitempty"` // policies whose deadlines are moved, by name; Everything for all
	Version int64            `json:"version"`          // raised by each write; 0 is not written yet
}

// Keys of pauses that are not one policy's; no policy has such a name.
const (
	Everything = ""  // all deadlines are moved
	Blind      = "*" // machines whose clocks stand still, each by itself, since it could not be looked at
)

// Pause is a time in which machines cannot be looked at.
type Pause struct {
	Since time.Time `json:"since"`
	Why   string    `json:"why"` // one plain line without a full stop
}

// Beat is what evaluate notes of its own work.
type Beat struct {
	At time.Time `json:"at"` // an evaluation was completed
}
