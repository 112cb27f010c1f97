package kms

import (
	"fmt"

	"github.com/keyward/keyward/local/kms/keypolicy"
	"github.com/keyward/keyward/local/wire"
)

func defaultPolicy(account string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Id":"key-default-1","Statement":[{"Sid":"Enable IAM User Permissions","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::%s:root"},"Action":"kms:*","Resource":"*"}]}`, account)
}

func (k *KMS) setPolicy(caller wire.Principal, of *key, text string, bypass bool) error {
	policy, err := keypolicy.Parse(text)
	if err != nil {
		return err
	}
	next := *of
	next.Policy, next.policy = text, policy
	if !bypass && k.allow(access{caller: caller, action: "kms:PutKeyPolicy", key: &next}) != nil {
		return fault("MalformedPolicyDocumentException", "The new key policy will not allow you to update the key policy in the future.")
	}
	of.Policy, of.policy = text, policy
	return nil
}

func (k *KMS) getKeyPolicy(caller wire.Principal, in struct{ KeyId, PolicyName string }) (any, error) {
	if in.PolicyName != "" && in.PolicyName != "default" {
		return nil, fault("NotFoundException", "No such policy exists")
	}
	of, err := k.find(in.KeyId, false)
	if err != nil {
		return nil, err
	}
	if err := k.allow(access{caller: caller, action: "kms:GetKeyPolicy", key: of}); err != nil {
		return nil, err
	}
	return map[string]string{"Policy": of.Policy, "PolicyName": "default"}, nil
}

func (k *KMS) putKeyPolicy(caller wire.Principal, in struct {
	KeyId, PolicyName, Policy      string
	BypassPolicyLockoutSafetyCheck bool
}) (any, error) {
	if in.PolicyName != "" && in.PolicyName != "default" {
		return nil, wire.Validation("PolicyName %q, expected default", in.PolicyName)
	}
	of, err := k.changeable(caller, "kms:PutKeyPolicy", in.KeyId)
	if err != nil {
		return nil, err
	}
	return nil, k.setPolicy(caller, of, in.Policy, in.BypassPolicyLockoutSafetyCheck)
}
