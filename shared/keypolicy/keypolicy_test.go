package keypolicy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/keypolicy"
)

const (
	machine = "i-1234567890abcdef0"
	session = "arn:aws:sts::123456789012:assumed-role/web/i-1234567890abcdef0"
	root    = "arn:aws:iam::123456789012:root"
)

// allow is a statement that allows actions to a principal.
func allow(principal, actions string, more ...string) string {
	return `{"Effect":"Allow","Principal":` + principal + `,"Action":` + actions + `,"Resource":"*"` + strings.Join(more, "") + `}`
}

func policy(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

// The two policies of docs/operations.md.
var (
	administration = allow(`{"AWS":"`+root+`"}`, `["kms:Describe*","kms:Get*","kms:List*","kms:Enable*","kms:Disable*","kms:CreateGrant",
		"kms:RevokeGrant","kms:TagResource","kms:UntagResource","kms:PutKeyPolicy"]`, `,"Sid":"Administration"`)
	admission = allow(`{"AWS":"`+session+`"}`, `["kms:Decrypt","kms:GenerateDataKey"]`,
		`,"Sid":"ThisMachineAlone","Condition":{"StringEquals":{"kms:EncryptionContext:keyward:machine":"`+machine+`"}}`)
)

func TestWays(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		policy string
		who    []string // "" is one that is not understood
	}{
		{"administration alone", policy(administration), nil},
		{"one statement that is no list", `{"Statement":` + administration + `}`, nil},
		{"a machine is admitted", policy(administration, admission), []string{session}},
		{"KMS's own default", policy(allow(`{"AWS":"`+root+`"}`, `"kms:*"`)), []string{root}},
		{"an account by its number", policy(allow(`{"AWS":"123456789012"}`, `"kms:Decrypt"`)), []string{root}},
		{"all actions", policy(allow(`"*"`, `"*"`)), []string{"*"}},
		{"everybody in AWS", policy(allow(`{"AWS":"*"}`, `"kms:decrypt"`)), []string{"*"}},
		{"a pattern", policy(allow(`{"AWS":"`+root+`"}`, `"kms:D?c*"`)), []string{root}},
		{"a pattern that matches no use", policy(allow(`{"AWS":"`+root+`"}`, `"kms:De*Key"`)), nil},
		{"data keys alone", policy(allow(`{"AWS":"`+root+`"}`, `["kms:GenerateDataKey*"]`)), []string{root}},
		{"encrypting again", policy(allow(`{"AWS":"`+root+`"}`, `["kms:ReEncrypt*"]`)), []string{root}},
		{"encrypting alone", policy(allow(`{"AWS":"`+root+`"}`, `["kms:Encrypt"]`)), []string{root}},
		{"another service", policy(allow(`{"AWS":"`+root+`"}`, `["s3:*"]`)), nil},
		{"no action", policy(allow(`{"AWS":"`+root+`"}`, `[]`)), nil},
		{"a service", policy(allow(`{"Service":"logs.amazonaws.com"}`, `"kms:Encrypt*"`)), []string{"logs.amazonaws.com"}},
		{"several", policy(allow(`{"Service":"a.amazonaws.com","AWS":["`+session+`","*"]}`, `"kms:*"`)), []string{session, "*", "a.amazonaws.com"}},
		{"a Deny opens nothing", policy(`{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"}`), nil},
		{"a Deny closes nothing", policy(`{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"}`, admission), []string{session}},
		{"a condition closes nothing", policy(allow(`"*"`, `"kms:*"`, `,"Condition":{"Bool":{"aws:SecureTransport":"true"}}`)), []string{"*"}},
		{"everything but", policy(`{"Effect":"Allow","Principal":"*","NotAction":["kms:PutKeyPolicy"],"Resource":"*"}`), []string{"*"}},
		{"everything but all uses", policy(`{"Effect":"Allow","Principal":"*","NotAction":["kms:De*","kms:En*","kms:Ge*","kms:Re*","kms:Si*","kms:V*"],"Resource":"*"}`), nil},
		{"everybody but", policy(`{"Effect":"Allow","NotPrincipal":{"AWS":"` + root + `"},"Action":"kms:Decrypt","Resource":"*"}`), []string{"*"}},
		{"a resource is the key", policy(`{"Effect":"Allow","Principal":"*","Action":"kms:Decrypt","NotResource":"*"}`), []string{"*"}},

		{"a statement that is a text", policy(`"all"`), []string{""}},
		{"a statement that is null", policy(`null`), []string{""}},
		{"a Statement that is a text", `{"Statement":"all"}`, []string{""}},
		{"an unknown element", policy(allow(`"*"`, `"kms:List*"`, `,"Purpose":"x"`)), []string{""}},
		{"another spelling", policy(`{"effect":"Allow","Principal":"*","Action":"kms:List*"}`), []string{""}},
		{"no effect", policy(`{"Principal":"*","Action":"kms:List*"}`), []string{""}},
		{"odd effect", policy(`{"Effect":"allow","Principal":"*","Action":"kms:List*"}`), []string{""}},
		{"no principal", policy(`{"Effect":"Allow","Action":"kms:List*"}`), []string{""}},
		{"both principals", policy(allow(`"*"`, `"kms:List*"`, `,"NotPrincipal":"*"`)), []string{""}},
		{"a principal that is a text", policy(allow(`"`+root+`"`, `"kms:List*"`)), []string{""}},
		{"no principal in it", policy(allow(`{}`, `"kms:List*"`)), []string{""}},
		{"an empty list of principals", policy(allow(`{"AWS":[]}`, `"kms:List*"`)), []string{""}},
		{"principals that are numbers", policy(allow(`{"AWS":[1]}`, `"kms:List*"`)), []string{""}},
		{"no action at all", policy(`{"Effect":"Allow","Principal":"*"}`), []string{""}},
		{"both actions", policy(allow(`"*"`, `"kms:List*"`, `,"NotAction":"kms:*"`)), []string{""}},
		{"an action that is null", policy(allow(`"*"`, `null`)), []string{""}},
		{"an action in a list that is null", policy(allow(`"*"`, `[null]`)), []string{""}},
		{"an action that is a number", policy(allow(`"*"`, `5`)), []string{""}},
		{"a condition that is a text", policy(allow(`"*"`, `"kms:List*"`, `,"Condition":"never"`)), []string{""}},
		{"a context that is a number", policy(allow(`"*"`, `"kms:List*"`, `,"Condition":{"StringEquals":{"kms:EncryptionContext:keyward:machine":5}}`)), []string{""}},
	} {
		ways, err := keypolicy.Ways(tt.policy)
		if err != nil {
			t.Errorf("%s: Ways = %v", tt.name, err)
			continue
		}
		var who []string
		for _, w := range ways {
			who = append(who, w.Who)
			if w.How == "" || w.Statement == "" || w.Who == "" != strings.Contains(w.How, "not understood") {
				t.Errorf("%s: way %+v, want it said", tt.name, w)
			}
		}
		if diff := cmp.Diff(tt.who, who); diff != "" {
			t.Errorf("%s: ways (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestWaysSay(t *testing.T) {
	t.Parallel()
	ways, err := keypolicy.Ways(policy(administration, admission, allow(`{"AWS":"`+root+`"}`, `"kms:*"`, `,"Condition":{"StringLike":{"kms:ViaService":"*"}}`)))
	want := []string{
		"statement 2 (ThisMachineAlone) admits " + session + ", for data of " + machine + " alone",
		"statement 3 admits whoever the IAM policies of account 123456789012 let in, under conditions",
	}
	var got []string
	for _, w := range ways {
		got = append(got, w.How)
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("Ways, %v (-want +got):\n%s", err, diff)
	}
}

func TestNoPolicy(t *testing.T) {
	t.Parallel()
	for name, document := range map[string]string{
		"nothing": "", "no JSON": "{", "a list": "[]", "a text": `"all"`, "no statement": "{}", "null": "null",
		"too long": policy(administration) + strings.Repeat(" ", 32<<10),
	} {
		if ways, err := keypolicy.Ways(document); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: Ways = %v, %v, want it refused", name, ways, err)
		}
	}
}

// A statement for the data of another machine is no way to this one's; anything but an exact list is.
func TestReaches(t *testing.T) {
	t.Parallel()
	for condition, want := range map[string]bool{
		``: true,
		`,"Condition":{"StringEquals":{"kms:EncryptionContext:keyward:machine":"i-other"}}`:                                               false,
		`,"Condition":{"StringEquals":{"KMS:encryptioncontext:keyward:machine":["i-other","i-third"]}}`:                                   false,
		`,"Condition":{"StringEquals":{"kms:EncryptionContext:keyward:machine":["i-other","` + machine + `"]}}`:                           true,
		`,"Condition":{"StringEquals":{"kms:EncryptionContext:keyward:machine":[]}}`:                                                      false,
		`,"Condition":{"StringEquals":{"kms:EncryptionContext:keyward:machine":"${aws:userid}"}}`:                                         true,
		`,"Condition":{"StringLike":{"kms:EncryptionContext:keyward:machine":"i-other"}}`:                                                 true,
		`,"Condition":{"StringEqualsIfExists":{"kms:EncryptionContext:keyward:machine":"i-other"}}`:                                       true,
		`,"Condition":{"StringEquals":{"kms:EncryptionContext:other":"x"}}`:                                                               true,
		`,"Condition":{"StringEquals":{"kms:EncryptionContext:keyward:machine":"i-other"},"Bool":{"kms:GrantIsForAWSResource":["true"]}}`: false,
	} {
		ways, err := keypolicy.Ways(policy(allow(`{"AWS":"`+root+`"}`, `"kms:Decrypt"`, condition)))
		if err != nil || len(ways) != 1 || ways[0].Reaches(machine) != want {
			t.Errorf("%s: Ways = %+v, %v, want one that reaches the machine %t", condition, ways, err, want)
		}
	}
}

// Whatever the document says: no panic, no way that is not said, and nothing is left out because of a
// statement beside it.
func FuzzWays(f *testing.F) {
	f.Add(administration)
	f.Add(admission)
	f.Add(allow(`"*"`, `["*"]`, `,"Condition":{"StringLike":{"a":["b"]}}`))
	f.Add(`{"Effect":"Allow","NotPrincipal":{"AWS":"*"},"NotAction":"kms:*"}`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, statement string) {
		alone, err := keypolicy.Ways(policy(statement))
		if err != nil {
			return
		}
		for _, w := range alone {
			if w.How == "" || w.Statement == "" {
				t.Fatalf("%s: way %+v, want it said", statement, w)
			}
		}
		beside, err := keypolicy.Ways(policy(statement, allow(`"*"`, `"kms:*"`)))
		if err == nil && len(beside) != len(alone)+1 {
			t.Fatalf("%s: %d ways, and %d beside another statement of one", statement, len(alone), len(beside))
		}
	})
}
