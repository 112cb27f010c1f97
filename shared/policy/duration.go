package policy

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // zones are checked and used where no system has a zone database, as in Lambda
)

const day = 24 * time.Hour

var durationPattern = regexp.MustCompile(`^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$`)

// endless stands for durations that are longer than anybody can mean; every bound is shorter.
const endless = 25_000 * day

// parseDuration reads 30m, 4h, 1h30m, 7d or 0: whole numbers, each with its unit, largest first.
func parseDuration(s string) (time.Duration, bool) {
	if s == "0" {
		return 0, true
	}
	parts := durationPattern.FindStringSubmatch(s)
	if parts == nil || s == "" {
		return 0, false
	}
	var d time.Duration
	for i, unit := range []time.Duration{day, time.Hour, time.Minute, time.Second} {
		if parts[i+1] == "" {
			continue
		}
		n, err := strconv.Atoi(parts[i+1])
		if err != nil || n > int(endless/unit) {
			return endless, true
		}
		d += time.Duration(n) * unit
	}
	return d, true
}

// ParseDuration reads a duration as policies write it: 30m, 4h, 1h30m, 7d; false when it is none.
func ParseDuration(s string) (time.Duration, bool) { return parseDuration(s) }

// formatDuration writes a duration as policies write it.
func formatDuration(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	// Up to a week hours are what people write and compare: 72h, not 3d.
	var b strings.Builder
	if d >= 7*day {
		b.WriteString(strconv.Itoa(int(d/day)) + "d")
		d %= day
	}
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if n := d / u.unit; n > 0 {
			b.WriteString(strconv.Itoa(int(n)) + u.name)
			d %= u.unit
		}
	}
	return b.String()
}

// duration reads a duration within bounds.
func (r *reader) duration(n *node, path string, least, most time.Duration) time.Duration {
	if r.note != nil && n.kind == number && least == 0 {
		r.note.add(shape{"const": 0})
		return least
	}
	if r.noted(n, text, durationShape(least, most)) {
		return least
	}
	expected := "a duration from " + formatDuration(least) + " to " + formatDuration(most) + ", written like 30m, 4h or 7d"
	if n.kind != text && n.kind != number {
		r.got(n, path, expected)
		return least
	}
	d, ok := parseDuration(n.text)
	switch {
	case !ok:
		r.got(n, path, expected)
	case d < least:
		r.fail(n, path, "got %s, which is too short, expected %s", n, expected)
	case d > most:
		r.fail(n, path, "got %s, which is too long, expected %s", n, expected)
	default:
		return d
	}
	return least
}

var clockPattern = regexp.MustCompile(`^([01]\d|2[0-3]):[0-5]\d$`)

// clock reads a time of day.
func (r *reader) clock(n *node, path string) string {
	if r.noted(n, text, shape{"pattern": clockPattern.String()}) {
		return ""
	}
	if n.kind == text && clockPattern.MatchString(n.text) {
		return n.text
	}
	r.got(n, path, `a time from "00:00" to "23:59"`)
	return ""
}

// commonZones are only for guessing what somebody meant; any IANA name is accepted.
var commonZones = []string{
	"UTC", "Africa/Cairo", "Africa/Johannesburg", "Africa/Lagos", "Africa/Nairobi", "America/Anchorage", "America/Bogota",
	"America/Chicago", "America/Denver", "America/Halifax", "America/Lima", "America/Los_Angeles", "America/Mexico_City",
	"America/New_York", "America/Phoenix", "America/Santiago", "America/Sao_Paulo", "America/Toronto", "America/Vancouver",
	"Asia/Bangkok", "Asia/Dubai", "Asia/Hong_Kong", "Asia/Jakarta", "Asia/Jerusalem", "Asia/Karachi", "Asia/Kolkata",
	"Asia/Manila", "Asia/Seoul", "Asia/Shanghai", "Asia/Singapore", "Asia/Taipei", "Asia/Tokyo", "Australia/Adelaide",
	"Australia/Brisbane", "Australia/Melbourne", "Australia/Perth", "Australia/Sydney", "Europe/Amsterdam", "Europe/Athens",
	"Europe/Berlin", "Europe/Brussels", "Europe/Bucharest", "Europe/Copenhagen", "Europe/Dublin", "Europe/Helsinki",
	"Europe/Istanbul", "Europe/Kyiv", "Europe/Lisbon", "Europe/London", "Europe/Madrid", "Europe/Moscow", "Europe/Oslo",
	"Europe/Paris", "Europe/Prague", "Europe/Rome", "Europe/Stockholm", "Europe/Vienna", "Europe/Warsaw", "Europe/Zurich",
	"Pacific/Auckland", "Pacific/Honolulu",
}

var zonePattern = regexp.MustCompile(`^[A-Z][A-Za-z0-9]+([/_+-][A-Za-z0-9]+)*$`)

// zone reads the name of a time zone. Names that only this host knows, or that mean this host's own
// zone, would mean something else elsewhere.
func (r *reader) zone(n *node, path string) string {
	if r.noted(n, text, shape{"description": "an IANA time zone such as Europe/Berlin or UTC"}) {
		return ""
	}
	if n.kind == text && zonePattern.MatchString(n.text) && n.text != "Local" && n.text != "Factory" {
		if _, err := time.LoadLocation(n.text); err == nil {
			return n.text
		}
	}
	hint := ""
	if n.kind == text {
		hint = didYouMean(n.text, commonZones)
	}
	r.got(n, path, "an IANA time zone such as Europe/Berlin or UTC"+hint)
	return ""
}
