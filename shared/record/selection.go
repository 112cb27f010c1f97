package record

import "time"

// MaxSelected is how many key requests a person may act on at once.
const MaxSelected = 50

// Chosen names one key request.
type Chosen struct {
	Machine string `json:"machine"`
	ID      string `json:"id"`
}

// Selection is what a person does with several key requests at once.
type Selection struct {
	Requests []Chosen `json:"requests"` // 1 to MaxSelected, each once
	Reason   string   `json:"reason"`
}

// IgnoreWish lets stand for a time what the machine of a key request fails by now.
type IgnoreWish struct {
	Reason  string    `json:"reason"`
	Expires time.Time `json:"expires"` // at most LongestWaiver from now
}

// IgnoreSelection is an IgnoreWish for several key requests at once.
type IgnoreSelection struct {
	Requests []Chosen  `json:"requests"` // 1 to MaxSelected, each once
	Reason   string    `json:"reason"`
	Expires  time.Time `json:"expires"` // at most LongestWaiver from now
}

// Acted is what became of one key request of a selection: the status, and of a refusal its kind and why, that the same
// about it alone would have been answered with.
type Acted struct {
	Machine string   `json:"machine"`
	ID      string   `json:"id"`
	Status  int      `json:"status"`
	Kind    string   `json:"kind,omitempty"`
	Detail  string   `json:"detail,omitempty"`
	Request *Request `json:"request,omitempty"` // as it is now, unless it was refused
	Waivers []Waiver `json:"waivers,omitempty"` // that were set
}

// ActedList is what became of each key request of a selection, in its order.
type ActedList struct {
	Results []Acted `json:"results"`
}

// Ignored is a key request whose machine's failures may stand, with the waivers that say so. Its state follows once the
// machine was looked at.
type Ignored struct {
	Request Request  `json:"request"`
	Waivers []Waiver `json:"waivers"`
}
