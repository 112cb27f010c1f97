package notice

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // a Lambda's base image has no time zones
)

// clock says times to a recipient.
type clock struct {
	now  time.Time
	zone *time.Location
}

// clockOf is the clock of an IANA time zone. A zone that is not known is UTC: a warning must not fail
// for it.
func clockOf(zone string, now time.Time) clock {
	loc, err := time.LoadLocation(zone)
	if err != nil || zone == "Local" {
		loc = time.UTC
	}
	return clock{now: now, zone: loc}
}

// both is a time in the recipient's zone and in UTC.
func (c clock) both(t time.Time) string {
	utc := t.UTC().Format("Monday 2 January 2006, 15:04:05 MST")
	if c.zone == time.UTC || c.zone.String() == "UTC" {
		return utc
	}
	return fmt.Sprintf("%s (%s), which is %s", t.In(c.zone).Format("Monday 2 January 2006, 15:04:05"), c.place(t), utc)
}

// place is the zone with what it is from UTC at a time.
func (c clock) place(t time.Time) string {
	if c.zone == time.UTC || c.zone.String() == "UTC" {
		return "UTC"
	}
	local := t.In(c.zone)
	name, _ := local.Zone()
	offset := "UTC" + local.Format("-07:00")
	if strings.Trim(name, "+-0123456789") != "" {
		name += ", " + offset
	} else {
		name = offset // zones without an abbreviation have digits for one
	}
	return c.zone.String() + "; " + name
}

// exact is a time in the recipient's zone for a table.
func (c clock) exact(t time.Time) string { return t.In(c.zone).Format("2 Jan 2006 15:04:05 MST") }

// brief is a time in the recipient's zone for a subject.
func (c clock) brief(t time.Time) string { return t.In(c.zone).Format("2 Jan 15:04 MST") }

// whole is a time with how far away it is.
func (c clock) whole(t time.Time) string { return c.both(t) + " (" + c.away(t) + ")" }

func (c clock) away(t time.Time) string {
	d := t.Sub(c.now)
	switch {
	case d >= time.Second:
		return "in " + span(d)
	case d <= -time.Second:
		return span(-d) + " ago"
	default:
		return "now"
	}
}

// span is a length of time in its two largest units, rounded down so that it never promises more.
func span(d time.Duration) string {
	units := []struct {
		name string
		is   time.Duration
	}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}, {"second", time.Second}}
	var parts []string
	for _, u := range units {
		if n := d / u.is; n > 0 {
			part := fmt.Sprintf("%d %s", n, u.name)
			if n > 1 {
				part += "s"
			}
			parts = append(parts, part)
			d -= n * u.is
		} else if len(parts) > 0 {
			break
		}
		if len(parts) == 2 {
			break
		}
	}
	return strings.Join(parts, " ")
}
