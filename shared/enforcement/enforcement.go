// Package enforcement is the contract between whoever starts the state machine and its tasks: the
// input of an execution, the payload and result of each task, and the names. It is versioned, since
// executions wait for days and meet newer functions. Pure values; evaluate, sweep and api start
// executions, recheck, revoke, restore and notify serve them.
package enforcement

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Version of Input and Task that this code writes.
const Version = 1

// AllMachines stands in for a machine's id where a notice is about no machine alone.
const AllMachines = "all-machines"

// Kind is what an execution is for.
type Kind string

// The kinds.
const (
	Enforce Kind = "enforce" // warn, wait, look, revoke
	Look    Kind = "look"    // enforce without the warning
	Restore Kind = "restore"
	Tell    Kind = "tell" // one notice
)

// Input is an execution's input. Tasks add their results to it under the names that Task shows.
type Input struct {
	Version    int       `json:"version"`
	Kind       Kind      `json:"kind"`
	Account    string    `json:"account"`
	Region     string    `json:"region"`
	Machine    string    `json:"machine"`
	Generation int64     `json:"generation"` // the machine's when this was decided
	Policy     string    `json:"policy"`
	Notice     string    `json:"notice,omitempty"` // kind tell: which notice
	DueAt      time.Time `json:"dueAt,omitzero"`   // known before for kind look
	Why        string    `json:"why,omitempty"`
	Missed     []string  `json:"missed,omitempty"`  // kind tell: who did not get this notice when it was sent before
	By         string    `json:"by,omitempty"`      // kind restore: the person who wants it, whatever somebody did to the key; kind tell: who did what is told
	Request    string    `json:"request,omitempty"` // kind tell: the key request, or the waiver, that it is about
	What       string    `json:"what,omitempty"`    // kind tell: what a waiver is for, what was done to a policy
	Step       int       `json:"step,omitempty"`    // kind tell: which step of the policy's notify.escalate is told, the first being 1
}

// Name is an execution's name: machine, generation, kind and attempt, the first attempt being 1. A
// repeated event makes the same name and so the same execution. It is under 80 characters for every
// machine id AWS gives.
func Name(in Input, attempt int) string {
	kind := string(in.Kind)
	if in.Kind == Tell {
		kind += "-" + in.Notice
	}
	return fmt.Sprintf("%s%s-%d", Prefix(in.Machine, in.Generation), kind, attempt)
}

// Prefix is what the names of all executions of one generation of a machine start with.
func Prefix(machine string, generation int64) string {
	return fmt.Sprintf("%s-%d-", machine, generation)
}

// Attempt is the attempt in a name that Name made of this input; ok is false when it made another.
func Attempt(name string, in Input) (attempt int, ok bool) {
	digits, found := strings.CutPrefix(name, strings.TrimSuffix(Name(in, 0), "0"))
	attempt, err := strconv.Atoi(digits)
	return attempt, found && err == nil && attempt > 0
}

// Task is the payload of every task.
type Task struct {
	Version   int    `json:"version"`
	Op        string `json:"op"` // warn, tell, look, decide, hold, turn, order, confirm, withdraw, restore, snapshot, lock, unlock, stop
	Notice    string `json:"notice,omitempty"`
	Execution string `json:"execution"`
	Input     State  `json:"input"`

	// Of op decide: the state machine knows the outcomes snapshot and lock, and stops machines. An
	// execution that was started by an earlier version does not.
	Safeguards bool `json:"safeguards,omitempty"`

	// Of op warn: the state machine waits and asks again when the warning waits for others.
	Gathers bool `json:"gathers,omitempty"`
}

// State is the data of a running execution: the input and the results so far.
type State struct {
	Input
	Warning      *Warned       `json:"warning,omitempty"`
	Look         *Looked       `json:"look,omitempty"`
	Decision     *Decision     `json:"decision,omitempty"`
	Turn         *Turn         `json:"turn,omitempty"`
	Order        *Ordered      `json:"order,omitempty"`
	Confirmation *Confirmation `json:"confirmation,omitempty"`
	Snapshot     *Safeguarded  `json:"snapshot,omitempty"`
	Lock         *Safeguarded  `json:"lock,omitempty"`
	Unlock       *Safeguarded  `json:"unlock,omitempty"`
	Stop         *Safeguarded  `json:"stop,omitempty"`
	Restored     *Outcome      `json:"restored,omitempty"`
	Told         *Told         `json:"told,omitempty"`
	Error        *Error        `json:"error,omitempty"`
}

// Error is what a Catch leaves: the kind of fault.KindOf by name and the cause as JSON text.
type Error struct {
	Error string `json:"Error"`
	Cause string `json:"Cause"`
}

// Warned is the result of op warn.
type Warned struct {
	DueAt      time.Time `json:"dueAt"` // whole seconds, UTC; of gathering: when to ask again
	AcceptedAt time.Time `json:"acceptedAt"`
	Reference  string    `json:"reference"`
	Outcome    string    `json:"outcome"` // warned, superseded, gathering: it waits for others, unreachable: nobody is left whom it could count for
}

// Looked is the result of op look.
type Looked struct {
	Outcome   string    `json:"outcome"` // asked, superseded
	CommandID string    `json:"commandId,omitempty"`
	AskedAt   time.Time `json:"askedAt,omitzero"`
}

// Decision is the result of op decide and op hold.
type Decision struct {
	Outcome string    `json:"outcome"` // waiting, extended, standDown, hold, snapshot, lock, revoke, withdraw, superseded; of op hold: hold, said, superseded
	Reason  string    `json:"reason,omitempty"`
	Text    string    `json:"text,omitempty"`
	DueAt   time.Time `json:"dueAt,omitzero"`
	Effect  string    `json:"effect,omitempty"` // stop: the machine is stopped once the revocation is confirmed
}

// Safeguarded is the result of ops snapshot, lock, unlock and stop.
type Safeguarded struct {
	Outcome string    `json:"outcome"` // waiting, superseded, failed; goOn: failed, and the policy revokes all the same; done, locked, unlocked, stopped
	Text    string    `json:"text"`    // why it failed, or what was done, in one line
	At      time.Time `json:"at"`
}

// Paced is the outcome of a turn or a restore whose time has not come: it is asked for again at At.
const Paced = "paced"

// Turn is the result of op turn.
type Turn struct {
	Outcome string    `json:"outcome"` // now, paced, held
	Reason  string    `json:"reason"`  // why it is held
	At      time.Time `json:"at"`      // of paced: when it is asked for again, in whole seconds
}

// Ordered is the result of op order and op withdraw.
type Ordered struct {
	Outcome string    `json:"outcome"` // ordered, superseded, nothing
	At      time.Time `json:"at"`
}

// Confirmation is the result of op confirm.
type Confirmation struct {
	Outcome string    `json:"outcome"` // seen (first read-back), revoked, notRevoked, unconfirmed
	At      time.Time `json:"at"`
	Text    string    `json:"text,omitempty"`
}

// Outcome is the result of the restore task.
type Outcome struct {
	Outcome string    `json:"outcome"` // restored, held, superseded, paced
	Reason  string    `json:"reason,omitempty"`
	At      time.Time `json:"at"`
}

// Told is the result of op tell.
type Told struct {
	Reference  string    `json:"reference"`
	AcceptedAt time.Time `json:"acceptedAt"`
	MessageID  string    `json:"messageId"`
}
