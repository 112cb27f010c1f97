package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/keyward/keyward/shared/fault"
)

// ID names a section.
type ID string

// The sections, the first eleven as SecureCloud has them.
const (
	KeysApproved    ID = "keys-approved"
	KeysDenied      ID = "keys-denied"
	KeyRequests     ID = "key-requests"
	TimeToApproval  ID = "time-to-approval"
	Instances       ID = "instances"
	Images          ID = "images"
	Devices         ID = "devices"
	ConsoleAudit    ID = "console-audit"
	PolicyAudit     ID = "policy-audit"
	KeyRequestAudit ID = "key-request-audit"
	ComputeTime     ID = "compute-time"
	Compliance      ID = "compliance"
	TimeToCorrect   ID = "time-to-correct"
	Revocations     ID = "revocations"
	Holds           ID = "holds"
)

// All are the sections in the order in which a report has them: how things are first, then what happened.
func All() []ID {
	return []ID{
		Compliance, TimeToCorrect, Revocations, Holds, KeysApproved, KeysDenied, KeyRequests, TimeToApproval,
		Instances, Images, Devices, ComputeTime, ConsoleAudit, PolicyAudit, KeyRequestAudit,
	}
}

// Chosen are the sections with these names, each once, in the order of All; all of them for none.
func Chosen(names []string) ([]ID, error) {
	if len(names) == 0 {
		return All(), nil
	}
	var chosen []ID
	for _, name := range names {
		if !slices.Contains(All(), ID(name)) {
			return nil, fault.Wrong("sections", "choosing sections: there is no %q, expected some of %s", Clean(name), list(All()))
		}
		chosen = append(chosen, ID(name))
	}
	return slices.DeleteFunc(All(), func(id ID) bool { return !slices.Contains(chosen, id) }), nil
}

func list(ids []ID) string {
	var words []string
	for _, id := range ids {
		words = append(words, string(id))
	}
	return strings.Join(words, ", ")
}

// Needs is what sections are made of, so that nothing else has to be read.
type Needs struct{ Ledger, Looks, Requests, Policies, Holds, Waivers, Breaker bool }

// NeedsOf is what the sections need, beside the machines.
func NeedsOf(ids []ID) Needs {
	var n Needs
	for _, id := range ids {
		switch id {
		case KeysApproved, KeysDenied, KeyRequests, TimeToApproval, KeyRequestAudit:
			n.Requests = true
		case Devices:
			n.Looks = true
		case Images, ComputeTime:
			n.Looks, n.Ledger = true, true
		case Compliance, TimeToCorrect, Revocations, Instances:
			n.Ledger = true
		case Holds:
			n.Ledger, n.Holds = true, true
		case PolicyAudit:
			n.Policies, n.Requests, n.Ledger = true, true, true // which name policies that were deleted
		case ConsoleAudit:
			n.Ledger, n.Requests, n.Policies, n.Holds, n.Waivers, n.Breaker = true, true, true, true, true, true
		}
	}
	return n
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
