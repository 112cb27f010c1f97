// Package policy is the language in which people say what a machine has to be like: a YAML document
// that is parsed and compiled with the position of every error, and Evaluate, which judges evidence
// by it and returns a verdict with the reasons.
//
// It refuses what it does not understand, never asks for the time and never reads anything but its
// arguments. evaluate, api and the command line call it.
package policy

import "time"

// Limits of a policy document.
const (
	MaxBytes = 64 << 10
	MaxDepth = 20
	MaxName  = 32
	MaxRules = 100
)

// DefaultName is the built-in policy of machines that no other policy matches: it has no rules, so
// its verdict is Unknown and its requests are held for a person.
const DefaultName = "default"

// Policy is a parsed and compiled policy. Only Parse and Default make usable ones.
type Policy struct {
	Name        string    `json:"policy"`
	Description string    `json:"description,omitempty"`
	Machines    Machines  `json:"machines"`
	Schedule    Schedule  `json:"schedule"`
	Rules       []Rule    `json:"-"`
	Requests    Requests  `json:"requests"`
	Integrity   Integrity `json:"integrity"`
	Notify      Notify    `json:"notify"`

	Version int    `json:"version"` // set by the store, 1 for the first; 0 before it was put
	Digest  string `json:"digest"`  // sha256 of the text, hex
	Text    string `json:"-"`       // the document as it was put
}

// Machines says which machines a policy is for. Enrolment may name a policy outright; else the
// policy of the highest priority that matches wins.
type Machines struct {
	IDs      []string          `json:"ids,omitempty"`
	Tags     map[string]string `json:"tags,omitempty"` // all must match
	Except   []string          `json:"except,omitempty"`
	Priority int               `json:"priority,omitempty"` // 0 to 1000
}

// Schedule is when machines are inspected. The zero value means: with the stack's own schedule.
type Schedule struct {
	Daily    string        `json:"daily,omitempty"`    // "04:30"
	WeeklyOn string        `json:"weeklyOn,omitempty"` // sunday … saturday, with WeeklyAt
	WeeklyAt string        `json:"weeklyAt,omitempty"`
	TimeZone string        `json:"timeZone,omitempty"` // IANA name; UTC when empty
	Spread   time.Duration `json:"spread,omitempty"`   // up to 1 h, whole minutes
	Surprise int           `json:"surprise,omitempty"` // extra looks a day at unannounced times, 0 to 24
}

// Decision is what happens to a key request.
type Decision string

// The decisions.
const (
	Approve Decision = "approve"
	Deny    Decision = "deny"
	Hold    Decision = "hold" // for a person
)

// Requests says what becomes of a key request.
type Requests struct {
	OnPass      Decision      `json:"onPass"`      // approve unless said otherwise
	OnFail      Decision      `json:"onFail"`      // deny
	OnUnknown   Decision      `json:"onUnknown"`   // hold; approve is refused
	EvidenceAge time.Duration `json:"evidenceAge"` // older evidence is not used; default 1 h
	Expire      time.Duration `json:"expire"`      // a held request, and an approval that the machine does not come for; default 24 h
	AutoApprove time.Duration `json:"autoApprove"` // a complying machine whose request is held gets its key after that; 0 is never
}

// Action is what follows when a machine stops complying or falls silent.
type Action string

// The actions.
const (
	ActNotify Action = "notify"
	ActHold   Action = "hold"
	ActRevoke Action = "revoke"
)

// Mode is how a key is taken away.
type Mode string

// The modes.
const (
	RevokeGrant Mode = "revoke-grant"
	DisableKey  Mode = "disable-key"
)

