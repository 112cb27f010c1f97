// Package calendar reads the iCalendar text of an SSM change calendar and says when it is open. It knows
// what AWS's console writes and people write by hand for one-off events; recurrence, time zones of the
// calendar's own and whatever else it does not know it refuses by name, since an event that is left out
// would open a calendar that is closed. It asks no clock.
package calendar

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Calendar is a change calendar: open but for its events, or closed but for them.
type Calendar struct {
	closed bool // DEFAULT_CLOSED
	events []span
}

// span is one event: from its start to before its end.
type span struct{ start, end time.Time }

// Unsupported is valid iCalendar that this package does not carry.
type Unsupported struct{ What string }

func (u *Unsupported) Error() string { return "a change calendar with " + u.What }

// kinds are the values of X-CALENDAR-TYPE ("Change Calendar" in the Systems Manager user guide).
var kinds = map[string]bool{"DEFAULT_OPEN": false, "DEFAULT_CLOSED": true}

// told are properties that say nothing about when a calendar is open.
var told = map[string]bool{
	"PRODID": true, "VERSION": true, "CALSCALE": true, "METHOD": true, "X-WR-CALDESC": true, "X-WR-CALNAME": true,
	"DTSTAMP": true, "UID": true, "SUMMARY": true, "DESCRIPTION": true, "CREATED": true, "LAST-MODIFIED": true, "SEQUENCE": true,
}

// Parse reads a calendar. Errors name the line.
func Parse(text string) (*Calendar, error) {
	p := &parser{calendar: &Calendar{}}
	for n, line := range unfolded(text) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		if err := p.line(line); err != nil {
			return nil, fmt.Errorf("reading line %d of the calendar: %w", n+1, err)
		}
	}
	switch {
	case len(p.open) > 0:
		return nil, fmt.Errorf("reading the calendar: expected END:%s", p.open[len(p.open)-1])
	case !p.typed:
		return nil, fmt.Errorf("reading the calendar: expected X-CALENDAR-TYPE:DEFAULT_OPEN or DEFAULT_CLOSED")
	}
	return p.calendar, nil
}

// unfolded joins lines that go on with a blank (RFC 5545, 3.1).
func unfolded(text string) []string {
	var lines []string
	for _, line := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		if n := len(lines); n > 0 && (strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")) {
			lines[n-1] += line[1:]
			continue
		}
		lines = append(lines, line)
	}
	return lines
}

// parser is a calendar that is being read.
type parser struct {
	calendar *Calendar
	open     []string // components that were begun
	typed    bool
	event    span
}

func (p *parser) line(line string) error {
	name, value, found := strings.Cut(line, ":")
	if !found {
		return fmt.Errorf("%q, expected NAME:VALUE", line)
	}
	name, parameters, _ := strings.Cut(name, ";")
	name = strings.ToUpper(name)
	in := ""
	if n := len(p.open); n > 0 {
		in = p.open[n-1]
	}
	switch {
	case name == "BEGIN":
		return p.begin(in, value)
	case in == "":
		return fmt.Errorf("%q, expected BEGIN:VCALENDAR", line)
	case name == "END":
		return p.end(in, value)
	case name == "X-CALENDAR-TYPE" && in == "VCALENDAR":
		closed, known := kinds[value]
		if !known {
			return fmt.Errorf("X-CALENDAR-TYPE is %q, expected DEFAULT_OPEN or DEFAULT_CLOSED", value)
		}
		p.calendar.closed, p.typed = closed, true
		return nil
	case (name == "DTSTART" || name == "DTEND") && in == "VEVENT":
		at, err := instant(parameters, value)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if name == "DTSTART" {
			p.event.start = at
		} else {
			p.event.end = at
		}
		return nil
	case told[name] || in == "VTODO":
		return nil
	}
	return &Unsupported{What: name + " in " + in}
}

func (p *parser) begin(in, component string) error {
	switch {
	case in == "" && component == "VCALENDAR" && p.calendar.events == nil && !p.typed:
	case in == "VCALENDAR" && component == "VEVENT":
		p.event = span{}
	case in == "VCALENDAR" && component == "VTODO": // AWS's own calendars begin with one that says to add events
	case in == "":
		return fmt.Errorf("BEGIN:%s, expected one VCALENDAR", component)
	default:
		return &Unsupported{What: component + " in " + in}
	}
	p.open = append(p.open, component)
	return nil
}

func (p *parser) end(in, component string) error {
	if component != in {
		return fmt.Errorf("END:%s, expected END:%s", component, in)
	}
	p.open = p.open[:len(p.open)-1]
	if component != "VEVENT" {
		return nil
	}
	if p.event.start.IsZero() || !p.event.end.After(p.event.start) {
		return fmt.Errorf("an event from %q to %q, expected DTSTART before DTEND", stamp(p.event.start), stamp(p.event.end))
	}
	p.calendar.events = append(p.calendar.events, p.event)
	return nil
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

// instant is a time in UTC, or in an IANA time zone.
func instant(parameters, value string) (time.Time, error) {
	if parameters == "" && strings.HasSuffix(value, "Z") {
		return time.Parse("20060102T150405Z", value)
	}
	zone, found := strings.CutPrefix(parameters, "TZID=")
	if !found {
		return time.Time{}, &Unsupported{What: fmt.Sprintf("the time %q with the parameters %q", value, parameters)}
	}
	location, err := time.LoadLocation(zone)
	if err != nil || zone == "" || zone == "Local" {
		return time.Time{}, &Unsupported{What: "the time zone " + zone}
	}
	return time.ParseInLocation("20060102T150405", value, location)
}

// Open says whether the calendar is open at a time, and when that changes next; zero when it never does.
func (c *Calendar) Open(at time.Time) (open bool, next time.Time) {
	in := c.in(at)
	var changes []time.Time
	for _, e := range c.events {
		changes = append(changes, e.start, e.end)
	}
	slices.SortFunc(changes, time.Time.Compare)
	for _, t := range changes {
		if t.After(at) && c.in(t) != in {
			return in == c.closed, t.UTC()
		}
	}
	return in == c.closed, time.Time{}
}

// in is whether an event runs.
func (c *Calendar) in(at time.Time) bool {
	return slices.ContainsFunc(c.events, func(e span) bool { return !at.Before(e.start) && at.Before(e.end) })
}
