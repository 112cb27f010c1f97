// Package integrity is the standing of one machine and the one pure function that moves it: from a
// state and a verdict to the next state and what has to follow. It asks no clock and calls nobody:
// evaluate, the simulation and the tests run the same code.
//
// Only evidence moves a machine: never a timeout, an error of ours, a missing document, or an
// inspection older than the last one that was judged.
package integrity

import "time"

// Standing is whether a machine is in order. The zero value is Unknown.
type Standing string

// The standings.
const (
	Unknown Standing = ""
	Good    Standing = "Good"
	Bad     Standing = "Bad"
)

// KeyState is what Keyward did with the machine's key. Words of the design: ordered, confirmed.
type KeyState string

// The states of a key.
const (
	KeyUntouched KeyState = ""         // never released or revoked by Keyward
	KeyReleased  KeyState = "Released" // the machine has access
	KeyRevoking  KeyState = "Revoking" // an intent is written, KMS may have been asked
	KeyRevoked   KeyState = "Revoked"  // KMS was read back twice
	KeyWithdrawn KeyState = "Withdrawn"
)

// Presence is whether the machine is there to be looked at.
type Presence string

// The presences. The zero value is not known: our own outage, treated as a frozen clock.
const (
	PresenceUnknown Presence = ""
	Running         Presence = "running"
	Stopped         Presence = "stopped"
	Gone            Presence = "gone" // terminated or deregistered, confirmed twice
)

// State is a machine's standing with all its clocks. The zero value is a machine that was never
// judged. All times are UTC; a zero time means "not set".
type State struct {
	Standing   Standing  `json:"standing"`
	Since      time.Time `json:"since"`
	Why        string    `json:"why,omitempty"` // one line: the first bad finding, why it is unknown, or what of a Good one is waived
	Key        KeyState  `json:"key"`
	KeySince   time.Time `json:"keySince"`
	Generation int64     `json:"generation"` // raised by each thing that makes older executions stale

	LastEvidence time.Time `json:"lastEvidence"`  // when the newest judged inspection was sent
	LastVerdict  string    `json:"lastVerdict"`   // Pass, Fail, Unknown
	Failures     int       `json:"failures"`      // failing inspections in Row while not yet Bad
	Row          string    `json:"row,omitempty"` // the newest that were counted, oldest first: F failed, P passed

	WarnedAt    time.Time     `json:"warnedAt"`    // the warning of this violation was accepted
	DueAt       time.Time     `json:"dueAt"`       // revocation; whole seconds; zero until warned
	PromisedAt  time.Time     `json:"promisedAt"`  // deadline of an earlier warning of this violation, which bounced
	CorrectedAt time.Time     `json:"correctedAt"` // of the last correction
	OldDueAt    time.Time     `json:"oldDueAt"`    // deadline that a relapse resumes
	SilentSince time.Time     `json:"silentSince"` // first Unknown after the last known verdict
	Silence     bool          `json:"silence"`     // this violation is silence, not a failed rule
	FrozenSince time.Time     `json:"frozenSince"` // clocks stand still: stopped, or we cannot look
	Frozen      time.Duration `json:"frozen"`      // added up for this violation

	LookAt    time.Time `json:"lookAt"` // next extra inspection that the sweep asks for
	Looks     int       `json:"looks"`  // retries asked for since the revocation or denial
	RemindAt  time.Time `json:"remindAt"`
	SettledAt time.Time `json:"settledAt"`         // verdicts before it move nothing
	HeldFor   string    `json:"heldFor,omitempty"` // why an enforcement stands still; "" when none does
	HeldSince time.Time `json:"heldSince"`
	GoneOnce  time.Time `json:"goneOnce"` // first report that the machine is gone

	LastNews   time.Time `json:"lastNews"`   // when the newest input of any kind was sent; LastEvidence or later
	CountedAt  time.Time `json:"countedAt"`  // when the newest inspection of Row was sent
	BlindSince time.Time `json:"blindSince"` // we cannot look since; zero while we can
	GoneAt     time.Time `json:"goneAt"`     // confirmed gone
	GoodAt     time.Time `json:"goodAt"`     // when the newest inspection that passed was sent: last proven in order
	KnownAt    time.Time `json:"knownAt"`    // when the newest that passed or failed was sent

	OutageSince time.Time `json:"outageSince"` // the outage of ours that moved the clocks last began for this machine
	OutageTo    time.Time `json:"outageTo"`    // up to when outages of ours have moved its clocks
	ResumedAt   time.Time `json:"resumedAt"`   // a person let it go on

	Unwaived  bool `json:"unwaived,omitempty"`  // this violation began because waivers ended, with a grace of its own
	Permitted bool `json:"permitted,omitempty"` // what the key was revoked for is waived since, and not corrected

	// CommandedAt is when a person ordered that the key is taken, whatever the verdict: until it was given back, or the order
	// came to nothing. Meanwhile no verdict moves the machine, and only a person has the key given back.
	CommandedAt time.Time `json:"commandedAt,omitzero"`

	Changes Moments `json:"changes,omitempty"` // when the key was taken or given back, the newest
}

// Input is one judged inspection, or the news that there was none.
type Input struct {
	Verdict  string    // Pass, Fail, Unknown: policy.Verdict's words
	Sent     time.Time // when the inspection was sent; older than State.LastEvidence changes nothing
	Presence Presence  // from EC2 and SSM
	Why      string    // one line for State.Why

	// Permitted: it passes, and nothing was corrected: what it failed by is waived. Then no old deadline is
	// left that a relapse could resume.
	Permitted bool
	// WaiverEnded: it fails by nothing but what was waived until lately. That is no relapse, but a violation
	// of its own, with a warning and the full grace.
	WaiverEnded bool
}

// Effect is what has to follow from a move. Each but LookAgain becomes one execution.
type Effect string

// The effects.
const (
	Warn        Effect = "warn"        // kind enforce: warning, wait, look, revoke
	Revoke      Effect = "revoke"      // due now and failed: the running enforcement goes on to revoke
	StandDown   Effect = "standDown"   // corrected before the deadline: tell
	Restore     Effect = "restore"     // corrected after a revocation: kind restore
	Hold        Effect = "hold"        // stands still for a person: tell
	NotifyBad   Effect = "notifyBad"   // onFail: notify: tell once
	Remind      Effect = "remind"      // still bad: tell
	CannotCheck Effect = "cannotCheck" // silence began to count, or ended in hold: tell
	Withdraw    Effect = "withdraw"    // machine gone: its grant is withdrawn, kind look
)
