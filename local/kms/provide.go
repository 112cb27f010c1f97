package kms

import "github.com/keyward/keyward/local/wire"

// Provided is a key that CloudFormation makes of a template.
type Provided struct {
	Alias       string // alias/NAME: a key that has it already is left as it is
	Description string
	Policy      string
	Tags        map[string]string
}

// Provide makes the key and its alias, unless the alias is there.
func (k *KMS) Provide(p Provided) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, there := k.aliases[p.Alias]; there {
		return nil
	}
	formation := wire.Principal{Kind: wire.Internal, Account: k.config.Account, ARN: "arn:aws:iam::" + k.config.Account + ":role/cloudformation"}
	in := createKeyInput{Policy: p.Policy, Description: p.Description}
	for name, value := range p.Tags {
		in.Tags = append(in.Tags, tag{name, value})
	}
	made, err := k.createKey(formation, in)
	if err != nil {
		return err
	}
	id := made.(map[string]any)["KeyMetadata"].(metadata).KeyId
	_, err = k.createAlias(formation, struct{ AliasName, TargetKeyId string }{p.Alias, id})
	return err
}
