package actionlink

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// Refusal is why a link does nothing; "" is that it may be used.
type Refusal string

// The refusals.
const (
	Used    Refusal = "used"
	Expired Refusal = "expired"
	Other   Refusal = "other"   // it is of another machine, or of an action that there is not
	Over    Refusal = "over"    // the machine complies, or another violation began
	Revoked Refusal = "revoked" // there is nothing left to hold
	Enough  Refusal = "enough"  // MaxHolds links held this violation
)

// Judge says whether a link may be used on the machine at now.
func Judge(l record.ActionLink, m record.Machine, now time.Time) Refusal {
	a := Action(l.Action)
	switch {
	case !l.UsedAt.IsZero():
		return Used
	case !now.Before(l.Expires):
		return Expired
	case l.Machine != m.ID || !slices.Contains([]Action{Check, Hold, OnIt, AskWaiver}, a):
		return Other
	case m.State.Standing != integrity.Bad || !m.State.Since.Equal(l.Violation):
		return Over
	case a == Hold && m.State.Key == integrity.KeyRevoked:
		return Revoked
	case a == Hold && held(m) >= MaxHolds:
		return Enough
	}
	return ""
}

// held is how many links held the machine's violation.
func held(m record.Machine) int {
	if m.LinkHolds == nil || !m.LinkHolds.Violation.Equal(m.State.Since) {
		return 0
	}
	return m.LinkHolds.Count
}

// Act is what is written when a link is used, all of it or nothing.
type Act struct {
	Link    record.ActionLink
	Machine record.Machine
	Hold    *record.Hold
	Entry   record.Entry
}

// Use is what using a link that Judge does not refuse writes.
func Use(l record.ActionLink, m record.Machine, now time.Time) Act {
	l.UsedAt = now
	act := Act{Link: l, Machine: m, Entry: record.Entry{
		Machine: m.ID, At: now, Kind: record.EntryLink, Generation: m.State.Generation, By: By(l), Detail: l.Notice,
	}}
	switch Action(l.Action) {
	case Check:
		act.Entry.Text = "asked by a link to look at the machine"
	case Hold:
		end := HeldUntil(m, now)
		act.Hold = &record.Hold{Scope: record.Scope("machine:" + m.ID), Reason: "a link of a mail holds it for an hour", By: By(l), SetAt: now, Expires: end}
		act.Machine.LinkHolds = &record.LinkHolds{Violation: m.State.Since, Count: held(m) + 1}
		act.Entry.Text = "held by a link until " + end.UTC().Format(time.RFC3339)
	case OnIt:
		if end := now.Add(Quiet); !m.State.RemindAt.IsZero() && m.State.RemindAt.Before(end) {
			act.Machine.State.RemindAt = end
		}
		act.Entry.Text = "somebody says by a link to be at work on it; no reminder for a day"
	case AskWaiver:
		act.Entry.Text = "somebody asks by a link for a waiver of what it fails; nothing is waived"
	}
	return act
}

// HeldUntil is the end of a hold that is set at now: an hour after the deadline, or after now when that is past.
func HeldUntil(m record.Machine, now time.Time) time.Time {
	from := now
	if m.State.DueAt.After(now) {
		from = m.State.DueAt
	}
	return from.Add(HoldFor).Truncate(time.Second)
}

// By is who acted, as far as is known: whoever had a mail that was made for these. It is a claim.
func By(l record.ActionLink) string {
	if len(l.To) == 1 {
		return "link of the mail to " + l.To[0]
	}
	return fmt.Sprintf("link of the mail to one of %s", strings.Join(l.To, ", "))
}
