// Package notifier reads what people put as notifiers, and decides what a notifier tells and when.
//
// It refuses what it does not understand, with the place of every error, sends nothing and never asks for the time. The API and
// the command line read notifiers by it; what tells people asks it what is due.
package notifier

import (
	"slices"
	"strconv"
	"strings"

	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// Wants is whether a notifier tells an event of a machine under a policy. What is of the whole stack is under none, and goes to
// those that name no policies.
func Wants(n record.Notifier, event, policy string) bool {
	return (len(n.Events) == 0 || slices.Contains(n.Events, event)) && (len(n.Policies) == 0 || slices.Contains(n.Policies, policy))
}

// CanWait is whether an occurrence waits for the end of a quiet time; what is no event waits for nobody.
func CanWait(o record.Occurrence) bool {
	e, ok := notice.EventOf(o.Event)
	return ok && e.Can
}

// Values are what the variables of a notifier's texts stand for in one occurrence.
func Values(o record.Occurrence) map[string]string {
	values := map[string]string{
		"machine": o.Machine, "name": o.Name, "owner": o.Owner, "zone": o.Zone, "policy": o.Policy, "event": o.Event,
	}
	if o.Version > 0 {
		values["version"] = strconv.Itoa(o.Version)
	}
	return values
}

// Filled is a text of a notifier about one occurrence.
func Filled(text string, o record.Occurrence) string { return policy.Filled(text, Values(o)) }

const masked = "/…"

// Masked is the address of a webhook as people see it: its scheme and host.
func Masked(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return ""
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	return scheme + "://" + rest[:end] + masked
}

// IsMasked is whether an address is one that Masked made.
func IsMasked(address string) bool { return strings.HasSuffix(address, masked) }
