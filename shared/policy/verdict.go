package policy

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Verdict is the answer to "is this in order?". The zero value is Unknown: nothing may follow from
// doubt that would follow from Pass or Fail.
type Verdict int

// The verdicts.
const (
	Unknown Verdict = iota
	Pass
	Fail
)

var verdictNames = [...]string{Unknown: "Unknown", Pass: "Pass", Fail: "Fail"}

// String is Unknown, Pass or Fail.
func (v Verdict) String() string {
	if v < 0 || int(v) >= len(verdictNames) {
		return verdictNames[Unknown]
	}
	return verdictNames[v]
}

// MarshalJSON writes the verdict's name.
func (v Verdict) MarshalJSON() ([]byte, error) { return json.Marshal(v.String()) }

// UnmarshalJSON reads a verdict's name; any other word is an error.
func (v *Verdict) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("reading verdict: %w", err)
	}
	for i, name := range verdictNames {
		if s == name {
			*v = Verdict(i)
			return nil
		}
	}
	return fmt.Errorf("reading verdict %q: expected %s", s, strings.Join(verdictNames[:], ", "))
}

// Finding is the outcome of one rule on one machine. Passed rules have one too, so that a report
// can show what was looked at; only failed and unknown ones are kept with a machine.
type Finding struct {
	Rule     string  `json:"rule"`
	Verdict  Verdict `json:"verdict"`
	Info     bool    `json:"info,omitempty"`     // shown, never judged
	Expected string  `json:"expected"`           // in words, such as "tcp/23 closed"
	Actual   string  `json:"actual"`             // what was found, with the offender
	Offender string  `json:"offender,omitempty"` // the thing itself: tcp/23 on 0.0.0.0, /usr/bin/nc (pid 4711)
	Fix      string  `json:"fix,omitempty"`
	Why      string  `json:"why,omitempty"` // of Unknown: the reason code of the missing fact
}

// Result is the judgement of one machine by one version of a policy.
type Result struct {
	Verdict  Verdict   `json:"verdict"`
	Policy   string    `json:"policy"`
	Version  int       `json:"version"`
	Digest   string    `json:"digest"` // sha256 of the policy's text, hex
	Findings []Finding `json:"findings"`
}

// Bad are the findings that failed or are unknown, without the informational ones.
func (r Result) Bad() []Finding {
	var bad []Finding
	for _, f := range r.Findings {
		if f.Verdict != Pass && !f.Info {
			bad = append(bad, f)
		}
	}
	return bad
}
