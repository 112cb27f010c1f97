package record

import (
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
)

// Preview is what a policy that is not put yet would mean for the machines enrolled with its name, if each of
// them were looked at now and found as it was found last.
type Preview struct {
	Policy   string     `json:"policy"`
	Machines int        `json:"machines"` // enrolled with this policy
	Unseen   int        `json:"unseen"`   // of them, without evidence that is kept
	Affected []Affected `json:"affected"` // for which something new follows, by id
}

// Affected is one machine for which something new follows.
type Affected struct {
	Machine  string             `json:"machine"`
	Name     string             `json:"name,omitempty"`
	Standing integrity.Standing `json:"standing"` // now
	Verdict  policy.Verdict     `json:"verdict"`  // by the new policy
	Why      string             `json:"why,omitempty"`
	Follows  Follows            `json:"follows"`
}

// Follows is what a machine has to expect.
type Follows string

// What may follow.
const (
	FollowsWarning   Follows = "warning"   // a warning, and the whole grace
	FollowsRevoke    Follows = "revoke"    // its deadline has passed already
	FollowsHold      Follows = "hold"      // it is left to a person
	FollowsNotice    Follows = "notice"    // people are told
	FollowsStandDown Follows = "standDown" // it complies then: nothing is revoked
	FollowsRestore   Follows = "restore"   // its key comes back
)
