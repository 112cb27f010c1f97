package record

import (
	"time"

	"github.com/keyward/keyward/shared/safeguard"
)

// Who says that a revocation is effective.
const (
	ByMachine = "machine" // the machine itself, whose lock was read back
	ByAWS     = "aws"     // EC2, which stopped it
)

// Safeguard is what was done to keep a machine's data safe before a revocation of one generation. It
// stays after it, so that what a lock took away is not taken for a correction.
type Safeguard struct {
	Generation int64  `json:"generation"`
	Execution  string `json:"execution"` // whose steps these are; another one begins anew

	Command *LockCommand `json:"command,omitempty"` // that waits for its answer
	Failed  string       `json:"failed,omitempty"`  // why the last step failed, in one line
	Text    string       `json:"text,omitempty"`    // what the machine last said: each name with its state

	Rest             *Rest      `json:"rest,omitempty"`       // of an application, when the policy has one; taken over while it has not ended
	HeldAtRest       string     `json:"heldAtRest,omitempty"` // the execution of this generation that was held since a rest did not end
	FlushedAt        time.Time  `json:"flushedAt"`
	SnapshotsAskedAt time.Time  `json:"snapshotsAskedAt"` // written before EC2 is asked
	SnapshotsDoneAt  time.Time  `json:"snapshotsDoneAt"`  // all complete
	Snapshots        []Snapshot `json:"snapshots,omitempty"`

	Before     safeguard.Names `json:"before"`   // in use before the lock, written before anything is stopped
	BeforeAt   time.Time       `json:"beforeAt"` // zero: not known yet, so nothing was stopped
	LockedAt   time.Time       `json:"lockedAt"` // the machine was read back and is at rest
	UnlockedAt time.Time       `json:"unlockedAt"`
	Rules      []string        `json:"rules,omitempty"` // that failed when the lock began, and that stopping a service can make pass

	StopAskedAt time.Time `json:"stopAskedAt"` // written before EC2 is asked
}

// Rest is an application's rest while EC2 makes snapshots. Each step is written before it is done. It is never
// changed in place.
type Rest struct {
	Unit      string        `json:"unit"`      // the policy's when it began
	Execution string        `json:"execution"` // that began it
	Within    time.Duration `json:"within"`    // after which the machine itself ends it
	AskedAt   time.Time     `json:"askedAt"`
	AtRestAt  time.Time     `json:"atRestAt"` // read back
	EndAt     time.Time     `json:"endAt"`    // since when it is to end
	EndedAt   time.Time     `json:"endedAt"`  // read back

	Missed string `json:"missed,omitempty"` // why no snapshots come of it
	Ours   bool   `json:"ours,omitempty"`   // that was a failure of AWS or of our own, which always holds

	UnlockedBy string `json:"unlockedBy,omitempty"` // the execution whose unlock tried to end it
}

// Open says whether the application may be at rest.
func (r *Rest) Open() bool { return r != nil && r.EndedAt.IsZero() }

// LockCommand is a command of the lock document. It is written with its nonce before it is sent.
type LockCommand struct {
	Action safeguard.Action `json:"action"`
	ID     string           `json:"id,omitempty"` // SSM's; empty until it was sent
	Nonce  string           `json:"nonce"`
	SentAt time.Time        `json:"sentAt"`
	By     time.Time        `json:"by"` // no answer is expected after it
}

// Snapshot is one EBS snapshot.
type Snapshot struct {
	ID     string `json:"id"`
	Volume string `json:"volume"`
	State  string `json:"state"` // pending, completed, error
}

// Withheld are the rules that a lock may have made pass by stopping what they look at: while the machine
// is revoked and locked, a pass of them shows nothing.
func (m Machine) Withheld() []string {
	g := m.Safeguard
	if m.Taken == nil || g == nil || g.Generation != m.Taken.Generation || g.BeforeAt.IsZero() || !g.UnlockedAt.IsZero() {
		return nil
	}
	return g.Rules
}
