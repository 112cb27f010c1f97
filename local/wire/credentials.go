package wire

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"strings"
	"sync"
	"time"
)

// Key is what a principal signs with. SessionToken is empty for a user's long-term key.
type Key struct {
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
	SessionToken    string `json:"sessionToken,omitempty"`
}

// Credentials are the keys that this process issued. They live in memory alone, so that a restart
// makes all of them worthless. Safe for use from several goroutines.
type Credentials struct {
	region string
	now    func() time.Time

	mu   sync.RWMutex
	keys map[string]issued
}

type issued struct {
	key       Key
	principal Principal
}

// NewCredentials returns an empty registry whose Verify takes signatures for region; an empty region
// takes any. A nil now means time.Now: signatures carry the real time, not the virtual one.
func NewCredentials(region string, now func() time.Time) *Credentials {
	if now == nil {
		now = time.Now
	}
	return &Credentials{region: region, now: now, keys: map[string]issued{}}
}

// Issue makes a random key for p. A session of a role gets a temporary key, whose identifier starts
// with ASIA and which comes with a session token; anyone else a long-term one that starts with AKIA.
// See "Unique identifiers" in the IAM user guide.
func (c *Credentials) Issue(p Principal) Key {
	key := Key{AccessKeyID: "AKIA" + randomID(), SecretAccessKey: randomText(30)}
	if p.RoleARN() != "" {
		key.AccessKeyID = "ASIA" + randomID()
		key.SessionToken = randomText(96)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys[key.AccessKeyID] = issued{key: key, principal: p}
	return key
}

// Lookup returns the key with this identifier and whose it is.
func (c *Credentials) Lookup(accessKeyID string) (Key, Principal, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	i, ok := c.keys[accessKeyID]
	return i.key, i.principal, ok
}

// Withdraw makes a key worthless; one that was never issued is ignored.
func (c *Credentials) Withdraw(accessKeyID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.keys, accessKeyID)
}

// randomID is 16 characters of AWS's alphabet for identifiers, A to Z and 2 to 7.
func randomID() string {
	return base32.StdEncoding.EncodeToString(randomBytes(10))
}

func randomText(n int) string {
	// A slash in a secret is legal but is what people paste wrongly most often.
	return strings.ReplaceAll(base64.StdEncoding.EncodeToString(randomBytes(n)), "/", "+")
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails since Go 1.24: it ends the process instead
	return b
}
