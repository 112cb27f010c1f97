package record

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// ChainWaivers is the chain of what people set and lifted on one machine: it is written beside the machine's own
// transitions, so that a waiver never waits for one.
const ChainWaivers = "waivers"

// Head is the end of a chain: the number of its last entry and that entry's hash. The zero value is an empty chain.
type Head struct {
	Number int64  `json:"number"`
	Hash   string `json:"hash"`
}

// Link gives entries their places at the end of a chain and returns them with its new head. What is written with the
// head, on the condition that nobody moved it, can afterwards not be changed, left out or put elsewhere without every
// later hash saying so.
func Link(head Head, chain string, entries []Entry) ([]Entry, Head) {
	linked := make([]Entry, len(entries))
	for i, e := range entries {
		e.Chain, e.Number, e.Before = chain, head.Number+1, head.Hash
		e.Hash = e.Sum()
		head = Head{e.Number, e.Hash}
		linked[i] = e
	}
	return linked, head
}

// Noted are entries that say how the machine is which is written with them: what follows from an entry must not have to
// read a record that may be newer.
func Noted(m Machine, entries []Entry) []Entry {
	noted := make([]Entry, len(entries))
	for i, e := range entries {
		e.Standing, e.Key, e.Policy, e.PolicyVersion = m.State.Standing, m.State.Key, m.Policy, m.PolicyUsed
		noted[i] = e
	}
	return noted
}

// Sum is the hash that an entry has to carry.
func (e Entry) Sum() string {
	e.Hash = ""
	b, err := json.Marshal(e)
	if err != nil {
		b = fmt.Appendf(nil, "%#v", e) // a time after the year 9999, which no clock says
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Audit is a part of a machine's ledger with the heads of its chains, oldest first by the clocks of who wrote.
type Audit struct {
	Entries []Entry         `json:"entries"`
	Heads   map[string]Head `json:"heads,omitempty"` // by chain, read before any entry was; on the first page
	Next    string          `json:"next,omitempty"`  // asks for the page after this; none: this is the last
}
