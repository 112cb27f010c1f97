package kms

import (
	"testing"

	"github.com/keyward/keyward/local/wire"
)

const providedPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":["kms:CreateAlias","kms:Describe*","kms:PutKeyPolicy"],"Resource":"*"},
{"Effect":"Allow","Principal":{"AWS":"arn:aws:sts::123456789012:assumed-role/drill/f"},"Action":"kms:GenerateDataKeyWithoutPlaintext","Resource":"*","Condition":{"StringEquals":{"kms:EncryptionContext:keyward:machine":"m"}}}]}`

// A key of the template is made once, with its alias, its policy and its tags, and serves whom the policy admits.
func TestProvide(t *testing.T) {
	t.Parallel()
	k := New(Config{Account: "123456789012", Region: "us-east-1"})
	of := Provided{Alias: "alias/a", Description: "d", Policy: providedPolicy, Tags: map[string]string{"x": "y"}}
	for range 2 {
		if err := k.Provide(of); err != nil {
			t.Fatal(err)
		}
	}
	if len(k.keys) != 1 || k.keys[k.aliases["alias/a"]].Tags["x"] != "y" {
		t.Errorf("keys %v, aliases %v", k.keys, k.aliases)
	}
	in := dataKeyInput{cryptoInput: cryptoInput{KeyId: "alias/a", EncryptionContext: map[string]string{"keyward:machine": "m"}}, KeySpec: "AES_256"}
	session := wire.Principal{Kind: wire.Function, Account: "123456789012", ARN: "arn:aws:sts::123456789012:assumed-role/drill/f"}
	out, err := k.generateDataKeyWithoutPlaintext(session, in)
	if err != nil {
		t.Fatal(err)
	}
	if answer := out.(map[string]any); answer["Plaintext"] != nil || len(answer["CiphertextBlob"].([]byte)) == 0 {
		t.Errorf("answer = %v", answer)
	}
	other := session
	other.ARN += "-other"
	for name, refused := range map[string]func() error{
		"another session": func() error { _, err := k.generateDataKeyWithoutPlaintext(other, in); return err },
		"with plaintext":  func() error { _, err := k.generateDataKey(session, in); return err },
		"no context": func() error {
			in := in
			in.EncryptionContext = nil
			_, err := k.generateDataKeyWithoutPlaintext(session, in)
			return err
		},
		"no size": func() error {
			in := in
			in.KeySpec = ""
			_, err := k.generateDataKeyWithoutPlaintext(session, in)
			return err
		},
	} {
		if refused() == nil {
			t.Errorf("%s is not refused", name)
		}
	}
	for name, bad := range map[string]Provided{
		"a policy that is none": {Alias: "alias/b", Policy: "{"},
		"an alias of AWS":       {Alias: "alias/aws/b", Policy: providedPolicy},
	} {
		if err := k.Provide(bad); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
