package calendar_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/local/ssm/calendar"
)

func text(kind string, events ...string) string {
	lines := []string{
		"BEGIN:VCALENDAR", "PRODID:-//AWS//Change Calendar 1.0//EN", "VERSION:2.0", "X-CALENDAR-TYPE:" + kind, "X-WR-CALDESC:",
		"BEGIN:VTODO", "DTSTAMP:20260301T000000Z", "UID:1", "SUMMARY:Add events to this calendar.", "END:VTODO",
	}
	for _, e := range events {
		lines = append(lines, "BEGIN:VEVENT", "UID:2", "SUMMARY:month", "  end", e, "END:VEVENT")
	}
	return strings.Join(append(lines, "END:VCALENDAR", ""), "\r\n")
}

const (
	first  = "DTSTART:20260301T100000Z\r\nDTEND:20260301T120000Z"
	joined = "DTSTART:20260301T120000Z\r\nDTEND:20260301T130000Z"
	berlin = "DTSTART;TZID=Europe/Berlin:20260301T110000\r\nDTEND;TZID=Europe/Berlin:20260301T130000"
)

func at(hour int) time.Time { return time.Date(2026, 3, 1, hour, 0, 0, 0, time.UTC) }

func TestOpen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		at   time.Time
		open bool
		next time.Time
	}{
		"open without events":          {text("DEFAULT_OPEN"), at(9), true, time.Time{}},
		"closed without events":        {text("DEFAULT_CLOSED"), at(9), false, time.Time{}},
		"before an event":              {text("DEFAULT_OPEN", first), at(9), true, at(10)},
		"at its start":                 {text("DEFAULT_OPEN", first), at(10), false, at(12)},
		"at its end":                   {text("DEFAULT_OPEN", first), at(12), true, time.Time{}},
		"one that goes on":             {text("DEFAULT_OPEN", joined, first), at(11), false, at(13)},
		"in another zone":              {text("DEFAULT_OPEN", berlin), at(11), false, at(12)},
		"closed, before an event":      {text("DEFAULT_CLOSED", first), at(9), false, at(10)},
		"closed, in an event":          {text("DEFAULT_CLOSED", first), at(11), true, at(12)},
		"plain line ends do no damage": {strings.ReplaceAll(text("DEFAULT_OPEN", first), "\r\n", "\n"), at(11), false, at(12)},
	} {
		parsed, err := calendar.Parse(c.text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if open, next := parsed.Open(c.at); open != c.open || !next.Equal(c.next) {
			t.Errorf("%s: Open = %v until %v, want %v until %v", name, open, next, c.open, c.next)
		}
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text, says  string
		unsupported bool
	}{
		"empty":               {"", "X-CALENDAR-TYPE", false},
		"no calendar":         {"BEGIN:VCARD", "VCALENDAR", false},
		"text before it":      {"SUMMARY:x", "BEGIN:VCALENDAR", false},
		"no property":         {"BEGIN:VCALENDAR\nhello", "NAME:VALUE", false},
		"no type":             {"BEGIN:VCALENDAR\nEND:VCALENDAR", "X-CALENDAR-TYPE", false},
		"unknown type":        {text("DEFAULT"), "DEFAULT_OPEN or DEFAULT_CLOSED", false},
		"not ended":           {"BEGIN:VCALENDAR\nX-CALENDAR-TYPE:DEFAULT_OPEN", "END:VCALENDAR", false},
		"ended crosswise":     {"BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR", "END:VEVENT", false},
		"event without end":   {text("DEFAULT_OPEN", "DTSTART:20260301T100000Z"), "DTSTART before DTEND", false},
		"event backwards":     {text("DEFAULT_OPEN", "DTSTART:20260301T100000Z\r\nDTEND:20260301T090000Z"), "DTSTART before DTEND", false},
		"no time":             {text("DEFAULT_OPEN", "DTSTART:20261301T100000Z"), "DTSTART", false},
		"recurrence":          {text("DEFAULT_OPEN", first+"\r\nRRULE:FREQ=DAILY"), "RRULE", true},
		"a day":               {text("DEFAULT_OPEN", "DTSTART;VALUE=DATE:20260301"), "VALUE=DATE", true},
		"a floating time":     {text("DEFAULT_OPEN", "DTSTART:20260301T100000"), "20260301T100000", true},
		"a zone of its own":   {text("DEFAULT_OPEN", "DTSTART;TZID=Mine:20260301T100000"), "Mine", true},
		"a component":         {"BEGIN:VCALENDAR\nBEGIN:VTIMEZONE", "VTIMEZONE", true},
		"a second calendar":   {text("DEFAULT_OPEN") + text("DEFAULT_OPEN"), "expected one VCALENDAR", false},
		"an unknown property": {"BEGIN:VCALENDAR\nX-OTHER:1", "X-OTHER", true},
	} {
		_, err := calendar.Parse(c.text)
		var u *calendar.Unsupported
		if err == nil || !strings.Contains(err.Error(), c.says) || errors.As(err, &u) != c.unsupported {
			t.Errorf("%s: Parse = %v, want one that says %q, unsupported %v", name, err, c.says, c.unsupported)
		}
	}
}
