package safeguard

import "time"

// Snapshot is one EBS snapshot.
type Snapshot struct {
	ID, Volume string
	State      string // pending, completed, error, recoverable or recovering
	Begun      time.Time
}
