package scheduler

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/adhocore/gronx"
)

// AWS's cron has six fields and no seconds, counts weekdays 1 to 7 from Sunday, and wants exactly one
// of the two day fields to be ? ("Cron-based schedules"). gronx judges single fields of a date; the
// walk over the days is here, because a local time that does not exist must be skipped and not moved.

// field says what one field of a cron expression may hold.
type field struct {
	name     string
	min, max int
	names    []string // by value, from min
	pos      int      // gronx's number of the field
	steps    bool
	special  *regexp.Regexp // L, W and # where they are allowed
}

var fields = []field{
	{name: "minutes", min: 0, max: 59, pos: 1, steps: true},
	{name: "hours", min: 0, max: 23, pos: 2, steps: true},
	{name: "day of month", min: 1, max: 31, pos: 3, steps: true, special: regexp.MustCompile(`^(?:L|([0-9]{1,2})W)$`)},
	{name: "month", min: 1, max: 12, pos: 4, steps: true, names: strings.Fields("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC")},
	{name: "day of week", min: 1, max: 7, pos: 5, names: strings.Fields("SUN MON TUE WED THU FRI SAT"), special: regexp.MustCompile(`^(?:L|([A-Z]{3}|[0-9])(?:L|#([1-5])))$`)},
	{name: "year", min: firstYear, max: lastYear, pos: 6, steps: true},
}

// The years that a cron expression may name.
const (
	firstYear = 1970
	lastYear  = 2199
)

// cron is a parsed cron expression: gronx's form of each field, in AWS's order.
type cron struct {
	segments [6]string
	hours    []int
	minutes  []int
	zone     *time.Location
}

// parseCron reads what stands between the parentheses of cron(…).
func parseCron(text string, zone *time.Location) (*cron, error) {
	parts := strings.Fields(strings.ToUpper(text))
	if len(parts) != len(fields) {
		return nil, fmt.Errorf("want six fields (minutes hours day-of-month month day-of-week year), got %d", len(parts))
	}
	if (parts[2] == "?") == (parts[4] == "?") {
		return nil, fmt.Errorf("want ? in exactly one of day of month and day of week")
	}
	c := &cron{zone: zone}
	for i, f := range fields {
		segment, err := f.translate(parts[i])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		c.segments[i] = segment
	}
	for m := range 60 {
		if c.due(0, time.Date(2000, 1, 1, 0, m, 0, 0, time.UTC)) {
			c.minutes = append(c.minutes, m)
		}
	}
	for h := range 24 {
		if c.due(1, time.Date(2000, 1, 1, h, 0, 0, 0, time.UTC)) {
			c.hours = append(c.hours, h)
		}
	}
	return c, nil
}

// translate checks a field by AWS's rules and gives it in gronx's form.
func (f field) translate(text string) (string, error) {
	if text == "*" {
		return "*", nil
	}
	if text == "?" {
		if f.special == nil {
			return "", fmt.Errorf("? is for the two day fields only")
		}
		return "?", nil
	}
	items := strings.Split(text, ",")
	for i, item := range items {
		translated, err := f.item(item, len(items) == 1)
		if err != nil {
			return "", err
		}
		items[i] = translated
	}
	return strings.Join(items, ","), nil
}

func (f field) item(item string, alone bool) (string, error) {
	if f.special != nil && strings.ContainsAny(item, "LW#") && f.special.MatchString(item) {
		return f.translateSpecial(item, alone)
	}
	span, step, stepped := strings.Cut(item, "/")
	if stepped {
		n, err := strconv.Atoi(step)
		if !f.steps {
			return "", fmt.Errorf("%q: no steps here", item)
		}
		if err != nil || n < 1 || n > f.max {
			return "", fmt.Errorf("%q: the step is not a number from 1 to %d", item, f.max)
		}
		if span == "*" {
			return fmt.Sprintf("%d/%d", f.min, n), nil
		}
	}
	low, high, ranged := strings.Cut(span, "-")
	from, err := f.value(low)
	if err != nil {
		return "", err
	}
	out := strconv.Itoa(from)
	if ranged {
		to, err := f.value(high)
		if err != nil {
			return "", err
		}
		if to < from {
			return "", fmt.Errorf("%q: the range runs backwards", item)
		}
		out += "-" + strconv.Itoa(to)
	}
	if stepped {
		out += "/" + step
	}
	return out, nil
}

