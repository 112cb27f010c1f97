package record

import "time"

// Breaker is the limit on revocations in a window, over all machines of the stack, as it stands. There is
// one. Its size is bounded by the limit, of which the template allows 1,000.
type Breaker struct {
	Spent       []Spent   `json:"spent,omitempty"` // oldest first, one a machine; older ones than the window count no more
	Guarded     int       `json:"guarded"`         // enrolled machines, as the sweep counted them last
	OpenSince   time.Time `json:"openSince,omitzero"`
	Openings    int64     `json:"openings"` // how often it opened
	ToldAt      time.Time `json:"toldAt,omitzero"`
	ResetAt     time.Time `json:"resetAt,omitzero"`
	ResetBy     string    `json:"resetBy,omitempty"`
	ResetReason string    `json:"resetReason,omitempty"`
	Version     int64     `json:"version"` // raised by each write; 0 is not written yet
}

// Spent is a revocation that counts: its intent was written at At.
type Spent struct {
	Machine    string    `json:"machine"`
	Generation int64     `json:"generation"`
	At         time.Time `json:"at"`
}

// RuleBreaker is the breaker on the rules of one policy: what was stopped since too many machines that had
// complied failed it at once.
type RuleBreaker struct {
	Policy      string    `json:"policy"`
	Trips       []Trip    `json:"trips,omitempty"`
	ResetAt     time.Time `json:"resetAt,omitzero"` // failures that began before count no more
	ResetBy     string    `json:"resetBy,omitempty"`
	ResetReason string    `json:"resetReason,omitempty"`
	Version     int64     `json:"version"` // raised by each write; 0 is not written yet
}

// Trip is one rule of one version of a policy that only notifies any more.
type Trip struct {
	PolicyVersion int       `json:"policyVersion"`
	Rule          string    `json:"rule,omitempty"` // empty: every rule of the version
	Failed        int       `json:"failed"`         // machines that newly failed it
	Passed        int       `json:"passed"`         // machines that complied before, those among them
	At            time.Time `json:"at"`
}

// BreakerEvent is one line of what was done about the breakers. Events are never changed.
type BreakerEvent struct {
	At    time.Time `json:"at"`
	Kind  string    `json:"kind"` // opened, closed, tripped, reset
	Scope Scope     `json:"scope"`
	Text  string    `json:"text"`
	By    string    `json:"by,omitempty"`   // ARN of the person who reset it
	Call  string    `json:"call,omitempty"` // by which a reset that is sent again is known, when it has an idempotency key
}

// The kinds of breaker event.
const (
	BreakerOpened  = "opened"
	BreakerClosed  = "closed"
	BreakerTripped = "tripped"
	BreakerReset   = "reset"
)

// BreakerChange is one change of a breaker: everything in it is written, or nothing. The versions are
// those that were read; the store raises them.
type BreakerChange struct {
	Breaker *Breaker
	Rules   *RuleBreaker
	Event   *BreakerEvent
	Start   *Start // for the outbox
}

// BreakerMachine is the name that executions about the breaker have in place of a machine's id: "breaker",
// for one on the rules with "-" and the policy's name.
const BreakerMachine = "breaker"

// RuleLimit is when the breaker on a rule trips: more than Percent of the machines that complied newly fail it, and at least
// Machines of them.
type RuleLimit struct {
	Percent  int `json:"percent"`
	Machines int `json:"machines"`
}

// BreakerView is what the people's API shows of the breakers.
type BreakerView struct {
	Breaker Breaker        `json:"breaker"` // Spent are those that count now
	Limit   int            `json:"limit"`   // machines in the window
	Room    int            `json:"room"`
	Window  string         `json:"window"` // such as 1h0m0s
	Newly   RuleLimit      `json:"newly"`  // when a rule trips
	Waiting []string       `json:"waiting"`
	Rules   []RuleBreaker  `json:"rules"`
	Events  []BreakerEvent `json:"events"` // newest first, at most 50
}
