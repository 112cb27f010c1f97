// Package trust reads the trust policy of an IAM role and says whether anybody beside one AWS service may assume the
// role. It is conservative: what it does not understand counts as somebody else. It is pure; the request function gives
// it what IAM answered, before each release of a key: the name of a machine's session is worth something only
// when nobody but AWS can choose it. The language is that of "IAM JSON policy element reference" in the IAM user guide.
package trust

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// The services that give a machine its session and name it by the machine's id.
const (
	EC2 = "ec2.amazonaws.com" // instances
	SSM = "ssm.amazonaws.com" // hybrid nodes
)

// maxDocument is in bytes. The quota of a trust policy is 2,048 characters without white space, 4,096 when raised
// ("IAM and AWS STS quotas").
const maxDocument = 32 << 10

// elements of a statement in a trust policy. Resource has no place in one.
var elements = []string{"Sid", "Effect", "Principal", "Action", "Condition"}

// actions by which a service may get a session of the role or describe one. Others are not understood.
var actions = []string{"sts:assumerole", "sts:tagsession", "sts:setsourceidentity"}

// Others is why somebody beside the service may be able to assume a role with this trust policy, as one plain line that
// names the statement and no account; "" when the service alone may. A Deny opens nothing and is passed over.
func Others(document, service string) string {
	if len(document) > maxDocument {
		return fmt.Sprintf("the trust policy has %d bytes, expected at most %d", len(document), maxDocument)
	}
	if name := doubled(document); name != "" {
		return fmt.Sprintf("the trust policy is not understood: it names %q twice", name)
	}
	var policy map[string]json.RawMessage
	if json.Unmarshal([]byte(document), &policy) != nil || policy == nil {
		return "the trust policy is not understood: it is no JSON object"
	}
	for name := range policy {
		if !slices.Contains([]string{"Version", "Id", "Statement"}, name) {
			return "the trust policy is not understood: it has an unknown element"
		}
	}
	var statements []json.RawMessage
	if json.Unmarshal(policy["Statement"], &statements) != nil {
		statements = []json.RawMessage{policy["Statement"]}
	}
	allows := false
	for i, s := range statements {
		allow, why := statement(s, service)
		if why != "" {
			return named(s, i+1) + " of the trust policy " + why
		}
		allows = allows || allow
	}
	if !allows {
		return "the trust policy lets nobody assume the role"
	}
	return ""
}

// statement is whether a statement allows, and why it may let in somebody else.
func statement(text json.RawMessage, service string) (allow bool, why string) {
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil || members == nil {
		return false, "is not understood: it is no JSON object"
	}
	var effect string
	if json.Unmarshal(members["Effect"], &effect) == nil && effect == "Deny" {
		return false, ""
	}
	if effect != "Allow" {
		return false, "is not understood: its Effect is neither Allow nor Deny"
	}
	if members["NotPrincipal"] != nil {
		return false, "admits everybody but those it names (NotPrincipal)"
	}
	for name := range members {
		if !slices.Contains(elements, name) {
			return false, "is not understood: it has another element than " + strings.Join(elements, ", ")
		}
	}
	if why := principal(members["Principal"], service); why != "" {
		return false, why
	}
	done, ok := texts(members["Action"])
	if !ok || slices.ContainsFunc(done, func(a string) bool { return !slices.Contains(actions, strings.ToLower(a)) }) {
		return false, "is not understood: expected the actions sts:AssumeRole, sts:TagSession, sts:SetSourceIdentity alone"
	}
	return true, ""
}

// principal is why a Principal is not the service alone.
func principal(text json.RawMessage, service string) string {
	var everybody string
	if json.Unmarshal(text, &everybody) == nil {
		return "admits everybody"
	}
	var kinds map[string]json.RawMessage
	if json.Unmarshal(text, &kinds) != nil || len(kinds) == 0 {
		return "is not understood: it names no principal"
	}
	for kind := range kinds {
		switch kind {
		case "Service":
		case "AWS":
			return "admits AWS principals: accounts, users or other roles"
		case "Federated":
			return "admits a federated identity provider"
		default:
			return "admits principals of a kind that is not known"
		}
	}
	services, ok := texts(kinds["Service"])
	if !ok || len(services) == 0 {
		return "is not understood: its services are no texts"
	}
	for _, s := range services {
		// China's name of a service has a suffix of its own.
		if s != service && s != service+".cn" {
			return "admits another service than " + service
		}
	}
	return ""
}

// named is what people call a statement.
func named(text json.RawMessage, place int) string {
	var s struct{ Sid string }
	if json.Unmarshal(text, &s) == nil && s.Sid != "" && len(s.Sid) <= 128 {
		return fmt.Sprintf("statement %d (%q)", place, s.Sid)
	}
	return fmt.Sprintf("statement %d", place)
}

// texts reads a text or a list of texts.
func texts(value json.RawMessage) ([]string, bool) {
	var one *string
	if json.Unmarshal(value, &one) == nil {
		if one == nil {
			return nil, false
		}
		return []string{*one}, true
	}
	var list []*string
	if json.Unmarshal(value, &list) != nil {
		return nil, false
	}
	all := make([]string, 0, len(list))
	for _, v := range list {
		if v == nil {
			return nil, false
		}
		all = append(all, *v)
	}
	return all, true
}

// doubled is a name that an object of the document has twice, in whatever case: readers differ on which one counts.
func doubled(document string) string {
	d := json.NewDecoder(strings.NewReader(document))
	var objects []map[string]bool // of what is open; nil is a list
	name := true                  // the next text is a name
	for {
		token, err := d.Token()
		if err != nil {
			return ""
		}
		in := len(objects) - 1
		switch v := token.(type) {
		case json.Delim:
			switch v {
			case '{':
				objects = append(objects, map[string]bool{})
			case '[':
				objects = append(objects, nil)
			default:
				objects = objects[:in]
			}
			name = true
		case string:
			if in >= 0 && objects[in] != nil && name {
				key := strings.ToLower(v)
				if objects[in][key] {
					return v
				}
				objects[in][key] = true
				name = false
				continue
			}
			name = true
		default:
			name = true
		}
	}
}
