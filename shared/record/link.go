package record

import "time"

// ActionLink is a link of a mail that somebody may use once (shared/actionlink).
type ActionLink struct {
	ID        string    `json:"id"`        // SHA-256, in hex, of the secret in its address, which is kept nowhere
	Action    string    `json:"action"`    // of shared/actionlink
	Machine   string    `json:"machine"`   // id
	Violation time.Time `json:"violation"` // State.Since of what the mail is about
	To        []string  `json:"to"`        // whom the mail went to
	Notice    string    `json:"notice"`    // reference of the mail
	MadeAt    time.Time `json:"madeAt"`
	Expires   time.Time `json:"expires"`
	UsedAt    time.Time `json:"usedAt,omitzero"`
	Version   int64     `json:"version"` // raised by each write; 0 is not written yet
}

// LinkHolds is how often links held a violation.
type LinkHolds struct {
	Violation time.Time `json:"violation"` // State.Since
	Count     int       `json:"count"`
}
