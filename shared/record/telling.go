package record

import "time"

// Gathering is what waits to be told by a notifier: when it is to be looked at, and how it was told before.
type Gathering struct {
	Notifier string    `json:"notifier"`
	Count    int       `json:"count"`          // a hint: it may be more than there are
	First    time.Time `json:"first,omitzero"` // when the first was gathered
	Due      time.Time `json:"due,omitzero"`   // when the sweep asks for it; zero when nothing waits
	Begun    int64     `json:"begun"`          // deliveries that were begun so far
}

// Delivery is one message of a notifier to all its channels. It is kept until every channel was told, refused it, or was given up.
type Delivery struct {
	ID          string       `json:"id"` // the same for each attempt
	Notifier    string       `json:"notifier"`
	Occurrences []Occurrence `json:"occurrences"`
	BegunAt     time.Time    `json:"begunAt"`
	Tries       int          `json:"tries"`
	Next        time.Time    `json:"next"`            // of the next try; while one is under way, when it counts as dead
	Done        []string     `json:"done,omitempty"`  // channels that are told no more: mail, topic, webhook
	Error       string       `json:"error,omitempty"` // of the last try; safe to show
	Taken       bool         `json:"taken,omitempty"` // its occurrences wait for nobody any more
	Version     int64        `json:"version"`
}

// Flush is what the function notifier is invoked with: to tell what is due, of one notifier or of all.
type Flush struct {
	Op       string `json:"op"`                 // flush
	Notifier string `json:"notifier,omitempty"` // "": all of which something is due
}