// translateSpecial gives L, 15W, 6L and 3#2 in gronx's form.
func (f field) translateSpecial(item string, alone bool) (string, error) {
	m := f.special.FindStringSubmatch(item)
	if strings.Contains(item, "#") && !alone {
		return "", fmt.Errorf("%q: # must be the only expression of its field", item)
	}
	if m[1] == "" {
		if f.pos == 5 {
			return "6", nil // the last day of AWS's week
		}
		return "L", nil
	}
	v, err := f.value(m[1])
	if err != nil {
		return "", err
	}
	return strconv.Itoa(v) + strings.TrimPrefix(item, m[1]), nil
}

// value reads a number or name, for weekdays counted from 0 as gronx does.
func (f field) value(text string) (int, error) {
	v, err := strconv.Atoi(text)
	for i, name := range f.names {
		if name == text {
			v, err = f.min+i, nil
		}
	}
	if err != nil || v < f.min || v > f.max || strings.HasPrefix(text, "+") {
		return 0, fmt.Errorf("%q is not a value from %d to %d", text, f.min, f.max)
	}
	if f.pos == 5 {
		v--
	}
	return v, nil
}

// due says whether a date and time, its zone aside, fits a field.
func (c *cron) due(i int, t time.Time) bool {
	checker := gronx.SegmentChecker{}
	checker.SetRef(t)
	ok, err := checker.CheckDue(c.segments[i], fields[i].pos)
	return ok && err == nil
}

// next is the first occurrence that is not before from.
func (c *cron) next(from time.Time) (time.Time, bool) {
	wall := from.In(c.zone)
	day := time.Date(wall.Year(), wall.Month(), wall.Day(), 0, 0, 0, 0, time.UTC)
	for day.Year() <= lastYear {
		switch {
		case !c.due(5, day):
			day = time.Date(day.Year()+1, 1, 1, 0, 0, 0, 0, time.UTC)
			continue
		case !c.due(3, day):
			day = time.Date(day.Year(), day.Month()+1, 1, 0, 0, 0, 0, time.UTC)
			continue
		case c.due(2, day) && c.due(4, day):
			if at, ok := c.within(day, from); ok {
				return at, true
			}
		}
		day = day.AddDate(0, 0, 1)
	}
	return time.Time{}, false
}

// within is the first occurrence of a day that is not before from.
func (c *cron) within(day, from time.Time) (time.Time, bool) {
	for _, h := range c.hours {
		for _, m := range c.minutes {
			at, exists := instant(day.Add(time.Duration(h*60+m)*time.Minute), c.zone)
			if exists && !at.Before(from) {
				return at, true
			}
		}
	}
	return time.Time{}, false
}

// instant is when the clocks of a zone show what wall shows in UTC: the first time, when they show it
// twice. exists is false when they never do.
func instant(wall time.Time, zone *time.Location) (at time.Time, exists bool) {
	const window = 25 * time.Hour // no zone is further from UTC, and none changes twice in that time
	for _, near := range []time.Time{wall.Add(-window), wall.Add(window)} {
		_, offset := near.In(zone).Zone()
		t := wall.Add(-time.Duration(offset) * time.Second)
		shown := t.In(zone)
		same := shown.Format(time.DateTime) == wall.Format(time.DateTime)
		if same && (!exists || t.Before(at)) {
			at, exists = t, true
		}
	}
	return at, exists
}
