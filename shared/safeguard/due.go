package safeguard

import (
	"time"

	"github.com/keyward/keyward/shared/policy"
)

// Due is what comes next once every condition of a revocation holds.
type Due string

// What may be due.
const (
	DueRevoke   Due = "revoke"   // nothing is left to do before
	DueSnapshot Due = "snapshot" // and another look after it
	DueLock     Due = "lock"     // the revocation is reserved, the machine is put at rest before it
)

// KeepSnapshot is for how long a snapshot stands for the data: a later attempt, or a deadline that moved,
// needs a new one.
const KeepSnapshot = 3 * time.Hour

// Next is what is due now. snapshotAt is when this execution's snapshots were done, or when they failed
// and the policy revokes all the same; zero when neither.
func Next(t policy.Integrity, snapshotAt, now time.Time) Due {
	switch {
	case t.Snapshot && (snapshotAt.IsZero() || now.Sub(snapshotAt) > KeepSnapshot):
		return DueSnapshot
	case t.Lock:
		return DueLock
	default:
		return DueRevoke
	}
}

// Wanted says whether a policy asks for anything beside the revocation itself.
func Wanted(t policy.Integrity) bool { return t.Snapshot || t.Lock || t.Effect == policy.EffectStop }
