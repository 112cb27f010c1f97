package local

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/keyward/keyward/local/stack"
	"github.com/keyward/keyward/local/wire"
)

// person is an IAM user with one managed policy.
type person struct {
	key    wire.Key
	policy stack.CallPolicy
}

// userName is what IAM takes (API reference of CreateUser).
var userName = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)

// PersonCredentials are the keys of a user who has one of the template's managed policies on calls of HTTP APIs, by its
// logical id, and may do nothing else: the same until the place ends.
func (s *Server) PersonCredentials(name, policy string) (wire.Key, error) {
	if !userName.MatchString(name) || name == "operator" {
		return wire.Key{}, fmt.Errorf("making the user %q: expected a name of 1 to 64 letters, digits and +=,.@-_ other than operator", name)
	}
	at := slices.IndexFunc(s.stack.CallPolicies, func(p stack.CallPolicy) bool { return p.LogicalID == policy })
	if at < 0 {
		var known []string
		for _, p := range s.stack.CallPolicies {
			known = append(known, p.LogicalID)
		}
		return wire.Key{}, fmt.Errorf("making the user %s: policy is %q, expected one of %s", name, policy, strings.Join(known, ", "))
	}
	arn := "arn:aws:iam::" + s.stack.Account + ":user/" + name
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.people[arn]
	if ok && p.policy.LogicalID != policy {
		return wire.Key{}, fmt.Errorf("making the user %s: there is one with %s", name, p.policy.LogicalID)
	}
	if !ok {
		p = person{policy: s.stack.CallPolicies[at], key: s.keys.Issue(wire.Principal{
			Kind: wire.Person, Account: s.stack.Account, UserID: "AIDAEXAMPLE" + strings.ToUpper(name), ARN: arn,
		})}
		s.people[arn] = p
	}
	return p.key, nil
}
