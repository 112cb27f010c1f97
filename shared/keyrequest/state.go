// Package keyrequest is the life of a machine's request for its key: the ten states, the one table of
// what may follow what, and the decision to approve, deny or hold a request at once. It asks no
// clock and calls nobody. The request function and the people's API call it; a move that the table does not
// have is refused. What becomes of a key once it was delivered is written with the machine alone, and a
// request is shown with it (View).
package keyrequest

import (
	"maps"
	"slices"

	"github.com/keyward/keyward/shared/fault"
)

// State is where a request stands. The zero value is no state and nothing moves from it.
type State string

// The states.
const (
	Pending       State = "Pending"        // waits for a person, or for evidence
	Approved      State = "Approved"       // the machine gets its key when it asks again
	Delivered     State = "Delivered"      // the machine used its key
	Denied        State = "Denied"         // by the policy or by a person
	Failure       State = "Failure"        // approved, and the grant could not be made
	Expired       State = "Expired"        // nobody decided in time, the machine never came back for it, or it is gone
	RevokePending State = "Revoke_Pending" // warned, the grace runs
	Revoking      State = "Revoking"       // ordered, not confirmed
	Revoked       State = "Revoked"        // confirmed
	RevokeIgnored State = "Revoke_Ignored" // a person decided that the violation may stand
)

// Event is what happens to a request.
type Event string

// The events.
const (
	Ask      Event = "ask"      // the machine asks again, and what was answered before does not stand
	Approve  Event = "approve"  // by the policy or a person
	Deny     Event = "deny"     // by the policy or a person
	Deliver  Event = "deliver"  // the machine says that it used its key
	Fail     Event = "fail"     // KMS did not
	Expire   Event = "expire"   // its time is over
	Warn     Event = "warn"     // the warning of a violation was accepted
	Ignore   Event = "ignore"   // a person lets the violation stand
	Correct  Event = "correct"  // the machine complies again before its key was taken
	Order    Event = "order"    // KMS is asked to revoke
	Take     Event = "take"     // a person has the key taken, warned or not
	Confirm  Event = "confirm"  // KMS was read back twice
	Refute   Event = "refute"   // KMS was read back and the key is still there
	Restore  Event = "restore"  // what was taken was given back
	Withdraw Event = "withdraw" // the machine is gone
)

// table is every move there is.
var table = map[State]map[Event]State{
	Pending:       {Approve: Approved, Deny: Denied, Expire: Expired, Withdraw: Expired},
	Approved:      {Ask: Pending, Deliver: Delivered, Warn: RevokePending, Take: Revoking, Ignore: RevokeIgnored, Fail: Failure, Deny: Denied, Expire: Expired, Withdraw: Expired},
	Failure:       {Ask: Pending, Expire: Expired, Withdraw: Expired},
	Denied:        {Ask: Pending, Withdraw: Expired},
	Expired:       {Ask: Pending},
	Delivered:     {Ask: Pending, Warn: RevokePending, Take: Revoking, Ignore: RevokeIgnored, Withdraw: Expired},
	RevokePending: {Correct: Delivered, Ignore: RevokeIgnored, Order: Revoking, Take: Revoking, Withdraw: Expired},
	RevokeIgnored: {Correct: Delivered, Warn: RevokePending, Take: Revoking, Withdraw: Expired},
	Revoking:      {Confirm: Revoked, Refute: RevokePending, Restore: Delivered, Withdraw: Expired},
	Revoked:       {Restore: Delivered},
}

// Move is the state that follows from another by an event. Any move that is not in the table is
// refused with fault.Conflict.
func Move(from State, e Event) (State, error) {
	to, ok := table[from][e]
	if !ok {
		return from, fault.New(fault.Conflict, "moving a key request: %s is not possible in state %s", e, from)
	}
	return to, nil
}

// States are all states, sorted.
func States() []State { return slices.Sorted(maps.Keys(table)) }

// Events are the events that are possible in a state, sorted; none for a state that is not known.
func Events(from State) []Event { return slices.Sorted(maps.Keys(table[from])) }
