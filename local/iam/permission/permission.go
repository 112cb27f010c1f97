// Package permission judges statements of IAM policies: whether they cover a request, and what those of one identity say
// together. It is the policy language and nothing else: it knows no service, no caller and no clock, and what it does not
// know of the language is an error when a statement is made, so that none is ever half understood. Packages stack, kms and
// local call it, each with the statements of a template or of a key's policy.
package permission

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Request is one question: may somebody do this to that?
type Request struct {
	Action   string // kms:DisableKey
	Resource string // an ARN, or * where the action has no resource
	Context  Context
}

// Statement is one statement of a policy, without its principal.
type Statement struct {
	Sid        string
	Deny       bool
	Actions    []string // in which * is any text and ? one character, whatever the case
	Resources  []string // the same, and the case counts
	Conditions []Condition
}

var actionForm = regexp.MustCompile(`^(\*|[A-Za-z0-9-]+:[A-Za-z0-9*?]+)$`)

// Check is what keeps a statement from being understood whole, nil when nothing does.
func (s Statement) Check() error {
	if len(s.Actions) == 0 || len(s.Resources) == 0 {
		return fmt.Errorf("expected Action and Resource")
	}
	for _, a := range s.Actions {
		if !actionForm.MatchString(a) {
			return fmt.Errorf("action %q, expected service:Action", a)
		}
		service, _, _ := strings.Cut(a, ":")
		for _, c := range s.Conditions {
			if !known(service, c.key) {
				return fmt.Errorf("the condition key %s of %s is not known here", c.name, a)
			}
		}
	}
	for _, r := range s.Resources {
		if r == "" || strings.Contains(r, "${") {
			return fmt.Errorf("resource %q, expected an ARN without variables or *", r)
		}
	}
	return nil
}

// Covers says whether the statement is about the request.
func (s Statement) Covers(r Request) bool {
	action := strings.ToLower(r.Action)
	return slices.ContainsFunc(s.Actions, func(p string) bool { return Matches(strings.ToLower(p), action) }) &&
		slices.ContainsFunc(s.Resources, func(p string) bool { return Matches(p, r.Resource) }) &&
		!slices.ContainsFunc(s.Conditions, func(c Condition) bool { return !c.Holds(r.Context) })
}

// Policy is what one identity has, inline and attached. The zero value allows nothing.
type Policy []Statement

// Decision is what a policy says of a request. The zero value is no permission.
type Decision struct {
	Allowed bool
	Denied  bool   // explicitly, which nothing outweighs
	Sid     string // of the first statement that decided
}

// Decide asks every statement: a Deny outweighs all that allow.
func (p Policy) Decide(r Request) Decision {
	var d Decision
	for _, s := range p {
		switch {
		case !s.Covers(r):
		case s.Deny:
			return Decision{Denied: true, Sid: s.Sid}
		case !d.Allowed:
			d = Decision{Allowed: true, Sid: s.Sid}
		}
	}
	return d
}

// Why ends AWS's sentence about a request that was refused.
func (d Decision) Why(action string) string {
	if d.Denied {
		return "with an explicit deny in an identity-based policy"
	}
	return "because no identity-based policy allows the " + action + " action"
}

// Matches is IAM's pattern: * is any text, slashes and colons too, ? one character.
func Matches(pattern, text string) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
