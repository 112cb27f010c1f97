package keypolicy_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/keyward/keyward/local/kms/keypolicy"
	"github.com/keyward/keyward/local/wire"
)

const root = `"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"kms:*","Resource":"*"`

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	const malformed, unknown = "MalformedPolicyDocumentException", "NotImplemented"
	for _, c := range []struct{ name, policy, code string }{
		{"not JSON", `{`, malformed},
		{"no statement", `{}`, malformed},
		{"statement of text", `{"Statement":"a"}`, malformed},
		{"no statements", `{"Statement":[]}`, malformed},
		{"no effect", `{"Statement":{"Principal":"*","Action":"kms:*","Resource":"*"}}`, malformed},
		{"odd effect", `{"Statement":{"Effect":"allow","Principal":"*","Action":"kms:*","Resource":"*"}}`, malformed},
		{"no principal", `{"Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}`, malformed},
		{"a principal that is a text", `{"Statement":{"Effect":"Allow","Principal":"me","Action":"kms:*","Resource":"*"}}`, malformed},
		{"a principal with a wildcard", `{"Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/*"},"Action":"kms:*","Resource":"*"}}`, malformed},
		{"an action that is a number", `{"Statement":{"Effect":"Allow","Principal":"*","Action":5,"Resource":"*"}}`, malformed},
		{"no resource", `{"Statement":{"Effect":"Allow","Principal":"*","Action":"kms:*"}}`, malformed},
		{"condition of text", `{"Statement":{` + root + `,"Condition":"a"}}`, malformed},
		{"condition value of an object", `{"Statement":{` + root + `,"Condition":{"Bool":{"kms:GrantIsForAWSResource":{}}}}}`, malformed},
		{"too long", `{"Statement":{` + root + `}}` + strings.Repeat(" ", 32<<10), malformed},
		{"a service", `{"Statement":{"Effect":"Allow","Principal":{"Service":"logs.amazonaws.com"},"Action":"kms:*","Resource":"*"}}`, unknown},
		{"NotAction", `{"Statement":{` + root + `,"NotAction":"kms:Decrypt"}}`, unknown},
		{"another operator", `{"Statement":{` + root + `,"Condition":{"NumericEquals":{"aws:PrincipalArn":"1"}}}}`, unknown},
		{"another key", `{"Statement":{` + root + `,"Condition":{"Bool":{"aws:SecureTransport":"true"}}}}`, unknown},
		{"a prefix alone", `{"Statement":{` + root + `,"Condition":{"StringEquals":{"aws:ResourceTag/":"true"}}}}`, unknown},
		{"a Sid that is a number", `{"Statement":{` + root + `,"Sid":1}}`, malformed},
		{"a key of another service", `{"Statement":{` + root + `,"Condition":{"StringEquals":{"ec2:CreateAction":"a"}}}}`, unknown},
		{"a variable", `{"Statement":{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"${aws:username}"}}`, unknown},
	} {
		_, err := keypolicy.Parse(c.policy)
		var e *wire.Error
		if !errors.As(err, &e) || e.Code != c.code {
			t.Errorf("%s: Parse = %v, want %s", c.name, err, c.code)
		}
	}
}

func TestDecide(t *testing.T) {
	t.Parallel()
	p, err := keypolicy.Parse(`{"Statement":[{` + root + `},{"Effect":"Allow","Principal":"*","Action":"kms:Describe*","Resource":["arn:aws:kms:*:key/a"]}]}`)
	if err != nil {
		t.Fatal(err)
	}
	who := wire.Principal{ARN: "arn:aws:sts::123456789012:assumed-role/web/i-1234567890abcdef0", Account: "123456789012"}
	for _, c := range []struct {
		action, key string
		want        keypolicy.Decision
	}{
		{"kms:DescribeKey", "arn:aws:kms:us-east-1:123456789012:key/a", keypolicy.Decision{Direct: true, Delegated: true}},
		{"kms:DescribeKey", "arn:aws:kms:us-east-1:123456789012:key/b", keypolicy.Decision{Delegated: true}},
		{"kms:Decrypt", "arn:aws:kms:us-east-1:123456789012:key/a", keypolicy.Decision{Delegated: true}},
	} {
		if got := p.Decide(keypolicy.Request{Caller: who, Action: c.action, KeyARN: c.key}); got != c.want {
			t.Errorf("Decide(%s, %s) = %+v, want %+v", c.action, c.key, got, c.want)
		}
	}
	if got := (keypolicy.Policy{}).Decide(keypolicy.Request{Caller: who, Action: "kms:Decrypt"}); got != (keypolicy.Decision{}) {
		t.Errorf("the zero policy says %+v", got)
	}
	if got := p.Decide(keypolicy.Request{Action: "kms:Decrypt"}); got != (keypolicy.Decision{}) {
		t.Errorf("nobody is told %+v", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"Statement":[{` + root + `,"Condition":{"Bool":{"kms:GrantIsForAWSResource":true}}}]}`)
	f.Add(`{"Statement":{"Effect":"Deny","Principal":"*","Action":["kms:De*?"],"Resource":"*"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := keypolicy.Parse(text)
		if err != nil {
			p = keypolicy.Policy{}
		}
		got := p.Decide(keypolicy.Request{Caller: wire.Principal{ARN: "arn:aws:iam::123456789012:user/a", Account: "123456789012"}, Action: "kms:Decrypt", KeyARN: "arn:aws:kms:us-east-1:123456789012:key/a"})
		if err != nil && got != (keypolicy.Decision{}) {
			t.Fatalf("a policy that was refused says %+v", got)
		}
	})
}
