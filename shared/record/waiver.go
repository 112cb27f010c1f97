package record

import "time"

// Bounds of a waiver.
const (
	LongestWaiver = 365 * 24 * time.Hour // from when it is set to its end
	MaxWaiverTags = 10
)

// Waiver is a person's decision that something which machines fail by may stand for a time. It is pinned to
// a rule, to machines, and to the values that were seen: whatever else the rule finds is a finding as before.
type Waiver struct {
	ID      string            `json:"id"`               // w- and 12 hex digits
	Scope   Scope             `json:"scope"`            // which machines: machine:ID, policy:NAME or global
	Tags    map[string]string `json:"tags,omitempty"`   // narrow the scope to machines enrolled with all of these
	Policy  string            `json:"policy,omitempty"` // whose rule; empty: of any policy that has a rule of this name
	Rule    string            `json:"rule"`
	Values  []string          `json:"values"` // of policy.Finding.Values; 1 to policy.MaxValues
	Reason  string            `json:"reason"`
	By      string            `json:"by"` // ARN of who set it
	SetAt   time.Time         `json:"setAt"`
	Expires time.Time         `json:"expires"`          // at most LongestWaiver after SetAt
	Lifted  *Lift             `json:"lifted,omitempty"` // nil: nobody ended it before its time
}

// Lift is the end of a waiver before its time.
type Lift struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
}

// Stands is whether a waiver holds at a time. One without an end, which cannot be set, never does.
func (w Waiver) Stands(now time.Time) bool { return w.Lifted == nil && now.Before(w.Expires) }

// Revision counts the waivers that were set or lifted on a scope, so that a write can ask that none was
// since they were read. 0: none ever.
type Revision struct {
	Scope  Scope `json:"scope"`
	Number int64 `json:"number"`
}

// Waivers are those on some scopes, as they were read at once.
type Waivers struct {
	All       []Waiver // with those that have ended
	Unread    int      // rows that are there and cannot be read: whom they are for is not known
	Revisions []Revision
}

// WaiverWish is what a person says to set a waiver.
type WaiverWish struct {
	Scope   Scope             `json:"scope"`
	Tags    map[string]string `json:"tags,omitempty"`
	Policy  string            `json:"policy,omitempty"` // only with scope global
	Rule    string            `json:"rule"`
	Values  []string          `json:"values,omitempty"` // none with scope machine: those that the machine fails by now
	Reason  string            `json:"reason"`
	Expires time.Time         `json:"expires"`
}

// WaiverList is the answer to who allowed what.
type WaiverList struct {
	Waivers []Waiver `json:"waivers"`
	Unread  int      `json:"unread,omitempty"` // rows that are there and cannot be read
}

// WaiverSet is a waiver that was set, with what it does now.
type WaiverSet struct {
	Waiver   Waiver   `json:"waiver"`
	Machines []string `json:"machines"`       // that fail by what it allows; they are looked at now
	Note     string   `json:"note,omitempty"` // what it cannot change any more
}
