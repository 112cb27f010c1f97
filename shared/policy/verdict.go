package policy

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
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

	// Values are what a failed rule found, one by one, in a form that stays the same from look to look: a
	// program's path and never its pid, the date of definitions and never their age. Waivers are pinned to
	// them. A finding without values cannot be waived. See MaxValues.
	Values []string `json:"values,omitempty"`
	// Unsure is what of a failed rule could not be known beside what failed: when the failure is waived,
	// the rule is Unknown and not in order.
	Unsure string `json:"unsure,omitempty"`
	// Waived are the waivers under which a failed rule does not count; empty when it does.
	Waived []Permission `json:"waived,omitempty"`
}

// Permission is a waiver as a finding names it.
type Permission struct {
	Waiver  string    `json:"waiver"` // its id
	Reason  string    `json:"reason"`
	By      string    `json:"by"` // ARN of who set it
	Expires time.Time `json:"expires"`
}

// Counts is what the finding adds to a verdict: a waived failure is in order, unless something beside it
// could not be known.
func (f Finding) Counts() Verdict {
	switch {
	case f.Verdict != Fail || len(f.Waived) == 0:
		return f.Verdict
	case f.Unsure != "":
		return Unknown
	default:
		return Pass
	}
}

// Result is the judgement of one machine by one version of a policy.
type Result struct {
	Verdict  Verdict   `json:"verdict"`
	Policy   string    `json:"policy"`
	Version  int       `json:"version"`
	Digest   string    `json:"digest"` // sha256 of the policy's text, hex
	Findings []Finding `json:"findings"`
}

// Bad are the findings that keep the machine from being in order: failed and unknown ones, without those
// that are waived and without the informational ones. One that is waived, beside doubt that is not, is
// there as the doubt alone.
func (r Result) Bad() []Finding {
	bad := r.where(func(f Finding) bool { return f.Counts() != Pass })
	for i, f := range bad {
		if f.Counts() != f.Verdict {
			bad[i] = Finding{Rule: f.Rule, Verdict: f.Counts(), Expected: f.Expected, Actual: f.Unsure, Fix: f.Fix, Why: whyUnsure}
		}
	}
	return bad
}

// whyUnsure is the reason code of doubt beside a waived failure.
const whyUnsure = "beside_waived"

// Waived are the failed findings that do not count.
func (r Result) Waived() []Finding {
	return r.where(func(f Finding) bool { return f.Verdict == Fail && len(f.Waived) > 0 })
}

func (r Result) where(is func(Finding) bool) []Finding {
	var found []Finding
	for _, f := range r.Findings {
		if !f.Info && is(f) {
			found = append(found, f)
		}
	}
	return found
}
