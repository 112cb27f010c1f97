package record

import (
	"time"

	"github.com/keyward/keyward/shared/policy"
)

// RequestPage is a part of the key requests, oldest first. It may be empty and not be the last.
type RequestPage struct {
	Requests []Request `json:"requests"`
	Next     string    `json:"next,omitempty"` // asks for the page after this; none: this is the last
}

// MachinePage is a part of the enrolled machines, by id, as the people's API lists them.
type MachinePage struct {
	Machines []Machine `json:"machines"`
	Next     string    `json:"next,omitempty"` // ask again for what comes after it; empty: there is no more
}

// PolicyPage is a page of the versions of a policy, newest first and without their texts.
type PolicyPage struct {
	Policies []Policy `json:"policies"`
	Next     string   `json:"next,omitempty"` // asks for the page after this; none: this is the last
}

// PolicyDiff is what changed from one version of a policy to another.
type PolicyDiff struct {
	Policy string `json:"policy"`
	From   int    `json:"from"`
	To     int    `json:"to"`
	Diff   string `json:"diff"` // unified; empty: the texts are the same
}

// MachineView is what the people's API shows of one machine: the record, and what would stop a
// revocation now.
type MachineView struct {
	Machine  Machine   `json:"machine"`
	Stops    []Stop    `json:"stops"`
	Holds    []Hold    `json:"holds"`
	Waivers  []Waiver  `json:"waivers"`            // that stand now and are for it
	Evidence *Evidence `json:"evidence,omitempty"` // the newest
	Notices  []Notice  `json:"notices"`

	Dependants Dependants `json:"dependants"` // of the key, beside this machine
}

// Stop is one condition of a revocation that does not hold now.
type Stop struct {
	Reason string `json:"reason"` // a code of shared/guard
	Text   string `json:"text"`
	Detail string `json:"detail,omitempty"` // what it is about, such as the calendar that is closed
}

// Enrolment is a person's wish to bind a machine to its key and policy.
type Enrolment struct {
	Name   string      `json:"name"`
	Owner  string      `json:"owner"`
	Role   string      `json:"role"`   // ARN of the instance's role
	Policy string      `json:"policy"` // empty: the one that matches the machine's id and tags
	Key    string      `json:"key"`    // id, ARN or alias
	Mode   policy.Mode `json:"mode"`   // empty: the policy's
}

// Reason is why a person does something.
type Reason struct {
	Reason string `json:"reason"` // 1 to 500 characters
}

// HoldWish is what a person says to set a hold.
type HoldWish struct {
	Reason  string    `json:"reason"`           // 1 to 500 characters
	Expires time.Time `json:"expires,omitzero"` // zero: until it is lifted
}

// Status is the state of the whole in one line.
type Status struct {
	Time     time.Time      `json:"time"`
	Account  string         `json:"account"`
	Region   string         `json:"region"`
	Version  string         `json:"version"`  // of Keyward, such as 0.6.0
	Commit   string         `json:"commit"`   // that it was built from; "unknown" when nobody said so
	Machines map[string]int `json:"machines"` // by standing
	Holds    int            `json:"holds"`

	SweptAt time.Time        `json:"sweptAt"`          // when the last completed sweep began
	Paused  map[string]Pause `json:"paused,omitempty"` // policies whose deadlines are moved now, since too many machines are silent; "" is all

	KeyCalls   int `json:"keyCallsPerSecond"`   // what KMS allows of EnableKey and DisableKey, by the stack's parameter
	GrantCalls int `json:"grantCallsPerSecond"` // and of CreateGrant and RevokeGrant
}

// Release is the answer to a machine's key request.
type Release struct {
	Request           string            `json:"request"` // its id
	State             string            `json:"state"`   // of shared/keyrequest
	Reason            string            `json:"reason"`
	Findings          []policy.Finding  `json:"findings,omitempty"` // of a denial
	KeyARN            string            `json:"keyArn,omitempty"`
	EncryptionContext map[string]string `json:"encryptionContext,omitempty"` // every use of the key needs it
	GrantToken        string            `json:"grantToken,omitempty"`        // makes the grant usable at once
	Document          string            `json:"identityDocument,omitempty"`  // of a request that came with one: whether it was verified
}

// History is one page of what is kept of a machine from one time until another.
type History struct {
	Evidence []Evidence `json:"evidence"`       // oldest first
	Next     string     `json:"next,omitempty"` // asks for the page after this; none: this is the last
	Ledger   []Entry    `json:"ledger"`         // of the whole time, oldest first; on the first page alone, as are the notices
	Notices  []Notice   `json:"notices"`
}
