// Package event turns what Keyward keeps of a machine into what others' tools take: a ledger entry into an event of
// EventBridge. The same entry always gives the same event. It sends nothing; functions/publish does.
//
// Version 1 of an event only ever grows: docs/events/event.v1.json describes it, and tests hold both together and
// against the schema as it was first published.
package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// Version is that of the events that are made.
const Version = 1

// The sources of events. A fire drill has one of its own, so that who listens for revocations hears of real ones alone.
const (
	Source      = "keyward"
	DrillSource = "keyward.drill"
)

// Event is one event as EventBridge takes it.
type Event struct {
	Source     string
	DetailType string
	Resource   string // ARN of the machine; "" for a fire drill's
	Detail     string // Detail as JSON
	Time       time.Time
}

// Detail is what an event says. Times are RFC 3339 in UTC.
type Detail struct {
	Version    int       `json:"version"`
	ID         string    `json:"id"` // the place of the ledger entry: a repeat has the same
	Account    string    `json:"account"`
	Region     string    `json:"region"`
	Machine    string    `json:"machine"`
	Kind       string    `json:"kind"` // of the ledger entry
	At         time.Time `json:"at"`
	Text       string    `json:"text"`
	Chain      string    `json:"chain,omitempty"`
	Number     int64     `json:"number,omitempty"` // in the chain
	Generation int64     `json:"generation"`
	Execution  string    `json:"execution,omitempty"`
	By         string    `json:"by,omitempty"`
	Reference  string    `json:"reference,omitempty"`

	Policy        string `json:"policy,omitempty"`
	PolicyVersion int    `json:"policyVersion,omitempty"`
	Standing      string `json:"standing,omitempty"`
	Key           string `json:"key,omitempty"`

	Verdict         string    `json:"verdict,omitempty"`
	Findings        []Finding `json:"findings,omitempty"`
	FindingsLeftOut int       `json:"findingsLeftOut,omitempty"`
}

// Finding is one rule that the machine failed, or of which it is not known.
type Finding struct {
	Rule     string `json:"rule"`
	Verdict  string `json:"verdict"`
	Waived   bool   `json:"waived,omitempty"`
	Expected string `json:"expected"`
	Actual   string `json:"actual"`
	Offender string `json:"offender,omitempty"`
	Fix      string `json:"fix,omitempty"`
	Why      string `json:"why,omitempty"`
}

// Place is where an entry stands: what makes its event's id.
type Place struct {
	Partition, Account, Region string
	Row                        string // where it stands among the rows of its machine
}

// maxFindings are in one event; how many more there are, it says. With the lengths in clean.go an event stays below
// the 256 KB that PutEvents takes, whatever a machine puts into its texts.
const maxFindings = 40

// Of is the event of a ledger entry. Result is what the policy said of the inspection that the entry is about, nil for
// none. A kind of entry that has no name in Types is a fault.Invalid.
func Of(p Place, e record.Entry, result *policy.Result) (Event, error) {
	name, ok := Types[e.Kind]
	if !ok {
		return Event{}, fault.New(fault.Invalid, "making an event of a ledger entry: its kind is %q, which has no name", Line(string(e.Kind), 40))
	}
	d := Detail{
		Version: Version, ID: p.Account + "#" + p.Region + "#" + e.Machine + "#" + p.Row, Account: p.Account, Region: p.Region,
		Machine: e.Machine, Kind: string(e.Kind), At: e.At.UTC(), Text: Line(e.Text, maxText), Chain: e.Chain, Number: e.Number,
		Generation: e.Generation, Execution: e.Execution, By: Line(e.By, maxValue), Reference: Line(e.Detail, maxText),
		Policy: Line(e.Policy, maxValue), PolicyVersion: e.PolicyVersion,
	}
	if e.Policy != "" {
		d.Standing, d.Key = StandingOf(e.Standing), keyOf(e.Key)
	}
	if result != nil {
		d.Verdict = result.Verdict.String()
		d.Findings, d.FindingsLeftOut = findings(*result)
	}
	event := Event{Source: Source, DetailType: name, Resource: ResourceOf(p, e.Machine), Time: e.At}
	if drill.Is(e.Machine) {
		event.Source, event.Resource = DrillSource, ""
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(d); err != nil {
		return Event{}, fmt.Errorf("writing the event of a ledger entry: %w", err)
	}
	event.Detail = string(bytes.TrimSpace(text.Bytes()))
	return event, nil
}

// ResourceOf is the ARN of a machine: an EC2 instance, or a managed instance of Systems Manager.
func ResourceOf(p Place, machine string) string {
	if strings.HasPrefix(machine, "mi-") {
		return "arn:" + p.Partition + ":ssm:" + p.Region + ":" + p.Account + ":managed-instance/" + machine
	}
	return "arn:" + p.Partition + ":ec2:" + p.Region + ":" + p.Account + ":instance/" + machine
}

// StandingOf is a standing in a word.
func StandingOf(s integrity.Standing) string {
	if s == integrity.Unknown {
		return "Unknown"
	}
	return string(s)
}

func keyOf(k integrity.KeyState) string {
	if k == integrity.KeyUntouched {
		return "Untouched"
	}
	return string(k)
}

// findings are those that count or are waived, and how many were left out.
func findings(r policy.Result) ([]Finding, int) {
	var all []Finding
	for _, f := range append(r.Bad(), r.Waived()...) {
		all = append(all, Finding{
			Rule: Line(f.Rule, maxValue), Verdict: f.Verdict.String(), Waived: len(f.Waived) > 0, Expected: Line(f.Expected, maxValue),
			Actual: Line(f.Actual, maxValue), Offender: Line(f.Offender, maxValue), Fix: Line(f.Fix, maxValue), Why: Line(f.Why, maxValue),
		})
	}
	if len(all) > maxFindings {
		return all[:maxFindings], len(all) - maxFindings
	}
	return all, 0
}
