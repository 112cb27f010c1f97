package keypolicy

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// parsed is one statement that was understood, as far as it matters who may use the key.
type parsed struct {
	allow      bool
	principals []principal
	actions    []string
	notAction  bool // the statement is about all actions but those
	bounded    bool // it has conditions
	machines   []string
}

type principal struct{ who, text string }

// elements of a statement (IAM user guide, "IAM JSON policy element reference"). Resource is not looked
// at: in a key policy it can only be the key.
var elements = []string{"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}

// parse reads a statement; why is what was not understood.
func parse(members map[string]json.RawMessage) (s parsed, why string) {
	for name := range members {
		if !slices.Contains(elements, name) {
			return s, "it has an unknown element"
		}
	}
	var effect string
	if json.Unmarshal(members["Effect"], &effect) != nil || effect != "Allow" && effect != "Deny" {
		return s, "its Effect is neither Allow nor Deny"
	}
	if s.allow = effect == "Allow"; !s.allow {
		return s, ""
	}
	if members["Action"] != nil == (members["NotAction"] != nil) {
		return s, "it has not one of Action and NotAction"
	}
	s.notAction = members["NotAction"] != nil
	if s.notAction {
		members["Action"] = members["NotAction"]
	}
	var ok bool
	if s.actions, ok = texts(members["Action"]); !ok {
		return s, "its actions are no texts"
	}
	if s.principals, why = principals(members); why != "" {
		return s, why
	}
	s.machines, s.bounded, ok = conditions(members["Condition"])
	if !ok {
		return s, "its conditions are no conditions"
	}
	return s, ""
}

// bounds says that a statement has conditions, which may close what it opens.
func (s parsed) bounds() string {
	switch {
	case s.machines != nil:
		return ", for data of " + strings.Join(s.machines, ", ") + " alone"
	case s.bounded:
		return ", under conditions"
	}
	return ""
}

// principals are who a statement that allows is about.
func principals(members map[string]json.RawMessage) ([]principal, string) {
	text := members["Principal"]
	if members["NotPrincipal"] != nil {
		if text != nil {
			return nil, "it has both Principal and NotPrincipal"
		}
		return []principal{{"*", "everybody but those it names"}}, ""
	}
	var everybody string
	if json.Unmarshal(text, &everybody) == nil && everybody == "*" {
		return []principal{{"*", "everybody"}}, ""
	}
	var kinds map[string]json.RawMessage
	if json.Unmarshal(text, &kinds) != nil || len(kinds) == 0 {
		return nil, "it names no principal"
	}
	var all []principal
	for _, kind := range sortedKeys(kinds) {
		names, ok := texts(kinds[kind])
		if !ok || len(names) == 0 {
			return nil, "its principals are no texts"
		}
		for _, n := range names {
			all = append(all, named(kind, n))
		}
	}
	return all, ""
}

var account = regexp.MustCompile(`^(?:arn:aws[a-z-]*:iam::)?([0-9]{12})(?::root)?$`)

// named is one principal. An account stands for whoever its IAM policies let in.
func named(kind, name string) principal {
	switch m := account.FindStringSubmatch(name); {
	case kind != "AWS":
		return principal{name, kind + " " + name}
	case name == "*":
		return principal{name, "everybody"}
	case m != nil:
		return principal{"arn:aws:iam::" + m[1] + ":root", "whoever the IAM policies of account " + m[1] + " let in"}
	default:
		return principal{name, name}
	}
}

// contextKey is the condition on the encryption context that a machine's data keys carry. The names of
// condition keys are not case-sensitive.
const contextKey = "kms:encryptioncontext:keyward:machine"

// conditions are whether there are any, and whose data alone they leave.
func conditions(text json.RawMessage) (machines []string, bounded, ok bool) {
	if text == nil {
		return nil, false, true
	}
	var operators map[string]map[string]json.RawMessage
	if json.Unmarshal(text, &operators) != nil {
		return nil, false, false
	}
	for operator, keys := range operators {
		for key, value := range keys {
			bounded = true
			if operator != "StringEquals" || strings.ToLower(key) != contextKey {
				continue
			}
			values, ok := texts(value)
			if !ok {
				return nil, true, false
			}
			// A variable may stand for anybody.
			if !slices.ContainsFunc(values, func(v string) bool { return strings.Contains(v, "$") }) {
				machines = append(make([]string, 0, len(values)), values...)
			}
		}
	}
	return machines, bounded, true
}

// texts reads a text or a list of texts.
func texts(value json.RawMessage) ([]string, bool) {
	var list []*string
	if json.Unmarshal(value, &list) != nil || list == nil {
		var one *string
		if json.Unmarshal(value, &one) != nil {
			return nil, false
		}
		list = []*string{one}
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

func sortedKeys(m map[string]json.RawMessage) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
