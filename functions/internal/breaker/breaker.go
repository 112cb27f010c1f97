// Package breaker makes the changes by which a breaker opens, closes, trips and is reset: the row, the line
// of what was done, and the one mail about it, which are written together. recheck, sweep and api write
// them; what they rest on is decided in shared/guard.
package breaker

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/record"
)

// The scopes of what was done.
const global = record.Scope("global")

// Place is the account and Region of the stack.
type Place struct{ Account, Region string }

// TellAgain is after how long a breaker that is still open is told of again.
const TellAgain = 24 * time.Hour

// Open is the change by which the breaker opens, since a machine met it without room, or with no more than so many more
// severe ones ahead of it need.
func Open(b record.Breaker, machine string, ahead int, l guard.Limits, at Place, now time.Time) (record.BreakerChange, error) {
	used, limit := len(guard.Spent(b, l, now)), l.Limit(b.Guarded)
	text := fmt.Sprintf("%d of at most %d machines lost their keys within %s, and %s is the first that has to wait", used, limit, l.Window, machine)
	if ahead > 0 {
		text = fmt.Sprintf("%d of at most %d machines lost their keys within %s, %d more severe ones are due, and %s is the first that has to wait", used, limit, l.Window, ahead, machine)
	}
	b.OpenSince, b.ToldAt, b.Openings = now.UTC(), now.UTC(), b.Openings+1
	return told(record.BreakerChange{Breaker: &b}, record.BreakerOpened, global, text, "breakerOpen", b.Openings, 1, at, now)
}

// StillOpen is the change by which a breaker that is open for long is told of again, of which so many
// machines wait.
func StillOpen(b record.Breaker, waiting int, at Place, now time.Time) (record.BreakerChange, error) {
	text := fmt.Sprintf("it is open since %s, and %d machines wait", b.OpenSince.UTC().Format(time.RFC3339), waiting)
	attempt := 1 + int(now.Sub(b.OpenSince)/TellAgain)
	b.ToldAt = now.UTC()
	return told(record.BreakerChange{Breaker: &b}, record.BreakerOpened, global, text, "breakerOpen", b.Openings, attempt, at, now)
}

// Close is the change by which it closes: there is room, and nobody waits.
func Close(b record.Breaker, now time.Time) record.BreakerChange {
	text := "there is room again and no machine waits; it was open since " + b.OpenSince.UTC().Format(time.RFC3339)
	b.OpenSince, b.ToldAt = time.Time{}, time.Time{}
	return record.BreakerChange{
		Breaker: &b, Event: &record.BreakerEvent{At: now.UTC(), Kind: record.BreakerClosed, Scope: global, Text: text},
	}
}

// Reset is the change by which a person gives room now.
func Reset(b record.Breaker, by, reason string, now time.Time) record.BreakerChange {
	b.Spent, b.OpenSince, b.ToldAt = nil, time.Time{}, time.Time{}
	b.ResetAt, b.ResetBy, b.ResetReason = now.UTC(), by, reason
	return record.BreakerChange{
		Breaker: &b, Event: &record.BreakerEvent{At: now.UTC(), Kind: record.BreakerReset, Scope: global, Text: reason, By: by},
	}
}

// Trip is the change by which rules trip.
func Trip(b record.RuleBreaker, trips []record.Trip, at Place, now time.Time) (record.BreakerChange, error) {
	var texts []string
	for _, t := range trips {
		what := fmt.Sprintf("rule %q", t.Rule)
		if t.Rule == "" {
			what = "rules"
		}
		texts = append(texts, fmt.Sprintf("%d of %d machines that complied fail %s of version %d", t.Failed, t.Passed, what, t.PolicyVersion))
	}
	b = guard.Tripped(b, trips...)
	c, err := told(record.BreakerChange{Rules: &b}, record.BreakerTripped, record.Scope("policy:"+b.Policy), strings.Join(texts, "; "), "rulesTripped", b.Version+1, 1, at, now)
	return c, err
}

// ResetRules is the change by which a person lets the rules of a policy revoke again.
func ResetRules(b record.RuleBreaker, by, reason string, now time.Time) record.BreakerChange {
	b.Trips, b.ResetAt, b.ResetBy, b.ResetReason = nil, now.UTC(), by, reason
	return record.BreakerChange{Rules: &b, Event: &record.BreakerEvent{
		At: now.UTC(), Kind: record.BreakerReset, Scope: record.Scope("policy:" + b.Policy), Text: reason, By: by,
	}}
}

// told adds the line of what was done and the execution that mails it.
func told(c record.BreakerChange, kind string, scope record.Scope, text, notice string, generation int64, attempt int, at Place, now time.Time) (record.BreakerChange, error) {
	c.Event = &record.BreakerEvent{At: now.UTC(), Kind: kind, Scope: scope, Text: text}
	in := enforcement.Input{
		Version: enforcement.Version, Kind: enforcement.Tell, Account: at.Account, Region: at.Region, Machine: record.BreakerMachine,
		Generation: generation, Notice: notice, Why: text,
	}
	if c.Rules != nil {
		in.Policy = c.Rules.Policy
		in.Machine += "-" + in.Policy
	}
	input, err := json.Marshal(in)
	if err != nil {
		return c, fmt.Errorf("encoding input of an execution: %w", err)
	}
	c.Start = &record.Start{Name: enforcement.Name(in, attempt), Machine: in.Machine, Input: input, At: now.UTC()}
	return c, nil
}
