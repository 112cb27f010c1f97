package guard_test

import (
	"testing"
	"time"

	"github.com/keyward/keyward/shared/guard"
)

// closing makes the policy name a calendar that is in this state.
func closing(name string, c guard.Calendar) func(*guard.Facts) {
	return func(f *guard.Facts) {
		f.Policy.Terms.Calendars = append(f.Policy.Terms.Calendars, name)
		if f.Calendars == nil {
			f.Calendars = map[string]guard.Calendar{}
		}
		f.Calendars[name] = c
	}
}

var open = guard.Calendar{Read: true, Open: true}

var calendarRows = []row{
	{"an open calendar", closing("month-end", open), guard.Revoke, guard.ReasonDue},
	{"a closed calendar that the policy does not name", func(f *guard.Facts) {
		f.Calendars = map[string]guard.Calendar{"other": {Read: true}}
	}, guard.Revoke, guard.ReasonDue},
	{"condition 3: closed", closing("month-end", guard.Calendar{Read: true}), guard.Hold, guard.ReasonCalendarClosed},
	{"condition 3: unread", closing("month-end", guard.Calendar{}), guard.Hold, guard.ReasonCalendarUnread},
	{"condition 3: said to be open and not read", closing("month-end", guard.Calendar{Open: true}), guard.Hold, guard.ReasonCalendarUnread},
	{"condition 3: nobody asked", func(f *guard.Facts) { f.Policy.Terms.Calendars = []string{"month-end"} }, guard.Hold, guard.ReasonCalendarUnread},
	{"condition 3: the second is closed", func(f *guard.Facts) {
		closing("month-end", open)(f)
		closing("freeze", guard.Calendar{Read: true})(f)
	}, guard.Hold, guard.ReasonCalendarClosed},
	{"a hold is told before a calendar", func(f *guard.Facts) {
		closing("month-end", guard.Calendar{Read: true})(f)
		f.Holds.Global.Set = true
	}, guard.Hold, guard.ReasonHeldGlobal},
	{"a closed calendar keeps no deadline from being extended", func(f *guard.Facts) {
		closing("month-end", guard.Calendar{Read: true})(f)
		f.State.DueAt = now.Add(time.Minute)
	}, guard.Extended, guard.ReasonNotDue},
}

func TestCalendars(t *testing.T) {
	t.Parallel()
	for _, tt := range calendarRows {
		if got := guard.Weigh(due(tt.change), now); got.Outcome != tt.outcome || got.Reason != tt.reason {
			t.Errorf("%s: Weigh = %+v, want %s because %s", tt.name, got, tt.outcome, tt.reason)
		}
	}
}

// People read which calendar it is, and when it opens.
func TestWhichCalendar(t *testing.T) {
	t.Parallel()
	at := time.Date(2025, 3, 4, 6, 0, 0, 0, time.FixedZone("", 3600))
	for want, c := range map[string]guard.Calendar{
		"a change calendar of the policy is closed: month-end, until 2025-03-04 05:00:00 UTC": {Read: true, Changes: at},
		"a change calendar of the policy is closed: month-end":                                {Read: true},
		"a change calendar of the policy could not be read: month-end":                        {Changes: at},
	} {
		f := due(closing("month-end", c))
		if got := guard.Weigh(f, now); got.Text != want {
			t.Errorf("Weigh says %q, want %q", got.Text, want)
		}
		if stops := guard.Stops(f, now); len(stops) != 1 || stops[0].Text()+": "+guard.Detail(f, stops[0]) != want {
			t.Errorf("Stops = %v, want the calendar's", stops)
		}
	}
	if got := guard.Detail(due(closing("month-end", guard.Calendar{Read: true})), guard.ReasonHeldGlobal); got != "" {
		t.Errorf("Detail of another reason = %q, want none", got)
	}
}
