// Package doctor judges a deployed stack by what was read of it: whether its mails go out, its agents answer, its keys are
// guarded, its schedules fire, its alarms reach somebody. Each check is a line that says ok, warning or problem with what to
// do, or that it is not known and why: a fact that could not be read is never ok. Pure; keyward doctor collects the facts.
package doctor

import (
	"time"

	"github.com/keyward/keyward/shared/record"
)

// Fact is something that was read, or why it was not.
type Fact[T any] struct {
	Value T
	Err   string // "": it was read
}

// Facts are everything that is judged.
type Facts struct {
	Version, Commit string // of the command line

	Stack   Fact[Stack]
	Status  Fact[record.Status] // of the people's API; its time is the stack's own
	Mail    Fact[Mail]
	Sender  Fact[bool] // verified
	Quotas  Fact[map[string]float64]
	Letters Fact[int] // in the dead-letter queue
	Alarms  Fact[[]Subscription]

	Machines Fact[[]record.Machine]
	Online   Fact[map[string]bool] // by machine
	Keys     []Key

	Schedules map[string]Fact[Schedule] // of the stack, by logical id
	Policies  Fact[[]record.Policy]
	Own       map[string]Fact[Schedule] // of policies, by name

	Documents map[string]Fact[bool] // by logical id: the text is that of this version
	Drills    Fact[[]record.Drill]  // newest first
	Holds     Fact[[]record.Hold]
}

// Stack is what CloudFormation says.
type Stack struct {
	Name, Status, Reason string
	Protected            bool // from deletion
	Parameters, Outputs  map[string]string
	Resources            map[string]string // physical ids by logical ids
}

// Mail is where the account stands with SES.
type Mail struct {
	Sandbox, Sends  bool
	Review          string // of what the account asked for: PENDING, FAILED, GRANTED, DENIED; "" when it did not ask
	Enforcement     string // HEALTHY, PROBATION, SHUTDOWN
	Day, Rate, Sent float64
}

// Subscription is somebody who gets alarms.
type Subscription struct {
	Endpoint  string
	Confirmed bool
}

// Schedule is one of EventBridge Scheduler. The zero value is none.
type Schedule struct {
	There, On            bool
	Expression, TimeZone string
}

// Key is the key of enrolled machines.
type Key struct {
	ARN      string
	Machines int
	Revoked  bool // Keyward disabled it, for one of them
	Read     Fact[KeySeen]
}

// KeySeen is what KMS says of a key.
type KeySeen struct {
	Guarded, Enabled bool
	State            string
	Ways             []string // other ways to use it, each in one line
}

// How old things may be.
const (
	sweepLate = 30 * time.Minute
	drillLate = 48 * time.Hour
)