// Integrity says what follows from verdicts. integrity.Next reads it and nothing else of a policy.
type Integrity struct {
	OnFail        Action        `json:"onFail"`        // notify unless said otherwise
	Grace         time.Duration `json:"grace"`         // required with revoke; 1 min to 90 days
	Confirm       int           `json:"confirm"`       // failing inspections that make Bad; 1 to 5
	ConfirmOf     int           `json:"confirmOf"`     // of as many of the last; Confirm or less: in a row; up to 10
	SilenceAfter  time.Duration `json:"silenceAfter"`  // default 24 h
	SilenceThen   Action        `json:"silenceThen"`   // hold unless revoke is said; never notify alone
	RetryEvery    time.Duration `json:"retryEvery"`    // looks for a correction; default 30 min
	RetryUpTo     int           `json:"retryUpTo"`     // default 50
	RestoreManual bool          `json:"restoreManual"` // restore: manual
	RestoreAfter  int           `json:"restoreAfter"`  // passing inspections in a row that a restore takes; 1 to 5
	Changes       int           `json:"changes"`       // revocations and restores of one key in 24 h, above it a person decides; 2 to 100
	Settle        time.Duration `json:"settle"`        // after a launch, reboot, patching or restore; default 30 min, may be 0s
	Mode          Mode          `json:"mode"`          // key.mode; revoke-grant unless said otherwise
	SharedAllowed bool          `json:"sharedAllowed"` // key.shared: allowed
	Remind        time.Duration `json:"remind"`        // 0 means never

	Calendars []string `json:"calendars,omitempty"` // names or ARNs of SSM change calendars; a closed one holds

	Lock      bool      `json:"lock,omitempty"`     // key.lock: put the machine at rest before its key goes
	Snapshot  bool      `json:"snapshot,omitempty"` // key.snapshot: of its volumes, before that
	Effect    Effect    `json:"effect,omitempty"`   // key.effect; none unless said
	Safeguard Safeguard `json:"safeguard"`
}

// Effect is what makes a revocation effective: that the data can no longer be read.
type Effect string

// The effects. The zero value is none: a revocation is confirmed and in force, and nothing is said of
// data that the machine has open.
const (
	EffectLock Effect = "lock" // the lock closes the mappings before the key goes: says the machine
	EffectStop Effect = "stop" // EC2 stops the instance once the key is gone: says AWS
)

// Safeguard says how data is kept safe before a key is revoked.
type Safeguard struct {
	Units    []string `json:"units,omitempty"`    // systemd units, in the order in which they are stopped
	Mounts   []string `json:"mounts,omitempty"`   // mount points, in the order in which they are unmounted
	Mappings []string `json:"mappings,omitempty"` // dm-crypt mappings, in the order in which they are closed

	OnFailure      Action        `json:"onFailure"`              // of a step: hold, or revoke all the same
	LockWithin     time.Duration `json:"lockWithin"`             // all steps of the lock together; 10 s to 15 min, default 5 min
	SnapshotWithin time.Duration `json:"snapshotWithin"`         // until all snapshots are complete; 1 min to 24 h, default 1 h
	SnapshotRoot   bool          `json:"snapshotRoot,omitempty"` // of the root volume too

	Quiesce       string        `json:"quiesce,omitempty"`       // systemd service: the application is at rest on disk while it is active
	QuiesceWithin time.Duration `json:"quiesceWithin,omitempty"` // after which systemd itself stops it; 30 s to 10 min, default 1 min; 0 without Quiesce
}

// Notify says who is told.
type Notify struct {
	To       []string `json:"to"`
	TimeZone string   `json:"timeZone,omitempty"` // of the times in mails; the schedule's when empty

	Escalate []Step `json:"escalate,omitempty"` // who hears of what is not put right, the earliest first

	Approvals bool `json:"approvals,omitempty"` // key requests that the policy itself approves are told, too

	Omit []string `json:"omit,omitempty"` // events of Omissible that are not told

	// What mails say beside, with variables in braces (Filled).
	Subject string            `json:"subject,omitempty"` // before each subject
	Header  string            `json:"header,omitempty"`  // the first paragraph of each
	Footer  string            `json:"footer,omitempty"`  // the last paragraph of each
	Texts   map[string]string `json:"texts,omitempty"`   // by event: a paragraph after what happened
}
