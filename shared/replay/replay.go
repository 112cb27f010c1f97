// Package replay is the time machine: it judges kept evidence by a candidate policy, moves machines with the same
// integrity.Next as evaluate, and tells who would have been warned, revoked and restored, and when, beside what really
// happened. It asks no clock, calls nobody and changes nothing; the command line runs it.
//
// Evidence is a row of moments, and timers run between them. What is supposed there:
//
//   - A machine begins the window as one that was never judged and holds its key.
//   - A warning is accepted by the mail service at the moment it is due to be sent, and does not bounce.
//   - A look that Keyward would have asked for at a time without evidence (at a deadline, to confirm a failure, for a
//     correction, at the end of a settling time or of a silence) says what the inspections before and after it say, when
//     they say the same. When they differ nothing is supposed: the later one counts from when it was judged.
//   - The breaker leaves room for as many machines as now; those that wait for it go on at the moment there is room. A rule
//     trips by the limits of now, as soon as too many machines fail it, and nobody resets it.
//   - KMS does at once what it is asked: where the seconds that it takes decide, as for an inspection that is judged just as a
//     settling time ends, the other may have happened. What people did at the time (holds, restores by hand) is not repeated.
package replay

import (
	"cmp"
	"container/heap"
	"time"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// Kind is what happened to a machine.
type Kind string

// The kinds.
const (
	Warned    Kind = "warned"    // that its key will be revoked at Due
	Told      Kind = "told"      // that it does not comply, and nothing more
	Silent    Kind = "silent"    // it could not be judged, and people were told
	Held      Kind = "held"      // left to a person, for the reason in Why
	StoodDown Kind = "stoodDown" // put right before anything was taken
	Revoked   Kind = "revoked"
	Restored  Kind = "restored"
	Withdrawn Kind = "withdrawn" // the machine is gone
)

// Kinds are all kinds, in the order in which they are counted and shown.
func Kinds() []Kind {
	return []Kind{Warned, Told, Silent, Held, StoodDown, Revoked, Restored, Withdrawn}
}

// Event is one thing that happened, or would have.
type Event struct {
	Kind     Kind      `json:"kind"`
	At       time.Time `json:"at"`
	Due      time.Time `json:"due,omitzero"`       // of a warning: the deadline it promised
	Why      string    `json:"why,omitempty"`      // the first bad finding, or why it is held
	Supposed bool      `json:"supposed,omitempty"` // nobody looked just then: the inspections around it say the same
	Doubt    string    `json:"doubt,omitempty"`    // what the evidence cannot tell
}

// History is one machine with what its kept inspections say under the candidate.
type History struct {
	Machine string
	Looks   []Look // in any order
}

// Outcome is what would have become of one machine.
type Outcome struct {
	Machine  string             `json:"machine"`
	Looks    int                `json:"inspections"` // that count; too old ones and copies do not
	Verdicts map[string]int     `json:"verdicts"`    // how many said Pass, Fail, Unknown
	First    time.Time          `json:"first,omitzero"`
	Last     time.Time          `json:"last,omitzero"`
	Events   []Event            `json:"events"`   // oldest first
	Standing integrity.Standing `json:"standing"` // at the end
	Key      integrity.KeyState `json:"key"`
	Due      time.Time          `json:"due,omitzero"` // a deadline that is to come at the end, or passed since the last inspection
}

// Result is what would have become of all of them.
type Result struct {
	Machines []Outcome     // in the order of the histories
	Trips    []record.Trip // rules that would only have notified from then on, oldest first
}

// Run replays the machines under the terms of one policy, all of them in the order of time, since they share the room
// that the breaker leaves, and the breaker on the rules.
func Run(histories []History, terms policy.Integrity, b Breaker) Result {
	limit := &breaker{Breaker: b}
	fleet := &rules{limits: b.Rules, machines: make([]record.Machine, len(histories))}
	runners := make([]*runner, len(histories))
	var waiting queue
	for i, h := range histories {
		runners[i] = newRunner(h, terms, limit, fleet, i)
		waiting.add(runners[i])
	}
	for len(waiting) > 0 {
		r := heap.Pop(&waiting).(*runner)
		r.step()
		waiting.add(r)
	}
	result := Result{Machines: make([]Outcome, len(histories)), Trips: fleet.trips}
	for i, r := range runners {
		result.Machines[i] = r.end()
	}
	return result
}

// queue are the runners that have a step before them, the earliest first; of two at one time the one whose deadline is
// earlier, then the one with the lower id.
type queue []*runner

func (q *queue) add(r *runner) {
	if at, more := r.next(); more {
		r.at = at
		heap.Push(q, r)
	}
}

func (q queue) Len() int      { return len(q) }
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(r any)   { *q = append(*q, r.(*runner)) }

func (q queue) Less(i, j int) bool {
	a, b := q[i], q[j]
	return cmp.Or(a.at.Compare(b.at), a.state.DueAt.Compare(b.state.DueAt), cmp.Compare(a.out.Machine, b.out.Machine)) < 0
}

func (q *queue) Pop() any {
	old := *q
	r := old[len(old)-1]
	*q = old[:len(old)-1]
	return r
}
