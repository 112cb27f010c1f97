// Package keypolicy reads the policy document of a KMS key and says who may use the key by it. It is
// conservative: what it does not understand counts as a way to the key, and so does what a Deny or a
// condition may close again, with one exception that Way.Reaches names. It is pure; recheck, sweep and
// api give it what KMS answered. The language is that of "Key policies in AWS KMS" in the developer guide.
package keypolicy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/keyward/keyward/shared/fault"
)

// maxDocument is in bytes: "Key policy document size" in the resource quotas of KMS.
const maxDocument = 32 << 10

// Way is one way to use a key that its policy opens to somebody.
type Way struct {
	Who       string   // an ARN, "*", an account's IAM policies, a service; "" when it is not understood
	How       string   // one plain line that says it to people
	Statement string   // its Sid, or its place, counted from 1
	machines  []string // whose data alone it reaches; nil: everybody's
}

// Reaches is whether the way leads to data of a machine. Only a StringEquals on the encryption context
// keyward:machine, which every data key of a machine carries, can exclude that.
func (w Way) Reaches(machine string) bool {
	return w.machines == nil || slices.Contains(w.machines, machine)
}

// Ways are all ways to use the key that a document opens, in its order. A statement that allows
// administration alone is none, though who may call CreateGrant or PutKeyPolicy can open one. A
// document that is no policy is fault.Invalid: nothing is known of the key's users then.
func Ways(document string) ([]Way, error) {
	if len(document) > maxDocument {
		return nil, fault.New(fault.Invalid, "reading the key policy: it has %d bytes, expected at most %d", len(document), maxDocument)
	}
	var policy map[string]json.RawMessage
	if err := json.Unmarshal([]byte(document), &policy); err != nil {
		return nil, fault.New(fault.Invalid, "reading the key policy: expected a JSON object")
	}
	var statements []json.RawMessage
	if err := json.Unmarshal(policy["Statement"], &statements); err != nil {
		statements = []json.RawMessage{policy["Statement"]}
	}
	if len(policy["Statement"]) == 0 {
		return nil, fault.New(fault.Invalid, "reading the key policy: it has no Statement")
	}
	var ways []Way
	for i, s := range statements {
		ways = append(ways, statement(s, i+1)...)
	}
	return ways, nil
}

// statement are the ways of one statement; one that is not understood is a way of its own.
func statement(text json.RawMessage, place int) []Way {
	var members map[string]json.RawMessage
	name := fmt.Sprintf("statement %d", place)
	if json.Unmarshal(text, &members) != nil || members == nil {
		return []Way{{How: name + ", which is not understood", Statement: name}}
	}
	var sid string
	if json.Unmarshal(members["Sid"], &sid) == nil && sid != "" {
		name = fmt.Sprintf("statement %d (%s)", place, sid)
	}
	s, why := parse(members)
	switch {
	case why != "":
		return []Way{{How: name + ", which is not understood: " + why, Statement: name}}
	case !s.allow || !s.use():
		return nil
	}
	ways := make([]Way, len(s.principals))
	for i, p := range s.principals {
		ways[i] = Way{Who: p.who, How: name + " admits " + p.text + s.bounds(), Statement: name, machines: s.machines}
	}
	return ways
}

// uses are the operations that work with the key's material, those of other kinds of keys among them.
var uses = []string{
	"decapsulate", "decrypt", "derivesharedsecret", "encapsulate", "encrypt", "generatedatakey", "generatedatakeypair", "generatedatakeypairwithoutplaintext",
	"generatedatakeywithoutplaintext", "generatemac", "reencryptfrom", "reencryptto", "sign", "verify", "verifymac",
}

// use is whether the statement is about any operation that uses the key.
func (s parsed) use() bool {
	return slices.ContainsFunc(uses, func(operation string) bool {
		named := slices.ContainsFunc(s.actions, func(p string) bool { return matches(strings.ToLower(p), "kms:"+operation) })
		return named != s.notAction
	})
}

// matches is IAM's pattern: * is any text, ? one character.
func matches(pattern, text string) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p, t = p+1, t+1
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
