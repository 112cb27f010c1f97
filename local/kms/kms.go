// Package kms is the Key Management Service of keyward local: symmetric keys that really encrypt
// (AES-256-GCM) and really refuse, by state, key policy, identity policy and grant, as "Determining
// access to KMS keys" in the developer guide describes. Changes act at once; AWS says up to 5 minutes.
//
// It refuses by name what it does not have: other key kinds, policy operators and condition keys,
// grants that make grants. It is called through local/wire.
package kms

import (
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/keyward/keyward/local/iam/permission"
	"github.com/keyward/keyward/local/wire"
)

// Identity says what a caller's own IAM policies say.
type Identity interface {
	Decide(p wire.Principal, r permission.Request) permission.Decision
}

// ByKind is an Identity in which people, functions and services may do everything and machines
// nothing, so that a machine has what key policies and grants give it.
type ByKind struct{}

// Decide allows all but machines everything.
func (ByKind) Decide(p wire.Principal, _ permission.Request) permission.Decision {
	return permission.Decision{Allowed: p.Kind == wire.Operator || p.Kind == wire.Function || p.Kind == wire.Internal}
}

// Config is what a KMS needs.
type Config struct {
	Account, Region string
	Now             func() time.Time // virtual time; nil means time.Now
	Identity        Identity         // nil means ByKind
}

// KMS holds keys, aliases and grants. Safe for use from several goroutines.
type KMS struct {
	config Config

	mu      sync.Mutex
	keys    map[string]*key      // by key id
	aliases map[string]string    // alias/NAME → key id
	named   map[string]time.Time // alias/NAME → since when
	tokens  map[string]string    // grant token → grant id
}

// New returns a KMS without keys.
func New(c Config) *KMS {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Identity == nil {
		c.Identity = ByKind{}
	}
	return &KMS{config: c, keys: map[string]*key{}, aliases: map[string]string{}, named: map[string]time.Time{}, tokens: map[string]string{}}
}

// Service is KMS on the wire.
func (k *KMS) Service() wire.Service {
	return wire.Service{Name: "kms", Protocol: wire.JSON11, TargetPrefix: "TrentService", Operations: map[string]wire.Operation{
		"CreateKey":                       operation(k, k.createKey),
		"CreateAlias":                     operation(k, k.createAlias),
		"ListAliases":                     operation(k, k.listAliases),
		"GetKeyLastUsage":                 operation(k, k.getKeyLastUsage),
		"DescribeKey":                     operation(k, k.describeKey),
		"EnableKey":                       operation(k, k.enableKey),
		"DisableKey":                      operation(k, k.disableKey),
		"Encrypt":                         operation(k, k.encrypt),
		"Decrypt":                         operation(k, k.decrypt),
		"GenerateDataKey":                 operation(k, k.generateDataKey),
		"GenerateDataKeyWithoutPlaintext": operation(k, k.generateDataKeyWithoutPlaintext),
		"CreateGrant":                     operation(k, k.createGrant),
		"ListGrants":                      operation(k, k.listGrants),
		"RevokeGrant":                     operation(k, k.revokeGrant),
		"ListResourceTags":                operation(k, k.listResourceTags),
		"TagResource":                     operation(k, k.tagResource),
		"UntagResource":                   operation(k, k.untagResource),
		"GetKeyPolicy":                    operation(k, k.getKeyPolicy),
		"PutKeyPolicy":                    operation(k, k.putKeyPolicy),
	}}
}

func (k *KMS) keyARN(id string) string {
	return fmt.Sprintf("arn:aws:kms:%s:%s:key/%s", k.config.Region, k.config.Account, id)
}

// find resolves a key id or ARN, and an alias or its ARN where the operation takes one.
func (k *KMS) find(name string, aliasToo bool) (*key, error) {
	if name == "" {
		return nil, wire.Validation("1 validation error detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null")
	}
	id := name
	if strings.HasPrefix(name, "arn:") {
		parts := strings.SplitN(name, ":", 6)
		if len(parts) != 6 || parts[2] != "kms" || !strings.HasPrefix(parts[5], "key/") && !strings.HasPrefix(parts[5], "alias/") {
			return nil, fault("InvalidArnException", "Invalid arn %s", name)
		}
		if parts[3] != k.config.Region || parts[4] != k.config.Account {
			return nil, fault("NotFoundException", "Invalid arn %s", name)
		}
		id = strings.TrimPrefix(parts[5], "key/")
	}
	if strings.HasPrefix(id, "alias/") && aliasToo {
		target, ok := k.aliases[id]
		if !ok {
			return nil, fault("NotFoundException", "Alias arn:aws:kms:%s:%s:%s is not found.", k.config.Region, k.config.Account, id)
		}
		id = target
	}
	found := k.keys[id]
	if found == nil {
		return nil, fault("NotFoundException", "Key '%s' does not exist", k.keyARN(id))
	}
	return found, nil
}

func fault(code, format string, args ...any) *wire.Error {
	return &wire.Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails since Go 1.24: it ends the process instead
	return b
}

func newUUID() string {
	b := randomBytes(16)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// dryRun is the answer to a call that would have succeeded but was only a question.
func dryRun() *wire.Error {
	return fault("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.")
}
