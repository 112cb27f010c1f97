package guard

import (
	"fmt"
	"strings"
	"time"
)

// ReasonTagDrift holds because the machine's tags say something else than when a person enrolled it.
const ReasonTagDrift Reason = "tag-drift"

// hints are the tags that say what a machine's key, policy and owner are. They bind nothing: enrolment does.
var hints = []string{"keyward:key", "keyward:policy", "keyward:owner", "owner"}

// Drift is what the hints among a machine's tags say now and did not say at enrolment, one line each.
func Drift(enrolled, now map[string]string) []string {
	var lines []string
	for _, name := range hints {
		was, had := enrolled[name]
		is, has := now[name]
		if was != is || had != has {
			lines = append(lines, fmt.Sprintf("%s was %s, is %s", name, quoted(was, had), quoted(is, has)))
		}
	}
	return lines
}

func quoted(value string, there bool) string {
	if !there {
		return "not there"
	}
	return fmt.Sprintf("%q", value)
}

// undrifted holds when the hints say what they said when a person looked at them.
func undrifted(f Facts, _ time.Time) Reason {
	if len(f.Drift) > 0 {
		return ReasonTagDrift
	}
	return ""
}

func drifted(f Facts) string { return strings.Join(f.Drift, "; ") }
