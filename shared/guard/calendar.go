package guard

import (
	"slices"
	"strings"
	"time"
)

// Reasons of a Hold by the policy's change calendars.
const (
	ReasonCalendarClosed Reason = "calendar-closed"
	ReasonCalendarUnread Reason = "calendar-unread"
)

// Calendar is what Systems Manager says of one change calendar. The zero value could not be read.
type Calendar struct {
	Read    bool
	Open    bool
	Changes time.Time // when the state changes next; zero: never, as far as is known
}

// calendarsOpen is whether all change calendars that the policy names are open. Warnings do not ask it.
func calendarsOpen(f Facts, _ time.Time) Reason {
	_, r := shut(f)
	return r
}

// shut is the first of the policy's calendars that stops a revocation.
func shut(f Facts) (name string, why Reason) {
	for _, name := range f.Policy.Terms.Calendars {
		switch c := f.Calendars[name]; {
		case !c.Read:
			return name, ReasonCalendarUnread
		case !c.Open:
			return name, ReasonCalendarClosed
		}
	}
	return "", ""
}

// Detail is what a reason is about in these facts, for people: the calendar, and when it opens, or who else
// depends on the key, or the tags. It is "" where the reason's text says everything.
func Detail(f Facts, r Reason) string {
	switch r {
	case ReasonCalendarClosed, ReasonCalendarUnread:
		return calendar(f, r)
	case ReasonTagDrift:
		return drifted(f)
	case ReasonWarningBounced:
		lost := slices.Clone(f.Delivery.Lost) // it is in the order in which SES told of them
		slices.Sort(lost)
		return strings.Join(lost, ", ")
	case ReasonKeyShared, ReasonDependantsUnread:
		return shared(f.Key.Dependants, r)
	}
	return ""
}

func calendar(f Facts, r Reason) string {
	name, _ := shut(f)
	if at := f.Calendars[name].Changes; name != "" && r == ReasonCalendarClosed && !at.IsZero() {
		return name + ", until " + at.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	return name
}

// said is a reason's text with its detail.
func said(f Facts, r Reason) string {
	if d := Detail(f, r); d != "" {
		return r.Text() + ": " + d
	}
	return r.Text()
}
