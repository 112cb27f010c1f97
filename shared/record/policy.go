package record

import (
	"fmt"
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
}

// Compile parses the stored text again; its version is the stored one.
func (p Policy) Compile() (*policy.Policy, error) {
	compiled, err := policy.Parse([]byte(p.Text))
	if err != nil {
		return nil, fmt.Errorf("compiling policy %s version %d: %w", p.Name, p.Version, err)
	}
	compiled.Version = p.Version
	return compiled, nil
}
