package kms

import (
	"time"

	"github.com/keyward/keyward/local/kms/keypolicy"
	"github.com/keyward/keyward/local/wire"
)

// State is the state of a key as DescribeKey shows it.
type State string

// The states that are here.
const (
	Enabled         State = "Enabled"
	Disabled        State = "Disabled"
	PendingDeletion State = "PendingDeletion"
)

type key struct {
	ID          string            `json:"id"`
	ARN         string            `json:"arn"`
	Material    []byte            `json:"material"`
	State       State             `json:"state"`
	Description string            `json:"description"`
	Created     time.Time         `json:"created"`
	Deletion    time.Time         `json:"deletion,omitzero"`
	Tags        map[string]string `json:"tags"`
	Policy      string            `json:"policy"`
	Grants      []*grant          `json:"grants"` // oldest first
	Sequence    uint64            `json:"sequence"`
	LastUse     *use              `json:"lastUse,omitempty"`

	policy keypolicy.Policy // of Policy
}

type tag struct{ TagKey, TagValue string }

type metadata struct {
	AWSAccountId, Arn, KeyId, Description string
	CreationDate                          wire.Time
	DeletionDate                          *wire.Time `json:",omitempty"`
	Enabled, MultiRegion                  bool
	KeyState                              State
	KeyManager, KeySpec, KeyUsage, Origin string
	CustomerMasterKeySpec                 string
	EncryptionAlgorithms                  []string
}

func (k *KMS) metadata(of *key) metadata {
	m := metadata{
		AWSAccountId: k.config.Account, Arn: of.ARN, KeyId: of.ID, Description: of.Description,
		CreationDate: wire.Time{Time: of.Created}, Enabled: of.State == Enabled, KeyState: of.State,
		KeyManager: "CUSTOMER", KeySpec: "SYMMETRIC_DEFAULT", KeyUsage: "ENCRYPT_DECRYPT", Origin: "AWS_KMS",
		CustomerMasterKeySpec: "SYMMETRIC_DEFAULT", EncryptionAlgorithms: []string{"SYMMETRIC_DEFAULT"},
	}
	if of.State == PendingDeletion {
		m.DeletionDate = &wire.Time{Time: of.Deletion}
	}
	return m
}

// usable is nil for a key that may be used, else KMS's error: "Key states of KMS keys".
func (of *key) usable() error {
	switch of.State {
	case Enabled:
		return nil
	case Disabled:
		return fault("DisabledException", "%s is disabled.", of.ARN)
	}
	return of.notDeleted()
}

func (of *key) notDeleted() error {
	if of.State == PendingDeletion {
		return fault("KMSInvalidStateException", "%s is pending deletion.", of.ARN)
	}
	return nil
}

type createKeyInput struct {
	Policy, Description, KeyUsage, KeySpec, CustomerMasterKeySpec, Origin string
	MultiRegion, BypassPolicyLockoutSafetyCheck                           bool
	Tags                                                                  []tag
}

func (k *KMS) createKey(caller wire.Principal, in createKeyInput) (any, error) {
	for name, v := range map[string][2]string{
		"KeyUsage": {in.KeyUsage, "ENCRYPT_DECRYPT"}, "KeySpec": {in.KeySpec, "SYMMETRIC_DEFAULT"},
		"CustomerMasterKeySpec": {in.CustomerMasterKeySpec, "SYMMETRIC_DEFAULT"}, "Origin": {in.Origin, "AWS_KMS"},
	} {
		if v[0] != "" && v[0] != v[1] {
			return nil, wire.Unimplemented("%s %s of kms.CreateKey, only %s", name, v[0], v[1])
		}
	}
	if in.MultiRegion {
		return nil, wire.Unimplemented("MultiRegion of kms.CreateKey")
	}
	if err := k.allowAll(caller, "kms:CreateKey"); err != nil {
		return nil, err
	}
	if in.Policy == "" {
		in.Policy = defaultPolicy(k.config.Account)
	}
	created := &key{ID: newUUID(), Material: randomBytes(32), State: Enabled, Description: in.Description, Created: k.config.Now(), Tags: map[string]string{}}
	created.ARN = k.keyARN(created.ID)
	if err := created.tag(in.Tags); err != nil {
		return nil, err
	}
	if err := k.setPolicy(caller, created, in.Policy, in.BypassPolicyLockoutSafetyCheck); err != nil {
		return nil, err
	}
	k.keys[created.ID] = created
	return map[string]any{"KeyMetadata": k.metadata(created)}, nil
}

type keyInput struct {
	KeyId       string
	GrantTokens []string
}

func (k *KMS) describeKey(caller wire.Principal, in keyInput) (any, error) {
	of, err := k.find(in.KeyId, true)
	if err != nil {
		return nil, err
	}
	if err := k.allow(access{caller: caller, action: "kms:DescribeKey", key: of, tokens: in.GrantTokens}); err != nil {
		return nil, err
	}
	return map[string]any{"KeyMetadata": k.metadata(of)}, nil
}

func (k *KMS) enableKey(caller wire.Principal, in struct{ KeyId string }) (any, error) {
	return nil, k.switchKey(caller, "kms:EnableKey", in.KeyId, Enabled)
}

func (k *KMS) disableKey(caller wire.Principal, in struct{ KeyId string }) (any, error) {
	return nil, k.switchKey(caller, "kms:DisableKey", in.KeyId, Disabled)
}

func (k *KMS) switchKey(caller wire.Principal, action, name string, to State) error {
	of, err := k.find(name, false)
	if err != nil {
		return err
	}
	if err := k.allow(access{caller: caller, action: action, key: of}); err != nil {
		return err
	}
	if err := of.notDeleted(); err != nil {
		return err
	}
	of.State = to
	return nil
}

// SetState puts a key, named by id or ARN, into a state without asking anyone: for tests and faults,
// since nothing here schedules a deletion.
func (k *KMS) SetState(name string, to State) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	of, err := k.find(name, false)
	if err != nil {
		return err
	}
	if to != Enabled && to != Disabled && to != PendingDeletion {
		return fault("ValidationException", "state %q, expected %s, %s or %s", to, Enabled, Disabled, PendingDeletion)
	}
	of.State, of.Deletion = to, k.config.Now().AddDate(0, 0, 30)
	return nil
}
