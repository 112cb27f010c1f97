package trust_test

import (
	"strings"
	"testing"

	"github.com/keyward/keyward/shared/trust"
)

// of is a policy with these statements.
func of(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

// lets is a statement that lets a principal assume the role.
func lets(principal string, more ...string) string {
	return `{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole"` + strings.Join(more, "") + `}`
}

const ec2, ssm = `{"Service":"ec2.amazonaws.com"}`, `{"Service":"ssm.amazonaws.com"}`

func TestTheServiceAlone(t *testing.T) {
	t.Parallel()
	for name, document := range map[string]string{
		"as the console writes it": of(lets(ec2)),
		"one statement, no list":   `{"Version":"2012-10-17","Statement":` + lets(ec2) + `}`,
		"with an Id":               `{"Version":"2008-10-17","Id":"a","Statement":[` + lets(ec2) + `]}`,
		"as a list":                of(lets(`{"Service":["ec2.amazonaws.com"]}`)),
		"in China":                 of(lets(`{"Service":"ec2.amazonaws.com.cn"}`)),
		"both of its names":        of(lets(`{"Service":["ec2.amazonaws.com","ec2.amazonaws.com.cn"]}`)),
		"two statements":           of(lets(ec2), lets(ec2)),
		"tags of sessions":         of(`{"Sid":"A","Effect":"Allow","Principal":` + ec2 + `,"Action":["sts:AssumeRole","STS:tagsession","sts:SetSourceIdentity"]}`),
		"under conditions":         of(lets(ec2, `,"Condition":{"StringEquals":{"aws:SourceAccount":"123456789012"}}`)),
		"others are denied":        of(lets(ec2), `{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole"}`),
		"a Deny with NotPrincipal": of(lets(ec2), `{"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"*"}`),
	} {
		if why := trust.Others(document, trust.EC2); why != "" {
			t.Errorf("%s: %s", name, why)
		}
	}
	if why := trust.Others(of(lets(ssm, `,"Condition":{"StringEquals":{"aws:SourceAccount":"123456789012"},"ArnEquals":{"aws:SourceArn":"arn:aws:ssm:us-east-2:123456789012:*"}}`)), trust.SSM); why != "" {
		t.Errorf("a hybrid node's: %s", why) // as the SSM user guide writes it
	}
}

func TestOthers(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]string{
		of(lets(`"*"`)):            "statement 1 of the trust policy admits everybody",
		of(lets(ec2), lets(`"*"`)): "statement 2 of the trust policy admits everybody",
		of(lets(ec2), lets(`{"AWS":"*"}`, `,"Sid":"People"`)):                                            `statement 2 ("People") of the trust policy admits AWS principals`,
		of(lets(`{"AWS":"arn:aws:iam::123456789012:root"}`)):                                             "admits AWS principals",
		of(lets(`{"AWS":"arn:aws:iam::123456789012:role/admin","Service":"ec2.amazonaws.com"}`)):         "admits AWS principals",
		of(lets(`{"Federated":"cognito-identity.amazonaws.com"}`)):                                       "admits a federated identity provider",
		of(lets(`{"CanonicalUser":"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}`)): "of a kind that is not known",
		of(lets(`{"service":"ec2.amazonaws.com"}`)):                                                      "of a kind that is not known",
		of(lets(`{"Service":["ec2.amazonaws.com","lambda.amazonaws.com"]}`)):                             "admits another service than ec2.amazonaws.com",
		of(lets(ssm)):                                      "admits another service than ec2.amazonaws.com",
		of(lets(`{"Service":"*"}`)):                        "admits another service",
		of(lets(`{"Service":"EC2.amazonaws.com"}`)):        "admits another service",
		of(lets(`{"Service":"ec2.*"}`)):                    "admits another service",
		of(lets(`{"Service":"ec2.amazonaws.com.evil"}`)):   "admits another service",
		of(lets(`{"Service":[]}`)):                         "its services are no texts",
		of(lets(`{"Service":null}`)):                       "its services are no texts",
		of(lets(`{"Service":["ec2.amazonaws.com",null]}`)): "its services are no texts",
		of(lets(`{"Service":{"a":"b"}}`)):                  "its services are no texts",
		of(lets(`{}`)):                                     "names no principal",
		of(lets(`[]`)):                                     "names no principal",
		of(`{"Effect":"Allow","Action":"sts:AssumeRole"}`): "names no principal",
		of(`{"Effect":"Allow","NotPrincipal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"sts:AssumeRole"}`): "admits everybody but those it names (NotPrincipal)",
		of(lets(ec2, `,"NotPrincipal":"*"`)):                                       "NotPrincipal",
		of(lets(ec2, `,"Resource":"*"`)):                                           "another element",
		of(`{"Effect":"Allow","Principal":` + ec2 + `,"NotAction":"iam:*"}`):       "another element",
		of(`{"Effect":"Allow","Principal":` + ec2 + `,"Action":"sts:*"}`):          "expected the actions",
		of(`{"Effect":"Allow","Principal":` + ec2 + `,"Action":"*"}`):              "expected the actions",
		of(`{"Effect":"Allow","Principal":` + ec2 + `,"Action":1}`):                "expected the actions",
		of(`{"Effect":"Allow","Principal":` + ec2 + `}`):                           "expected the actions",
		of(`{"Effect":"allow","Principal":` + ec2 + `,"Action":"sts:AssumeRole"}`): "neither Allow nor Deny",
		of(`{"Principal":` + ec2 + `,"Action":"sts:AssumeRole"}`):                  "neither Allow nor Deny",
		of(`{"Effect":["Deny"],"Principal":"*","Action":"sts:AssumeRole"}`):        "neither Allow nor Deny",
		of(`"Allow"`): "it is no JSON object",
		of(`null`):    "it is no JSON object",
		of():          "lets nobody assume the role",
		of(`{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole"}`):                          "lets nobody assume the role",
		of(`{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Principal":` + ec2 + `}`): `names "Principal" twice`,
		of(`{"Effect":"Allow","principal":"*","Action":"sts:AssumeRole","Principal":` + ec2 + `}`): `names "Principal" twice`,
		`{"Statement":[],"Statement":[` + lets(ec2) + `]}`:                                         `names "Statement" twice`,
		`{"Version":"2012-10-17"}`:                                  "it is no JSON object",
		`{"Version":"2012-10-17","Statements":[` + lets(ec2) + `]}`: "unknown element",
		``:                  "it is no JSON object",
		`null`:              "it is no JSON object",
		`[]`:                "it is no JSON object",
		`{"Statement":`:     "it is no JSON object",
		of(lets(ec2)) + `x`: "it is no JSON object",
		strings.Repeat(" ", 40_000) + of(lets(ec2)): "expected at most 32768",
	} {
		if why := trust.Others(document, trust.EC2); !strings.Contains(why, want) || strings.Contains(why, "123456789012") {
			t.Errorf("Others(%.200s) = %q, want %q and no account", document, why, want)
		}
	}
	if why := trust.Others(of(lets(ec2)), trust.SSM); why == "" {
		t.Error("a hybrid node's role that EC2 may assume is taken for SSM's alone")
	}
}

// Whatever a statement more says, it never turns a policy that others can use into one that they cannot.
func FuzzOthers(f *testing.F) {
	f.Add(lets(ec2))
	f.Add(`{"Effect":"Deny","Principal":"*","Action":"*"}`)
	f.Add(`{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Principal":` + ec2 + `}`)
	f.Fuzz(func(t *testing.T, s string) {
		for _, document := range []string{of(lets(`{"AWS":"*"}`), s), of(s, lets(`{"AWS":"*"}`))} {
			if why := trust.Others(document, trust.EC2); why == "" {
				t.Errorf("Others(%q) = nobody else", document)
			}
		}
		trust.Others(s, trust.EC2)
	})
}
