package permission

import (
	"fmt"
	"slices"
	"strings"
)

// Context is what is known of a request, by condition key. Names are set with Set, since IAM's know no case.
type Context map[string][]string

// Set notes the values of a key. A key without values is not there.
func (c Context) Set(key string, values ...string) {
	if len(values) > 0 {
		c[strings.ToLower(key)] = values
	}
}

// SetTags notes tags under a prefix such as aws:ResourceTag/.
func (c Context) SetTags(prefix string, tags map[string]string) {
	for name, value := range tags {
		c.Set(prefix+name, value)
	}
}

// keys are the condition keys that requests here can have, in lower case, with the services whose requests have them; none
// means all. One that ends with a slash or a colon is a prefix. A key that no request has would make an Allow allow nothing
// and a Deny deny nothing, so a statement with one is refused.
var keys = map[string][]string{
	"aws:principalaccount": nil,
	"aws:principalarn":     nil,

	"aws:requesttag/":  {"ec2", "kms"},
	"aws:resourcetag/": {"ec2", "kms", "ssm"},
	"aws:tagkeys":      {"ec2"},

	"ec2:createaction": {"ec2"},
	"ec2:resourcetag/": {"ec2"},

	"iam:passedtoservice": {"iam"},

	"kms:calleraccount":         {"kms"},
	"kms:encryptioncontext:":    {"kms"},
	"kms:grantconstrainttype":   {"kms"},
	"kms:granteeprincipal":      {"kms"},
	"kms:grantisforawsresource": {"kms"},
	"kms:grantoperations":       {"kms"},
	"kms:resourcealiases":       {"kms"},
	"kms:viaservice":            {"kms"}, // never there: no service of this process uses a key for someone else

	"ses:fromaddress":  {"ses"},
	"ssm:resourcetag/": {"ssm"},
}

// known says whether requests of a service can have a condition key. An action of every service has those alone that all have.
func known(service, key string) bool {
	for name, services := range keys {
		prefix := strings.HasSuffix(name, "/") || strings.HasSuffix(name, ":")
		if key == name && !prefix || prefix && strings.HasPrefix(key, name) && len(key) > len(name) {
			return services == nil || slices.Contains(services, strings.ToLower(service))
		}
	}
	return false
}

// Condition is one key of a Condition element with its operator.
type Condition struct {
	name, key string // as it was written, and in lower case
	compare   func(pattern, value string) bool
	negated   bool
	ifExists  bool
	all, any  bool // ForAllValues, ForAnyValue
	null      bool
	values    []string
}

// comparisons are the operators without what can stand before and behind them.
var comparisons = map[string]func(pattern, value string) bool{
	"StringEquals":           func(p, v string) bool { return p == v },
	"StringEqualsIgnoreCase": strings.EqualFold,
	"StringLike":             Matches,
	"ArnEquals":              matchesARN,
	"ArnLike":                matchesARN,
	"Bool":                   strings.EqualFold,
}

// negations are the operators that hold when another does not, which they name.
var negations = map[string]string{
	"StringNotEquals": "StringEquals", "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase", "StringNotLike": "StringLike",
	"ArnNotEquals": "ArnEquals", "ArnNotLike": "ArnLike",
}

// NewCondition makes a condition of a key with its operator and values, one of which has to hold.
func NewCondition(operator, key string, values []string) (Condition, error) {
	c := Condition{name: key, key: strings.ToLower(key), values: values}
	name := operator
	name, c.all = strings.CutPrefix(name, "ForAllValues:")
	if !c.all {
		name, c.any = strings.CutPrefix(name, "ForAnyValue:")
	}
	name, c.ifExists = strings.CutSuffix(name, "IfExists")
	if other, ok := negations[name]; ok {
		name, c.negated = other, true
	}
	c.null = name == "Null" && !c.ifExists && !c.all && !c.any
	c.compare = comparisons[name]
	if c.compare == nil && !c.null {
		return c, fmt.Errorf("the condition operator %s is not known here", operator)
	}
	if len(values) == 0 {
		return c, fmt.Errorf("the condition key %s has no value", key)
	}
	for _, v := range values {
		switch {
		case strings.Contains(v, "${"):
			return c, fmt.Errorf("the variable in %q of the condition key %s is not known here", v, key)
		case (c.null || name == "Bool") && v != "true" && v != "false":
			return c, fmt.Errorf("the condition key %s is %q, expected true or false", key, v)
		}
	}
	return c, nil
}

// Holds compares the request's values with the condition's ("Condition operators" and "Multivalued context keys" in the IAM
// user guide). A key that the request does not have fails, unless the operator is negated, ends with IfExists or asks for all.
func (c Condition) Holds(r Context) bool {
	values := r[c.key]
	there := len(values) > 0
	switch {
	case c.null:
		return slices.Contains(c.values, fmt.Sprint(!there))
	case !there:
		return c.all || c.ifExists || c.negated && !c.any
	case c.any, !c.all && !c.negated:
		return slices.ContainsFunc(values, c.one)
	}
	return !slices.ContainsFunc(values, func(v string) bool { return !c.one(v) })
}

// one compares one value.
func (c Condition) one(value string) bool {
	return slices.ContainsFunc(c.values, func(p string) bool { return c.compare(p, value) }) != c.negated
}

// matchesARN compares the six parts of an ARN each by itself.
func matchesARN(pattern, arn string) bool {
	p, a := strings.SplitN(pattern, ":", 6), strings.SplitN(arn, ":", 6)
	if len(p) != 6 || len(a) != 6 {
		return false
	}
	for i := range p {
		if !Matches(p[i], a[i]) {
			return false
		}
	}
	return true
}
