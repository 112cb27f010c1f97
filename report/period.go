package report

import (
	"fmt"
	"time"

	"github.com/keyward/keyward/shared/fault"
)

// Period is the time that a report is about: from the first moment on, up to and without the last, in a zone.
type Period struct {
	From, To time.Time
	Zone     *time.Location
}

// Every is how often a report is made, and what a period of it is.
type Every string

// The frequencies.
const (
	Daily   Every = "daily"   // the day before
	Weekly  Every = "weekly"  // the week before, from Monday
	Monthly Every = "monthly" // the month before
)

// midnight is the first moment of a day in a zone, also where the clocks skip midnight.
func midnight(y int, m time.Month, d int, zone *time.Location) time.Time {
	t := time.Date(y, m, d, 0, 0, 0, 0, zone)
	if want := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Day(); t.Day() != want { // Date went back over the gap
		return time.Date(y, m, d, 1, 0, 0, 0, zone)
	}
	return t
}

// Last is the newest period of a frequency that was over at a moment.
func Last(every Every, now time.Time, zone *time.Location) (Period, error) {
	y, m, d := now.In(zone).Date()
	switch every {
	case Daily:
		return Period{midnight(y, m, d-1, zone), midnight(y, m, d, zone), zone}, nil
	case Weekly:
		monday := d - (int(now.In(zone).Weekday())+6)%7
		return Period{midnight(y, m, monday-7, zone), midnight(y, m, monday, zone), zone}, nil
	case Monthly:
		return Period{midnight(y, m-1, 1, zone), midnight(y, m, 1, zone), zone}, nil
	default:
		return Period{}, fault.Wrong("every", "choosing a period: every is %q, expected daily, weekly or monthly", Clean(string(every)))
	}
}

// Moment reads a day such as 2026-03-01, which begins at midnight in the zone, or a time with its own zone.
func Moment(field, s string, zone *time.Location) (time.Time, error) {
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return midnight(t.Year(), t.Month(), t.Day(), zone), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fault.Wrong(field, "reading the period: %s is %q, expected a day such as 2026-03-01, or a time such as 2026-03-01T12:00:00Z", field, Clean(s))
	}
	return t, nil
}

// LongestPeriod is the longest that a report may be about.
const LongestPeriod = 400 * 24 * time.Hour

// Check refuses a period that is none.
func (p Period) Check(now time.Time) error {
	switch {
	case !p.From.Before(p.To):
		return fault.Wrong("to", "reading the period: it ends at %s, expected a time after its beginning, %s", p.words(p.To), p.words(p.From))
	case !p.From.Before(now):
		return fault.Wrong("from", "reading the period: it begins at %s, and now is %s", p.words(p.From), p.words(now))
	case p.To.Sub(p.From) > LongestPeriod:
		return fault.Wrong("from", "reading the period: it is longer than %d days", int(LongestPeriod/(24*time.Hour)))
	}
	return nil
}

func (p Period) words(t time.Time) string { return t.In(p.Zone).Format("2006-01-02 15:04 -07:00") }

func (p Period) has(t time.Time) bool { return !t.Before(p.From) && t.Before(p.To) }

// clip is the part of a stretch of time that is in the period; 0 for none.
func (p Period) clip(from, to time.Time) time.Duration {
	if from.Before(p.From) {
		from = p.From
	}
	if to.After(p.To) {
		to = p.To
	}
	return max(to.Sub(from), 0)
}

// bucket is a part of the period, with its name.
type bucket struct {
	from, to time.Time
	name     string
}

// buckets cut the period: by hours up to two days, by days up to ten weeks, by weeks up to a year, else by months. All
// but hours begin where they do in the zone, so that a day may have 23 or 25 hours.
func (p Period) buckets() []bucket {
	var all []bucket
	span := p.To.Sub(p.From)
	y, m, d := p.From.In(p.Zone).Date()
	next, form := func(t time.Time) time.Time { return t.Truncate(time.Hour).Add(time.Hour) }, "02 15:04 MST"
	switch {
	case span > 367*24*time.Hour:
		n := 0
		next, form = func(time.Time) time.Time { n++; return midnight(y, m+time.Month(n), 1, p.Zone) }, "2006-01"
	case span > 10*7*24*time.Hour:
		d -= (int(p.From.In(p.Zone).Weekday()) + 6) % 7
		next, form = func(time.Time) time.Time { d += 7; return midnight(y, m, d, p.Zone) }, "2006-01-02"
	case span > 49*time.Hour:
		next, form = func(time.Time) time.Time { d++; return midnight(y, m, d, p.Zone) }, "2006-01-02"
	}
	for at := p.From; at.Before(p.To); {
		to := next(at)
		if to.After(p.To) {
			to = p.To
		}
		all = append(all, bucket{at, to, at.In(p.Zone).Format(form)})
		at = to
	}
	return all
}

// counted is how many moments are in each bucket.
func counted(buckets []bucket, moments []time.Time) []float64 {
	values := make([]float64, len(buckets))
	for _, t := range moments {
		for i, b := range buckets {
			if !t.Before(b.from) && t.Before(b.to) {
				values[i]++
				break
			}
		}
	}
	return values
}

func names(buckets []bucket) []string {
	all := make([]string, len(buckets))
	for i, b := range buckets {
		all[i] = b.name
	}
	return all
}

// Title is the period in words: its days when it begins and ends with one.
func (p Period) Title() string {
	from, to := p.From.In(p.Zone), p.To.In(p.Zone)
	whole := func(t time.Time) bool { y, m, d := t.Date(); return t.Equal(midnight(y, m, d, p.Zone)) }
	if !whole(from) || !whole(to) {
		return fmt.Sprintf("%s to %s", p.words(from), p.words(to))
	}
	y, m, d := to.Date()
	last := midnight(y, m, d-1, p.Zone)
	if last.Equal(from) {
		return from.Format("2006-01-02")
	}
	return from.Format("2006-01-02") + " to " + last.Format("2006-01-02")
}

// Zone is a time zone by its IANA name.
func Zone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return nil, fault.Wrong("zone", "reading the time zone: there is no %q, expected an IANA name such as Europe/Berlin or UTC", Clean(name))
	}
	return zone, nil
}
