package fake

import (
	"context"
	"fmt"
	"slices"

	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
)

// Keys are KMS keys with their grants.
type Keys struct {
	*Calls
	ByARN  map[string]kmskey.Key
	Listed map[string][]kmskey.Grant
	Late   bool // KMS takes what it is asked and shows nothing of it

	Policies map[string]string // those that are not AloneWith the machine
	Aliases  []string
	LastUse  guard.Use
}

// AloneWith is a key policy that leaves administration to the account and admits sessions.
func AloneWith(sessions ...string) string {
	text := `{"Version":"2012-10-17","Statement":[{"Sid":"Administration","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":["kms:Describe*","kms:CreateGrant"],"Resource":"*"}`
	for _, s := range sessions {
		text += `,{"Effect":"Allow","Principal":{"AWS":"` + s + `"},"Action":["kms:Decrypt","kms:GenerateDataKey"],"Resource":"*"}`
	}
	return text + "]}"
}

// Users is kmskey's.
func (k *Keys) Users(ctx context.Context, key string) (guard.Around, error) {
	if err := k.call("kms.Users", key); err != nil {
		return guard.Around{}, err
	}
	policy, err := k.policy(key)
	a := guard.Around{Policy: policy, Aliases: k.Aliases, LastUse: k.LastUse}
	for _, g := range k.Listed[key] {
		a.Grants = append(a.Grants, guard.KeyGrant{Name: g.Name, Grantee: g.Grantee, Operations: g.Operations})
	}
	return a, err
}

// KeyPolicy is kmskey's.
func (k *Keys) KeyPolicy(_ context.Context, key string) (string, error) {
	if err := k.call("kms.KeyPolicy", key); err != nil {
		return "", err
	}
	return k.policy(key)
}

func (k *Keys) policy(key string) (string, error) {
	if text, ok := k.Policies[key]; ok {
		return text, nil
	}
	if _, ok := k.ByARN[key]; !ok {
		return "", fault.New(fault.NotFound, "reading key policy: NotFoundException")
	}
	return AloneWith(Session), nil
}

func newKeys(c *Calls) *Keys {
	return &Keys{
		Calls: c, ByARN: map[string]kmskey.Key{KeyARN: {ARN: KeyARN, State: "Enabled", Enabled: true, Guarded: true}},
		Listed: map[string][]kmskey.Grant{}, Policies: map[string]string{},
	}
}

// Set changes one key.
func (k *Keys) Set(arn string, edit func(*kmskey.Key)) {
	key := k.ByARN[arn]
	edit(&key)
	k.ByARN[arn] = key
}

// State puts a key into a state.
func (k *Keys) State(arn, state string) {
	k.Set(arn, func(key *kmskey.Key) { key.State, key.Enabled = state, state == "Enabled" })
}

// Key is kmskey's.
func (k *Keys) Key(_ context.Context, id string) (kmskey.Key, error) {
	if err := k.call("kms.Key", id); err != nil {
		return kmskey.Key{}, err
	}
	key, ok := k.ByARN[id]
	if !ok {
		return key, fault.New(fault.NotFound, "describing key: NotFoundException")
	}
	return key, nil
}

// Grants is kmskey's.
func (k *Keys) Grants(_ context.Context, key, grantee string) ([]kmskey.Grant, error) {
	if err := k.call("kms.Grants", key); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(k.Listed[key]), func(g kmskey.Grant) bool { return grantee != "" && g.Grantee != grantee }), nil
}

// Grant is kmskey/release's.
func (k *Keys) Grant(_ context.Context, key, machine, session string, generation int64) (kmskey.Granted, error) {
	name := kmskey.GrantName(machine, generation)
	if err := k.call("kms.Grant", name); err != nil {
		return kmskey.Granted{}, err
	}
	for _, g := range k.Listed[key] {
		if g.Name == name {
			return kmskey.Granted{ID: g.ID, Token: "token-again"}, nil
		}
	}
	id := fmt.Sprintf("grant-%d", len(k.Made("kms.Grant keyward-")))
	k.Listed[key] = append(k.Listed[key], kmskey.Grant{ID: id, Name: name, Grantee: session})
	return kmskey.Granted{ID: id, Token: "token"}, nil
}

// EnableKey is kmskey/release's.
func (k *Keys) EnableKey(_ context.Context, key string) error {
	if err := k.call("kms.EnableKey", key); err != nil {
		return err
	}
	if !k.Late {
		k.State(key, "Enabled")
	}
	return nil
}

// DisableKey is kmskey/revoke's.
func (k *Keys) DisableKey(_ context.Context, key string) error {
	if err := k.call("kms.DisableKey", key); err != nil {
		return err
	}
	if !k.Late {
		k.State(key, "Disabled")
	}
	return nil
}

// RevokeGrant is kmskey/revoke's.
func (k *Keys) RevokeGrant(_ context.Context, key, grant string) error {
	if err := k.call("kms.RevokeGrant", grant); err != nil {
		return err
	}
	if !k.Late {
		k.Listed[key] = slices.DeleteFunc(k.Listed[key], func(g kmskey.Grant) bool { return g.ID == grant })
	}
	return nil
}
