package record

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
)

// Purpose is why a command was sent.
type Purpose string

// The purposes.
const (
	Scheduled Purpose = "scheduled"
	Check     Purpose = "check" // a person or a key request asked
	Retry     Purpose = "retry" // the sweep looks again
	Look      Purpose = "look"  // an enforcement looks before it acts: evaluate starts nothing for it
)

// Command is one inspection command on up to 50 machines.
type Command struct {
	ID        string    `json:"id"`
	Nonce     string    `json:"nonce"` // 32 hex digits
	Purpose   Purpose   `json:"purpose"`
	Machines  []string  `json:"machines"`
	Execution string    `json:"execution,omitempty"` // of a look
	Document  string    `json:"document"`            // name:version
	SentAt    time.Time `json:"sentAt"`
	TotalBy   time.Time `json:"totalBy"`       // SSM gives up by then
	AWS       []string  `json:"aws,omitempty"` // groups of facts that AWS is asked for; see evidence.AWS
	Open      bool      `json:"open"`          // not every machine has an answer yet
}

// Answer is what became of one machine of a command. It is written once, in the transaction of the
// transition that it caused.
type Answer struct {
	Command  string             `json:"command"`
	Machine  string             `json:"machine"`
	Verdict  policy.Verdict     `json:"verdict"`
	Why      string             `json:"why,omitempty"` // why there is no evidence, or the first bad finding
	Sent     time.Time          `json:"sent"`
	JudgedAt time.Time          `json:"judgedAt"`
	Effects  []integrity.Effect `json:"effects,omitempty"`
	Presence integrity.Presence `json:"presence,omitempty"`
	Digest   string             `json:"digest,omitempty"`
	Unwaived bool               `json:"unwaived,omitempty"` // waivers could not be read, so none was applied
}

// Evidence is the evidence of one inspection with its judgement.
type Evidence struct {
	Machine  string             `json:"machine"`
	Command  string             `json:"command"`
	Sent     time.Time          `json:"sent"`
	Digest   string             `json:"digest"`
	Result   policy.Result      `json:"result"`
	Evidence *evidence.Evidence `json:"evidence,omitempty"` // nil when the machine gave none
	Why      string             `json:"why,omitempty"`      // why there is none
	JudgedAt time.Time          `json:"judgedAt,omitzero"`
	Presence integrity.Presence `json:"presence,omitempty"` // as EC2 and SSM said when it was judged
}

// Start is an outbox entry: an execution that has to run. It is written with the transition that
// demands it and deleted once the execution was started.
type Start struct {
	Name    string          `json:"name"` // of the execution
	Machine string          `json:"machine"`
	Input   json.RawMessage `json:"input"`
	At      time.Time       `json:"at"`
	Silence bool            `json:"silence,omitempty"` // tells of one machine's silence: the sweep alone starts it, and not while many are silent
}

// EntryKind is what a ledger entry records.
type EntryKind string

// The kinds of ledger entry.
const (
	EntryVerdict   EntryKind = "verdict"   // standing changed
	EntryWarned    EntryKind = "warned"    // warning accepted by the mail service
	EntryIntent    EntryKind = "intent"    // a revocation will be ordered
	EntryOrdered   EntryKind = "ordered"   // KMS was asked
	EntryConfirmed EntryKind = "confirmed" // KMS was read back twice
	EntryFailed    EntryKind = "failed"    // a revocation did not happen, or cannot be confirmed
	EntryRestored  EntryKind = "restored"
	EntryReleased  EntryKind = "released" // a key request was granted
	EntryRequest   EntryKind = "request"  // a key request was decided
	EntryHeld      EntryKind = "held"
	EntryMissed    EntryKind = "missed"  // an inspection that a running machine gave no answer to
	EntryMoved     EntryKind = "moved"   // clocks moved later for an outage of ours
	EntryAlarm     EntryKind = "alarm"   // KMS shows something else than what was done
	EntryResumed   EntryKind = "resumed" // a person let it go on
	EntryWithdrawn EntryKind = "withdrawn"
	EntryEnrolled  EntryKind = "enrolled"
	EntrySnapshot  EntryKind = "snapshot"  // snapshots were asked for, or are complete
	EntryLock      EntryKind = "lock"      // the machine was put at rest and read back, or could not be
	EntryUnlock    EntryKind = "unlock"    // what the lock had stopped was brought back, or could not be
	EntryStop      EntryKind = "stop"      // EC2 is asked to stop the machine
	EntryEffective EntryKind = "effective" // the data can no longer be read, and who says so
	EntryWaiver    EntryKind = "waiver"    // a waiver on this machine was set or lifted
	EntryBounced   EntryKind = "bounced"   // a mail did not reach a recipient
	EntryLink      EntryKind = "link"      // somebody used a link of a mail
)

