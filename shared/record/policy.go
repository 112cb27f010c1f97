package record

import (
	"fmt"
	"sync"
	"time"

	"github.com/keyward/keyward/shared/policy"
)

// Policy is a policy's text as it was put.
type Policy struct {
	Name    string    `json:"name"`
	Version int       `json:"version"`
	Text    string    `json:"text"`
	Digest  string    `json:"digest"`
	PutAt   time.Time `json:"putAt"`
	PutBy   string    `json:"putBy"`
	Deleted *Lift     `json:"deleted,omitempty"` // nil: it is there
}

// Compile parses the stored text again; its version is the stored one. The policy's own fields are the caller's to
// change, what they point to is not: whoever compiles an equal text gets the same rules.
func (p Policy) Compile() (*policy.Policy, error) {
	parsed, err := parsedOnce.parse(p.Text)
	if err != nil {
		return nil, fmt.Errorf("compiling policy %s version %d: %w", p.Name, p.Version, err)
	}
	compiled := *parsed
	compiled.Version = p.Version
	return &compiled, nil
}

// parsedOnce are texts that were parsed before: a function that stays warm reads the same few policies in every
// invocation, and a sweep reads them all.
var parsedOnce = parses{most: 64, byText: map[string]*policy.Policy{}}

// parses remembers what texts were parsed to, at most so many: equal texts are equal policies. Texts that are refused
// are not remembered.
type parses struct {
	mu     sync.Mutex
	most   int
	byText map[string]*policy.Policy
}

func (c *parses) parse(text string) (*policy.Policy, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.byText[text]; p != nil {
		return p, nil
	}
	p, err := policy.Parse([]byte(text))
	if err != nil {
		return nil, err
	}
	if len(c.byText) >= c.most {
		clear(c.byText)
	}
	c.byText[text] = p
	return p, nil
}
