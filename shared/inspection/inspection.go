// Package inspection is the words of asking machines for evidence: the event that asks, the document
// that is sent, and what became of it on each machine. Pure values; inspect, recheck,
// request, api and sweep ask, evaluate reads the answers.
package inspection

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/keyward/keyward/shared/record"
)

// Version of Request and Settle that this code writes.
const Version = 1

// BatchSize is how many machines one command may name (SendCommand API reference).
const BatchSize = 50

// Request is the event that makes inspect look at machines.
type Request struct {
	Version  int            `json:"version"`
	Purpose  record.Purpose `json:"purpose"`
	Policy   string         `json:"policy,omitempty"`   // all machines of this policy
	Machines []string       `json:"machines,omitempty"` // or these; with neither, all machines whose policy has no schedule
}

// Settle is the event that makes evaluate read the answers of commands now, whatever SSM's events said.
type Settle struct {
	Version  int      `json:"version"`
	Commands []string `json:"commands"`
}

// Document is one version of a registered inspection document.
type Document struct {
	Name    string
	Version string // numeric
	Hash    string // SSM's own SHA-256 of the content
	Content string // JSON, schema 2.2
}

// Invocation is what became of a command on one machine.
type Invocation struct {
	Machine string
	Status  string // SSM's StatusDetails: Success, Failed, DeliveryTimedOut, …
	Ended   bool
	Success bool   // the agent answered exit code 0: only then is there anything to read
	Step    string // the document's step that printed something there; "" when all were for other platforms
	Output  string // of that step, at most 2,500 characters
}

// CutOutput is the length from which the merged output of a list may have been cut: SSM keeps 2,500 of
// what the machine printed, with its remark that it cut, and less of it when there are errors too.
const CutOutput = 2400

// Nonce is 32 random hex digits.
func Nonce() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand's documentation since Go 1.24
	return hex.EncodeToString(b[:])
}

// TooOld is how old an inspection may be and still move a machine. Older ones are recorded and start
// nothing: what they saw may long be different.
const TooOld = 15 * time.Minute

// Overdue is when a machine should have been inspected again: two hours after a daily, or a day after
// a weekly look was due.
func Overdue(last time.Time, weekly bool) time.Time {
	if weekly {
		return last.Add(8 * 24 * time.Hour)
	}
	return last.Add(26 * time.Hour)
}

// OfflineID is the id of a record that stands for machines whose agent did not answer when they should
// have been inspected: nothing was sent, and evaluate judges them as unknown.
func OfflineID(nonce string) string { return fmt.Sprintf("offline-%s", nonce) }
