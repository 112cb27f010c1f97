package handler

import (
	"fmt"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// checkWish refuses what no waiver can say, naming the field.
func checkWish(w record.WaiverWish, now time.Time) error {
	if err := checkReason(record.Reason{Reason: w.Reason}, "setting waiver"); err != nil {
		return err
	}
	switch latest := now.Add(record.LongestWaiver); {
	case w.Scope == "":
		return fault.Wrong("scope", "setting waiver: scope is required: machine:ID, policy:NAME or global")
	case w.Rule == "":
		return fault.Wrong("rule", "setting waiver: rule is required")
	case w.Expires.IsZero():
		return fault.Wrong("expires", "setting waiver: expires is required")
	case !w.Expires.After(now):
		return fault.Wrong("expires", "setting waiver: it expires at %s, which is past", w.Expires.UTC().Format(time.RFC3339))
	case w.Expires.After(latest):
		return fault.Wrong("expires", "setting waiver: it expires at %s, expected at most %d days from now, %s",
			w.Expires.UTC().Format(time.RFC3339), int(record.LongestWaiver/(24*time.Hour)), latest.UTC().Format(time.RFC3339))
	case w.Policy != "" && strings.HasPrefix(string(w.Scope), "policy:") && string(w.Scope) != "policy:"+w.Policy:
		return fault.Wrong("policy", "setting waiver: policy is %q, and scope %s", w.Policy, w.Scope)
	case len(w.Tags) > 0 && strings.HasPrefix(string(w.Scope), "machine:"):
		return fault.Wrong("tags", "setting waiver: tags are given, and scope %s is one machine", w.Scope)
	case len(w.Tags) > record.MaxWaiverTags:
		return fault.Wrong("tags", "setting waiver: tags has %d entries, expected at most %d", len(w.Tags), record.MaxWaiverTags)
	case len(w.Values) > policy.MaxValues:
		return fault.Wrong("values", "setting waiver: values has %d entries, expected at most %d", len(w.Values), policy.MaxValues)
	}
	for k, v := range w.Tags {
		if k == "" || len(k) > 128 || len(v) > 256 { // EC2's limits
			return fault.Wrong("tags", "setting waiver: tag %q has %d and %d bytes, expected a key of 1 to 128 and a value of at most 256", k, len(k), len(v))
		}
	}
	for i, v := range w.Values {
		if v == "" || len(v) > policy.MaxValue || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' }) {
			return fault.Wrong(fmt.Sprintf("values[%d]", i), "setting waiver: values[%d] is %q, expected 1 to %d characters of ASCII, as a finding shows it", i, v, policy.MaxValue)
		}
	}
	return nil
}