// Entry is one line of a machine's ledger. Entries are never changed, and each carries the hash of the one before it
// (Link).
type Entry struct {
	Machine    string    `json:"machine"`
	At         time.Time `json:"at"`
	Kind       EntryKind `json:"kind"`
	Text       string    `json:"text"`
	Generation int64     `json:"generation"`
	Execution  string    `json:"execution,omitempty"`
	By         string    `json:"by,omitempty"`
	Detail     string    `json:"detail,omitempty"` // grant id, message id, evidence digest

	// The machine as it was written together with the entry (Noted).
	Standing      integrity.Standing `json:"standing,omitempty"`      // Good or Bad; none: Unknown
	Key           integrity.KeyState `json:"key,omitempty"`           // none: Keyward never released or revoked it
	Policy        string             `json:"policy,omitempty"`        // name; none: the entry was written beside the machine
	PolicyVersion int                `json:"policyVersion,omitempty"` // of its last judgement

	Chain  string `json:"chain,omitempty"`  // of the machine's chains; "" is the ledger of its own transitions, else ChainWaivers
	Number int64  `json:"number,omitempty"` // its place in the chain, from 1; 0: it is in none
	Before string `json:"before,omitempty"` // Hash of the one before it; "" of the first
	Hash   string `json:"hash,omitempty"`   // SHA-256, in hex, of the entry as JSON without this
}

// Notice is one mail: written before it is sent, completed by the provider's id, and by what became of it.
type Notice struct {
	Machine    string    `json:"machine"`
	Reference  string    `json:"reference"`          // execution name and kind of notice
	Revision   int64     `json:"revision"`           // raised by each write; 0 is not written yet
	Violation  time.Time `json:"violation"`          // State.Since when it was written; of a warning: which violation it is about
	Counts     []string  `json:"counts,omitempty"`   // of a warning: those of To for whom the deadline was promised
	Missed     []string  `json:"missed,omitempty"`   // who did not get it before, so that these are told
	Outcomes   []Outcome `json:"outcomes,omitempty"` // the last of each kind for each of To
	Kind       string    `json:"kind"`
	To         []string  `json:"to"`
	Subject    string    `json:"subject"`
	BegunAt    time.Time `json:"begunAt"`    // of the first attempt that may have been accepted
	AcceptedAt time.Time `json:"acceptedAt"` // zero: not accepted
	MessageID  string    `json:"messageId,omitempty"`
	Attempts   int       `json:"attempts"`
	With       []Same    `json:"with,omitempty"` // of the warning of many: those that its mail told beside this one

	// What it was asked to say beside the records, so that it can be said again to others.
	Why     string    `json:"why,omitempty"`
	By      string    `json:"by,omitempty"`
	Request string    `json:"request,omitempty"`
	What    string    `json:"what,omitempty"`
	Until   time.Time `json:"until,omitzero"`
	Step    int       `json:"step,omitempty"`
}

// OutcomeKind is what became of a mail.
type OutcomeKind string

// The kinds of outcome. What is bounced, complained of or rejected did not reach its recipient.
const (
	Delivered  OutcomeKind = "delivered"  // the recipient's mail server took it
	Delayed    OutcomeKind = "delayed"    // SES goes on trying
	Deferred   OutcomeKind = "deferred"   // a bounce that may pass: a full mailbox, an automatic answer
	Bounced    OutcomeKind = "bounced"    // for good, or for a reason that SES could not tell
	Complained OutcomeKind = "complained" // the recipient called it spam
	Rejected   OutcomeKind = "rejected"   // SES took it and did not send it
)

// Outcome is what became of a mail for one recipient.
type Outcome struct {
	Address string      `json:"address"`
	Kind    OutcomeKind `json:"kind"`
	At      time.Time   `json:"at"`
	Detail  string      `json:"detail,omitempty"` // what the mail service or the recipient's server said, cut
}

// Lease keeps revoking, releasing and restoring of one access apart.
type Lease struct {
	Name   string    `json:"name"`   // LeaseName
	Holder string    `json:"holder"` // who works: the same for all attempts at one thing
	Until  time.Time `json:"until"`
}

// LeaseName names the access that a lease is on: with disable-key the key, since whoever changes it
// changes it for everybody; with revoke-grant one machine's access to it, so that machines that share
// a key do not wait for each other.
func LeaseName(mode policy.Mode, keyARN, machine string) string {
	if mode == policy.DisableKey {
		return keyARN
	}
	return keyARN + "#" + machine
}

// LeaseHolder names who works on an access: all attempts at revoking one generation are one holder, so
// that an attempt takes over from one that was cut off.
func LeaseHolder(doing, machine string, generation int64) string {
	return fmt.Sprintf("%s %s %d", doing, machine, generation)
}
