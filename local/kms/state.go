package kms

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/keyward/keyward/local/kms/keypolicy"
)

type saved struct {
	Keys    []*key               `json:"keys"`
	Aliases map[string]string    `json:"aliases"`
	Named   map[string]time.Time `json:"named"`
	Tokens  map[string]string    `json:"tokens"`
}

// Save is everything, key material included: where it is kept must be closed to others.
func (k *KMS) Save() (json.RawMessage, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := saved{Aliases: k.aliases, Named: k.named, Tokens: k.tokens}
	for _, of := range k.keys {
		s.Keys = append(s.Keys, of)
	}
	return json.Marshal(s)
}

// Load puts back what Save gave; a state that does not read whole changes nothing.
func (k *KMS) Load(state json.RawMessage) error {
	var s saved
	if err := json.Unmarshal(state, &s); err != nil {
		return fmt.Errorf("reading the saved keys: %w", err)
	}
	keys := map[string]*key{}
	for _, of := range s.Keys {
		policy, err := keypolicy.Parse(of.Policy)
		if err != nil {
			return fmt.Errorf("reading the saved policy of %s: %w", of.ID, err)
		}
		if len(of.Material) != 32 {
			return fmt.Errorf("reading the saved key %s: %d bytes of material, expected 32", of.ID, len(of.Material))
		}
		of.policy = policy
		if of.Tags == nil {
			of.Tags = map[string]string{}
		}
		keys[of.ID] = of
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys, k.aliases, k.named, k.tokens = keys, s.Aliases, s.Named, s.Tokens
	if k.aliases == nil {
		k.aliases = map[string]string{}
	}
	if k.named == nil {
		k.named = map[string]time.Time{}
	}
	if k.tokens == nil {
		k.tokens = map[string]string{}
	}
	return nil
}
