package notice

import (
	"strconv"
	"strings"
	"time"
)

// maxWaived are the waived findings that a mail shows.
const maxWaived = 5

// tail is what of a standing people allowed, for a subject or a heading.
func tail(n Notice) string {
	if len(n.Waived) == 0 {
		return ""
	}
	return ", apart from what is waived"
}

// allowed lists what the machine fails by and people allow.
func allowed(n Notice, c clock) section {
	var items []item
	for _, f := range n.Waived[:min(len(n.Waived), maxWaived)] {
		text := f.Rule + ": expected " + f.Expected + "; found " + f.Actual + "."
		for _, w := range f.Waived {
			text += " Allowed until " + c.both(w.Expires) + " by " + w.By + " (" + w.Waiver + "): " + strings.TrimSuffix(w.Reason, ".") + "."
		}
		items = append(items, says(text))
	}
	if more := len(n.Waived) - maxWaived; more > 0 {
		items = append(items, says("There are "+strconv.Itoa(more)+" more. This shows all of them:"), runs("keyward machine show "+argument(n)))
	}
	if len(items) > 0 {
		items = append(items, says("What was allowed is this and nothing else: another port, program or version is found as before."))
	}
	return section{"What is waived", items}
}

func leadWaiverEnding(n Notice, c clock) []string {
	return []string{
		"Machine " + who(n) + " fails " + byPolicy(n) + " by what people allowed for a time, and the first of these waivers ends at " + c.whole(n.DueAt) + ".",
		"What it allowed counts again then. If it is still there, it is a new violation: a warning, and the full grace of the policy from its acceptance, where the policy revokes.",
	}
}

func beforeItEnds(n Notice, _ clock) section {
	return section{"What to do", []item{
		says("Correct it before, then have the machine looked at:"),
		runs("keyward machine check " + argument(n)),
		says("Or set another waiver with a later end, a reason and your name:"),
		runs("keyward waiver set " + argument(n) + ` --rule "the rule" --value "what is waived" --for 30d --reason "why it may stand"`),
	}}
}

// leadLapse is what follows when the machine fails again soon.
func leadLapse(n Notice) string {
	if len(n.Waived) > 0 && n.OldDueAt.IsZero() {
		return "When a waiver ends and what it allowed is still there, that is a new violation, with a warning and the full grace."
	}
	return "If it stops complying within the next seven days, the earlier deadline counts on, with at least 30 minutes from the new warning."
}

// until is the first end of what is waived, zero when nothing is.
func until(n Notice) (first time.Time) {
	for _, f := range n.Waived {
		for _, w := range f.Waived {
			if first.IsZero() || w.Expires.Before(first) {
				first = w.Expires
			}
		}
	}
	return first
}
