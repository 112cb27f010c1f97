// Package keypolicy reads KMS key policies and answers what they say about a request, as far as the
// policies of symmetric keys go that keyward local is given. An element, operator or condition key that
// it does not know is refused when the policy is read, so that no statement is ever half understood.
// Statements are judged by local/iam/permission. It is called by local/kms alone.
package keypolicy

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/keyward/keyward/local/iam/permission"
	"github.com/keyward/keyward/local/wire"
)

// maxPolicy is in bytes: "Key policy document size" in the resource quotas.
const maxPolicy = 32 << 10

// statement is one statement of a key policy that is fully understood.
type statement struct {
	permission.Statement
	principals []string // "*", an account's 12 digits, or an ARN
}

var principal = regexp.MustCompile(`^(\*|\d{12}|arn:aws:iam::\d{12}:(root|(user|role)/[\w+=,.@/-]+)|arn:aws:sts::\d{12}:assumed-role/[\w+=,.@-]+/[\w+=,.@-]+)$`)

// Policy is a key policy that was read whole. The zero value allows nothing.
type Policy struct{ statements []statement }

// Parse reads a key policy. What is no policy is MalformedPolicyDocumentException, what is one
// but not of this package's subset is a loud 501.
func Parse(text string) (Policy, error) {
	var document struct {
		Version, Id string
		Statement   json.RawMessage
	}
	if len(text) > maxPolicy {
		return Policy{}, malformed("%d bytes, expected at most %d", len(text), maxPolicy)
	}
	if err := json.Unmarshal([]byte(text), &document); err != nil || len(document.Statement) == 0 {
		return Policy{}, malformed("expected a JSON object with a Statement")
	}
	var raw []map[string]json.RawMessage
	if document.Statement[0] != '[' {
		document.Statement = slices.Concat([]byte("["), document.Statement, []byte("]"))
	}
	if err := json.Unmarshal(document.Statement, &raw); err != nil || len(raw) == 0 {
		return Policy{}, malformed("Statement: expected one or more objects")
	}
	statements := make([]statement, len(raw))
	for i, members := range raw {
		s, err := parseStatement(members)
		if err != nil {
			return Policy{}, err
		}
		statements[i] = s
	}
	return Policy{statements}, nil
}

func parseStatement(members map[string]json.RawMessage) (statement, error) {
	var s statement
	for name, value := range members {
		var err error
		switch name {
		case "Sid":
			if json.Unmarshal(value, &s.Sid) != nil {
				return s, malformed("Sid: expected a text")
			}
		case "Effect":
			var effect string
			if json.Unmarshal(value, &effect) != nil || effect != "Allow" && effect != "Deny" {
				return s, malformed("Effect: expected Allow or Deny")
			}
			s.Deny = effect == "Deny"
		case "Principal":
			s.principals, err = parsePrincipals(value)
		case "Action":
			s.Actions, err = texts(value)
		case "Resource":
			s.Resources, err = texts(value)
		case "Condition":
			s.Conditions, err = parseConditions(value)
		default:
			return s, wire.Unimplemented("key policy element %s", name)
		}
		if err != nil {
			return s, err
		}
	}
	if members["Effect"] == nil || len(s.principals) == 0 || len(s.Actions) == 0 || len(s.Resources) == 0 {
		return s, malformed("a statement needs Effect, Principal, Action and Resource")
	}
	if err := s.Check(); err != nil {
		return s, wire.Unimplemented("a statement of a key policy: %v", err)
	}
	return s, nil
}

func parsePrincipals(value json.RawMessage) ([]string, error) {
	if string(value) == `"*"` {
		return []string{"*"}, nil
	}
	var byKind map[string]json.RawMessage
	if json.Unmarshal(value, &byKind) != nil {
		return nil, malformed("Principal: expected \"*\" or an object")
	}
	for kind := range byKind {
		if kind != "AWS" {
			return nil, wire.Unimplemented("key policy principals of kind %s", kind)
		}
	}
	list, err := texts(byKind["AWS"])
	if err != nil {
		return nil, err
	}
	for _, p := range list {
		if !principal.MatchString(p) {
			return nil, malformed("Policy contains a statement with one or more invalid principals: %s", p)
		}
	}
	return list, nil
}

func parseConditions(value json.RawMessage) ([]permission.Condition, error) {
	var byOperator map[string]map[string]json.RawMessage
	if json.Unmarshal(value, &byOperator) != nil {
		return nil, malformed("Condition: expected an object of objects")
	}
	var conditions []permission.Condition
	for operator, keys := range byOperator {
		for name, value := range keys {
			values, err := texts(value)
			if err != nil {
				return nil, err
			}
			c, err := permission.NewCondition(operator, name, values)
			if err != nil {
				return nil, wire.Unimplemented("a key policy: %v", err)
			}
			conditions = append(conditions, c)
		}
	}
	return conditions, nil
}

// texts reads a text, a boolean or a list of those.
func texts(value json.RawMessage) ([]string, error) {
	var list []any
	if json.Unmarshal(value, &list) != nil {
		var one any
		if err := json.Unmarshal(value, &one); err != nil {
			return nil, malformed("expected a text or a list of texts")
		}
		list = []any{one}
	}
	out := make([]string, len(list))
	for i, v := range list {
		switch v := v.(type) {
		case string:
			out[i] = v
		case bool:
			out[i] = fmt.Sprint(v)
		default:
			return nil, malformed("expected a text or a list of texts, found %v", v)
		}
		if strings.Contains(out[i], "${") {
			return nil, wire.Unimplemented("policy variable in %s", out[i])
		}
	}
	return out, nil
}

func malformed(format string, args ...any) *wire.Error {
	return &wire.Error{Code: "MalformedPolicyDocumentException", Message: "The policy is not valid: " + fmt.Sprintf(format, args...)}
}

// ValidPrincipal says whether arn is the ARN of an account, user, role or session, or "*".
func ValidPrincipal(arn string) bool { return principal.MatchString(arn) }
