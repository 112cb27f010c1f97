// Package record is what the store keeps: machines, commands, answers, holds, notices, the ledger and
// the outbox, as plain values. It decides nothing and knows no database; shared/aws/store writes it,
// the functions and the command line read it.
package record

import (
	"time"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
)

// Machine is one enrolled machine with its standing.
type Machine struct {
	ID         string            `json:"id"` // i-… or mi-…
	Name       string            `json:"name,omitempty"`
	Owner      string            `json:"owner,omitempty"` // e-mail address
	SessionARN string            `json:"sessionArn"`      // arn:aws:sts::ACCOUNT:assumed-role/ROLE/ID: who may ask and who is granted
	Zone       string            `json:"zone,omitempty"`  // Availability Zone
	Tags       map[string]string `json:"tags,omitempty"`  // hints at enrolment; a difference later is drift
	Policy     string            `json:"policy"`          // name
	Key        Key               `json:"key"`
	EnrolledAt time.Time         `json:"enrolledAt"`
	EnrolledBy string            `json:"enrolledBy"`

	State      integrity.State  `json:"state"`
	Findings   []policy.Finding `json:"findings,omitempty"`   // of the last judgement: failed and unknown ones
	Waived     []policy.Finding `json:"waived,omitempty"`     // of the last judgement: failed ones that people allow
	PolicyUsed int              `json:"policyUsed,omitempty"` // version of the last judgement
	UserData   string           `json:"userData,omitempty"`   // SHA-256 of what it was first started with, or none; empty: no rule has asked yet
	BrokeAt    time.Time        `json:"brokeAt,omitzero"`     // it complied until then and fails a rule since; zero: it complies, or never did
	Digest     string           `json:"digest,omitempty"`     // of the last evidence
	Execution  string           `json:"execution,omitempty"`  // name of the enforcement that runs
	Grant      string           `json:"grant,omitempty"`      // id of the grant that the machine holds
	GrantedFor int64            `json:"grantedFor,omitempty"` // generation in the name of that grant
	Taken      *Taken           `json:"taken,omitempty"`      // what a revocation took and restore gives back
	Safeguard  *Safeguard       `json:"safeguard,omitempty"`  // what was done to its data before the last revocation
	ToldHeld   string           `json:"toldHeld,omitempty"`   // generation and reason of the hold that people were told last
	ToldHeldAt time.Time        `json:"toldHeldAt"`

	Drift     []string `json:"drift,omitempty"`     // what its tags say now and did not say at enrolment
	StoodDown string   `json:"stoodDown,omitempty"` // the execution whose look ended its last violation, and which tells of it
	RestoreBy string   `json:"restoreBy,omitempty"` // the person who asked to give the key back, until that is done

	Order *Order `json:"order,omitempty"` // the last of a person that its key is taken; it stands while State.CommandedAt is set

	NotEffective []string `json:"notEffective,omitempty"` // its key is revoked, and KMS shows these ways to use it all the same
	KeyLost      string   `json:"keyLost,omitempty"`      // it has its key by what Keyward did, and KMS shows that it cannot be used

	Allowed   map[string][]string `json:"allowed,omitempty"` // by rule: values that are or were waived and are still there
	ToldUntil time.Time           `json:"toldUntil"`         // end of a waiver that people were told of
	ToldDue   time.Time           `json:"toldDue,omitzero"`  // deadline that people were reminded of shortly before

	Escalated Escalation `json:"escalated,omitzero"` // how far its violation was told upwards

	Asking *Asking              `json:"asking,omitempty"` // its key request that waits, for a person or for the machine itself
	Told   map[string]time.Time `json:"told,omitempty"`   // by kind of notice about key requests: when the last was written

	Warning *Warning `json:"warning,omitempty"` // how far the warning of a violation got

	LinkHolds *LinkHolds `json:"linkHolds,omitempty"` // how often links of mails held its violation

	Ledger Head `json:"ledger,omitzero"` // of the chain of its entries; the store moves it

	Version int64 `json:"version"` // raised by each write; 0 is not written yet
}

// Order is a person's that a machine's key is taken, whatever its verdict.
type Order struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"` // ARN
	Reason string    `json:"reason"`
}

// Asking is a key request that is over when nobody did what it waits for.
type Asking struct {
	Request string    `json:"request"` // its id
	Until   time.Time `json:"until"`
}

// Warning is whom the warning of a violation reached, as far as is known.
type Warning struct {
	Violation time.Time `json:"violation"`        // State.Since of the violation
	Reference string    `json:"reference"`        // of its first mail; later ones carry the same
	Counts    []string  `json:"counts,omitempty"` // for whom the deadline was promised last
	Lost      []string  `json:"lost,omitempty"`   // addresses that it did not reach, or that complained
}

