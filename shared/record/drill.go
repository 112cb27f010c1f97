package record

import "time"

// DrillPhase is what a fire drill is at.
type DrillPhase string

// The phases, in their order.
const (
	DrillPrepare DrillPhase = "prepare" // the key is made sure of, the machine is enrolled
	DrillRevoke  DrillPhase = "revoke"  // the machine fails: warned, due, revoked, in force
	DrillRestore DrillPhase = "restore" // the machine complies: restored
	DrillEnded   DrillPhase = "ended"
)

// The outcomes of a drill that has ended; of one that runs, what it will be, "" while nothing is wrong.
const (
	DrillGood      = "good"
	DrillFailed    = "failed"
	DrillPrevented = "prevented" // a person's hold or the breaker stopped the revocation, as it has to
)

// Drill is one fire drill. The zero value is none.
type Drill struct {
	ID      string      `json:"id"` // when it began: 20260302T043000Z
	By      string      `json:"by"` // ARN of who started it, or DrillBySchedule
	BegunAt time.Time   `json:"begunAt"`
	EndedAt time.Time   `json:"endedAt,omitzero"` // zero: it runs
	Phase   DrillPhase  `json:"phase"`
	PhaseAt time.Time   `json:"phaseAt"`
	Outcome string      `json:"outcome,omitempty"`
	Why     string      `json:"why,omitempty"` // one line
	Steps   []DrillStep `json:"steps,omitempty"`

	Ill      bool      `json:"ill"`               // what the machine answers: it fails its policy
	AskedAt  time.Time `json:"askedAt,omitzero"`  // it was made to answer last
	GivingAt time.Time `json:"givingAt,omitzero"` // its key was asked back whatever the verdict
	Version  int64     `json:"version"`           // raised by each write; 0 is not written yet
}

// DrillBySchedule is By of a drill that nobody asked for.
const DrillBySchedule = "schedule"

// Runs is whether it has begun and not ended.
func (d Drill) Runs() bool { return d.ID != "" && d.EndedAt.IsZero() }

// DrillStep is one thing that a drill saw happen.
type DrillStep struct {
	Name    string    `json:"name"`
	At      time.Time `json:"at"`
	Seconds float64   `json:"seconds"` // since what it is measured from: docs/drill.md has the table
}
