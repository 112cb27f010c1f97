package permission_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/keyward/keyward/local/iam/permission"
)

const key = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"

func condition(t *testing.T, operator, name string, values ...string) permission.Condition {
	t.Helper()
	c, err := permission.NewCondition(operator, name, values)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func allow(action, resource string, c ...permission.Condition) permission.Statement {
	return permission.Statement{Sid: "Allow", Actions: []string{action}, Resources: []string{resource}, Conditions: c}
}

func deny(action, resource string, c ...permission.Condition) permission.Statement {
	s := allow(action, resource, c...)
	s.Sid, s.Deny = "Deny", true
	return s
}

func TestDecide(t *testing.T) {
	t.Parallel()
	guarded := condition(t, "StringEquals", "aws:ResourceTag/keyward:guarded", "true")
	context := permission.Context{}
	context.SetTags("aws:ResourceTag/", map[string]string{"keyward:guarded": "true"})
	allowed, denied := permission.Decision{Allowed: true, Sid: "Allow"}, permission.Decision{Denied: true, Sid: "Deny"}
	for name, tt := range map[string]struct {
		policy  permission.Policy
		context permission.Context
		want    permission.Decision
	}{
		"nothing":                      {nil, nil, permission.Decision{}},
		"the action and the resource":  {permission.Policy{allow("kms:DisableKey", key)}, nil, allowed},
		"the case of an action":        {permission.Policy{allow("KMS:disablekey", key)}, nil, allowed},
		"the case of a resource":       {permission.Policy{allow("kms:DisableKey", strings.ToUpper(key))}, nil, permission.Decision{}},
		"another action":               {permission.Policy{allow("kms:EnableKey", key)}, nil, permission.Decision{}},
		"wildcards":                    {permission.Policy{allow("kms:Dis*", "arn:aws:kms:*:12345678901?:key/*")}, nil, allowed},
		"everything":                   {permission.Policy{allow("*", "*")}, nil, allowed},
		"a part of the action":         {permission.Policy{allow("kms:Disable", "*")}, nil, permission.Decision{}},
		"a condition that holds":       {permission.Policy{allow("kms:DisableKey", "*", guarded)}, context, allowed},
		"a condition that does not":    {permission.Policy{allow("kms:DisableKey", "*", guarded)}, nil, permission.Decision{}},
		"two conditions, one holds":    {permission.Policy{allow("kms:DisableKey", "*", guarded, condition(t, "Bool", "kms:GrantIsForAWSResource", "true"))}, context, permission.Decision{}},
		"a deny before":                {permission.Policy{deny("kms:*", "*"), allow("kms:DisableKey", "*")}, nil, denied},
		"a deny behind":                {permission.Policy{allow("kms:DisableKey", "*"), deny("kms:*", "*")}, nil, denied},
		"a deny that is not about it":  {permission.Policy{allow("kms:DisableKey", "*"), deny("kms:*", "*", guarded)}, nil, allowed},
		"a deny alone":                 {permission.Policy{deny("*", "*")}, nil, denied},
		"the second statement decides": {permission.Policy{allow("ssm:*", "*"), allow("kms:*", "*")}, nil, allowed},
	} {
		got := tt.policy.Decide(permission.Request{Action: "kms:DisableKey", Resource: key, Context: tt.context})
		if got != tt.want {
			t.Errorf("%s: Decide = %+v, want %+v", name, got, tt.want)
		}
	}
	if got := allowed.Why("kms:DisableKey"); got != "because no identity-based policy allows the kms:DisableKey action" {
		t.Errorf("Why = %q", got)
	}
	if got := denied.Why("kms:DisableKey"); got != "with an explicit deny in an identity-based policy" {
		t.Errorf("Why = %q", got)
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	const operations = "kms:GrantOperations"
	for _, tt := range []struct {
		operator string
		values   []string
		request  []string
		want     bool
	}{
		{"StringEquals", []string{"a", "b"}, []string{"b"}, true},
		{"StringEquals", []string{"a"}, []string{"A"}, false},
		{"StringEquals", []string{"a"}, nil, false},
		{"StringEquals", []string{"*"}, []string{"a"}, false},
		{"StringEqualsIfExists", []string{"a"}, nil, true},
		{"StringEqualsIfExists", []string{"a"}, []string{"b"}, false},
		{"StringEqualsIgnoreCase", []string{"a"}, []string{"A"}, true},
		{"StringNotEquals", []string{"a"}, []string{"b"}, true},
		{"StringNotEquals", []string{"a", "b"}, []string{"b"}, false},
		{"StringNotEquals", []string{"a"}, nil, true},
		{"StringLike", []string{"arn:*/i-*"}, []string{"arn:role/i-1"}, true},
		{"StringLike", []string{"arn:*/i-*"}, []string{"arn:role/mi-1"}, false},
		{"StringNotLike", []string{"a*"}, []string{"ab"}, false},
		{"ArnLike", []string{"arn:aws:sns:*:123456789012:*"}, []string{"arn:aws:sns:us-east-1:123456789012:t"}, true},
		{"ArnLike", []string{"arn:aws:*:t"}, []string{"arn:aws:sns:us-east-1:123456789012:t"}, false},
		{"ArnEquals", []string{"arn:aws:sns:us-east-1:*:t"}, []string{"arn:aws:sns:us-east-1:1:2:t"}, false},
		{"ArnNotLike", []string{"arn:aws:sns:*:*:*"}, []string{"arn:aws:sqs:us-east-1:123456789012:t"}, true},
		{"ArnEquals", []string{"no arn"}, []string{"no arn"}, false},
		{"Bool", []string{"true"}, []string{"True"}, true},
		{"Bool", []string{"true"}, []string{"false"}, false},
		{"Bool", []string{"false"}, nil, false},
		{"Null", []string{"true"}, nil, true},
		{"Null", []string{"true"}, []string{"a"}, false},
		{"Null", []string{"false"}, []string{"a"}, true},
		{"ForAllValues:StringEquals", []string{"Decrypt", "GenerateDataKey"}, []string{"Decrypt"}, true},
		{"ForAllValues:StringEquals", []string{"Decrypt", "GenerateDataKey"}, []string{"Decrypt", "Encrypt"}, false},
		{"ForAllValues:StringEquals", []string{"Decrypt"}, nil, true},
		{"ForAllValues:StringNotEquals", []string{"Decrypt"}, []string{"Encrypt", "Decrypt"}, false},
		{"ForAnyValue:StringEquals", []string{"alias/a"}, []string{"alias/b", "alias/a"}, true},
		{"ForAnyValue:StringEquals", []string{"alias/a"}, []string{"alias/b"}, false},
		{"ForAnyValue:StringEquals", []string{"alias/a"}, nil, false},
		{"ForAnyValue:StringNotEquals", []string{"alias/a"}, []string{"alias/a", "alias/b"}, true},
		{"ForAnyValue:StringNotEquals", []string{"alias/a"}, nil, false},
	} {
		c := permission.Context{}
		c.Set(strings.ToUpper(operations), tt.request...)
		if got := condition(t, tt.operator, operations, tt.values...).Holds(c); got != tt.want {
			t.Errorf("%s %v of %v holds: %t, want %t", tt.operator, tt.values, tt.request, got, tt.want)
		}
	}
}

func TestWhatIsNotUnderstood(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ operator, key, value, want string }{
		{"NumericLessThan", "kms:GrantOperations", "1", "operator NumericLessThan"},
		{"NullIfExists", "kms:GrantOperations", "true", "operator NullIfExists"},
		{"ForAllValues:Null", "kms:GrantOperations", "true", "operator ForAllValues:Null"},
		{"", "kms:GrantOperations", "1", "operator "},
		{"Bool", "kms:GrantIsForAWSResource", "yes", "expected true or false"},
		{"StringEquals", "aws:PrincipalArn", "${aws:username}", "variable"},
	} {
		if _, err := permission.NewCondition(tt.operator, tt.key, []string{tt.value}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("NewCondition(%q, %q, %q) = %v, want %q", tt.operator, tt.key, tt.value, err, tt.want)
		}
	}
	if _, err := permission.NewCondition("StringEquals", "aws:PrincipalArn", nil); err == nil {
		t.Error("a condition without values is taken")
	}
	for name, tt := range map[string]struct {
		statement permission.Statement
		want      string
	}{
		"no action":                   {permission.Statement{Resources: []string{"*"}}, "expected Action and Resource"},
		"no resource":                 {permission.Statement{Actions: []string{"kms:*"}}, "expected Action and Resource"},
		"an action without a service": {allow("DisableKey", "*"), `action "DisableKey"`},
		"an empty resource":           {allow("kms:DisableKey", ""), `resource ""`},
		"a variable":                  {allow("kms:DisableKey", "arn:aws:kms:${aws:region}"), "without variables"},
		"a key of another service":    {allow("ssm:SendCommand", "*", condition(t, "StringEquals", "kms:GranteePrincipal", "a")), "kms:GranteePrincipal of ssm:SendCommand"},
		"a key that nothing has":      {allow("kms:DisableKey", "*", condition(t, "StringEquals", "aws:SourceIp", "a")), "aws:SourceIp"},
		"a prefix alone":              {allow("kms:DisableKey", "*", condition(t, "StringEquals", "aws:ResourceTag/", "a")), "aws:ResourceTag/"},
		"a key that some have":        {deny("*", "*", condition(t, "StringEquals", "aws:ResourceTag/a", "a")), "aws:ResourceTag/a"},
	} {
		if err := tt.statement.Check(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Check = %v, want %q", name, err, tt.want)
		}
	}
	for _, s := range []permission.Statement{
		deny("*", "*", condition(t, "StringEquals", "aws:principalARN", "a")),
		allow("kms:Decrypt", "*", condition(t, "StringEquals", "kms:EncryptionContext:keyward:machine", "a")),
		allow("ssm:SendCommand", "*", condition(t, "StringEquals", "ssm:resourceTag/keyward:guarded", "true")),
	} {
		if err := s.Check(); err != nil {
			t.Errorf("Check = %v", err)
		}
	}
}

// Matches has to be what a regular expression says, whatever the pattern.
func FuzzMatches(f *testing.F) {
	for _, seed := range [][2]string{{"", ""}, {"*", "a/b"}, {"a?c*", "abcd"}, {"**a", "aa"}, {"kms:*Key", "kms:DisableKeyKey"}, {"a\\*", "a*"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		ascii := func(s string) bool {
			return !strings.ContainsFunc(s, func(r rune) bool { return r > 127 || r == '\n' })
		}
		if !ascii(pattern) || !ascii(text) {
			return // the expression below reads bytes that are no text otherwise
		}
		want := regexp.MustCompile("^" + strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern)) + "$").MatchString(text)
		if got := permission.Matches(pattern, text); got != want {
			t.Errorf("Matches(%q, %q) = %t, want %t", pattern, text, got, want)
		}
	})
}

// A condition that was taken answers, and its IfExists holds where nothing is there.
func FuzzCondition(f *testing.F) {
	f.Add("ForAnyValue:StringNotLikeIfExists", "kms:ResourceAliases", "alias/*", "alias/a")
	f.Add("Null", "aws:PrincipalArn", "true", "")
	f.Add("ArnLike", "aws:PrincipalArn", "arn:aws:*", "arn:aws:iam::1:role/a")
	f.Fuzz(func(t *testing.T, operator, key, value, has string) {
		c, err := permission.NewCondition(operator, key, []string{value})
		if err != nil {
			return
		}
		context := permission.Context{}
		if !c.Holds(context) && strings.HasSuffix(operator, "IfExists") {
			t.Errorf("%s %s does not hold where the key is not there", operator, key)
		}
		context.Set(key, has)
		holds := c.Holds(context)
		if s := (permission.Statement{Actions: []string{"*"}, Resources: []string{"*"}, Conditions: []permission.Condition{c}}); s.Covers(permission.Request{Context: context}) != holds {
			t.Errorf("the statement and its condition %s %s disagree", operator, key)
		}
	})
}