// Key is the guarded key of a machine.
type Key struct {
	ARN  string      `json:"arn"`
	Mode policy.Mode `json:"mode"`
}

// Taken is what one revocation took, so that exactly that can be given back.
type Taken struct {
	Generation  int64       `json:"generation"`
	Mode        policy.Mode `json:"mode"`
	KeyARN      string      `json:"keyArn"`
	Grants      []string    `json:"grants,omitempty"` // ids of the grants that Keyward had made for the machine
	Grantee     string      `json:"grantee,omitempty"`
	IntentAt    time.Time   `json:"intentAt"`
	OrderedAt   time.Time   `json:"orderedAt"` // written before KMS is asked
	FirstRead   time.Time   `json:"firstRead"` // first read-back that said so
	ConfirmedAt time.Time   `json:"confirmedAt"`
	InForceAt   time.Time   `json:"inForceAt"`             // from then on it holds everywhere at AWS
	EffectiveAt time.Time   `json:"effectiveAt"`           // the data can no longer be read, says EffectiveBy; zero: nobody says so
	EffectiveBy string      `json:"effectiveBy,omitempty"` // machine: its lock was read back; aws: EC2 stopped it
	GivenBy     string      `json:"givenBy,omitempty"`     // execution that began to give it back
	Waivers     []Revision  `json:"waivers,omitempty"`     // as they were when the intent was written: the order asks that none was set since
	HadNone     bool        `json:"hadNone,omitempty"`     // the key was already disabled, or KMS listed no grant, before we came
}

// Scope is what a hold covers: "global", "policy:NAME" or "machine:ID".
type Scope string

// The scopes that cover one machine.
func Scopes(machine, policyName string) []Scope {
	return []Scope{"global", Scope("policy:" + policyName), Scope("machine:" + machine)}
}

// Hold is a person's stop: nothing is revoked under it.
type Hold struct {
	Scope   Scope     `json:"scope"`
	Reason  string    `json:"reason"`
	By      string    `json:"by"` // ARN of who set it
	SetAt   time.Time `json:"setAt"`
	Expires time.Time `json:"expires"` // zero: until it is lifted
}

// Request is a machine's request for its key.
type Request struct {
	ID        string    `json:"id"`
	Machine   string    `json:"machine"`
	State     string    `json:"state"` // a state of shared/keyrequest
	Reason    string    `json:"reason"`
	Policy    string    `json:"policy"`
	Version   int       `json:"policyVersion"`
	Digest    string    `json:"evidenceDigest,omitempty"`
	BootID    string    `json:"bootId,omitempty"`
	Document  bool      `json:"identityDocument,omitempty"` // it came with one that AWS signed for this machine
	AskedAt   time.Time `json:"askedAt"`
	DecidedAt time.Time `json:"decidedAt"`
	ExpiresAt time.Time `json:"expiresAt,omitzero"` // while it waits: then it has expired (keyrequest.Shown)
	Ruling    *Ruling   `json:"ruling,omitempty"`   // of a person; nil is none that stands
	Moves     []Move    `json:"moves"`
	Revision  int64     `json:"revision"` // raised by each write; 0 is not written yet
}

// Ruling is what a person decided about a key request, and what could be known then.
type Ruling struct {
	Approved bool           `json:"approved"` // else denied
	At       time.Time      `json:"at"`
	By       string         `json:"by"` // ARN
	Reason   string         `json:"reason"`
	Verdict  policy.Verdict `json:"verdict"`          // of the newest evidence; Unknown without any
	Seen     time.Time      `json:"seen,omitzero"`    // when it was asked for
	Digest   string         `json:"digest,omitempty"` // of it
}

// Since is when a request began to wait: when it was asked, or asked again after an answer that was no key.
func (r Request) Since() time.Time {
	for i := len(r.Moves) - 1; i >= 0; i-- {
		if r.Moves[i].To == "Pending" {
			return r.Moves[i].At
		}
	}
	return r.AskedAt
}

// Move is one transition of a request.
type Move struct {
	To  string    `json:"to"`
	At  time.Time `json:"at"`
	By  string    `json:"by"`
	Why string    `json:"why"`
}

// Turn is a place in the queue for calls that a quota limits. It is kept while somebody waits.
type Turn struct {
	Bucket string    `json:"bucket"` // a name of shared/pace
	Order  string    `json:"order"`  // pace.Order: what sorts before it goes first
	Until  time.Time `json:"until"`  // who has not asked again by then does not wait any more
}
