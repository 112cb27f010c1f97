package record

import "time"

// Storm is where the warnings of one group stand: those about one policy that go to the same people, so that many at
// once become one mail. Its zero value is a group that nobody was warned of.
type Storm struct {
	Group   string    `json:"group"`
	Version int64     `json:"version"`          // raised by each write; 0 is not written yet
	Alone   string    `json:"alone,omitempty"`  // the machine whose warnings go by themselves
	LastAt  time.Time `json:"lastAt,omitzero"`  // when the last mail was on its way
	OpensAt time.Time `json:"opensAt,omitzero"` // when those that wait are warned; zero: nobody waits
	Round   int       `json:"round,omitempty"`  // how often they were, since it was quiet

	Leader      string    `json:"leader,omitempty"` // the execution that warns for all of them
	LeaderUntil time.Time `json:"leaderUntil,omitzero"`
}

// Stormed is a machine whose warning waits for others.
type Stormed struct {
	Machine    string `json:"machine"`
	Generation int64  `json:"generation"`
	Execution  string `json:"execution"`
}

// Same is a notice that was told by the mail of another.
type Same struct {
	Machine   string `json:"machine"`
	Reference string `json:"reference"`
}
