package notifier

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

const day = 24 * time.Hour

// Due is when what a notifier gathered since first, count occurrences, is to be sent: one by one at once; of a digest when its
// time is over or there are enough, and after a day at the latest. What can wait does until a quiet time is over. What is due
// already is due now, so that at is never before now nor before first.
func Due(n record.Notifier, first time.Time, count int, canWait bool, now time.Time) (at time.Time) {
	at = first
	if d := n.Digest; d != nil && (d.After == 0 || count < d.After) {
		every, ok := policy.ParseDuration(d.Every)
		if !ok || every <= 0 || every > MaxEvery {
			every = MaxEvery
		}
		at = first.Add(every)
	}
	if at.Before(now) {
		at = now
	}
	if !canWait {
		return at
	}
	if end, quiet := QuietUntil(n, at); quiet {
		return end
	}
	return at
}

// QuietUntil is when the quiet time that t is in ends; quiet is false when it is in none. The times of a day are those of the
// notifier's zone: one that clocks leave out is the moment at which they are moved, one that comes twice is its first.
func QuietUntil(n record.Notifier, t time.Time) (end time.Time, quiet bool) {
	if n.Quiet == nil {
		return time.Time{}, false
	}
	from, fine := clockOf(n.Quiet.From)
	to, good := clockOf(n.Quiet.To)
	if !fine || !good || from == to {
		return time.Time{}, false
	}
	zone, err := time.LoadLocation(cmp.Or(n.TimeZone, "UTC"))
	if err != nil {
		zone = time.UTC
	}
	today := t.In(zone)
	for _, back := range []int{0, 1} { // a quiet time over midnight began the day before
		begins := time.Date(today.Year(), today.Month(), today.Day()-back, 0, 0, 0, 0, time.UTC)
		if !onDay(n.Quiet.Days, begins.Weekday()) {
			continue
		}
		ends := begins.Add(to)
		if to < from {
			ends = ends.Add(day)
		}
		if end := instant(ends, zone); !t.Before(instant(begins.Add(from), zone)) && t.Before(end) {
			return end.UTC(), true
		}
	}
	return time.Time{}, false
}

func onDay(days []string, d time.Weekday) bool {
	return len(days) == 0 || slices.Contains(days, strings.ToLower(d.String()[:3]))
}

// instant is when a clock of the zone first shows what clock does in UTC, or when clocks are moved over it.
func instant(clock time.Time, zone *time.Location) time.Time {
	_, before := clock.Add(-day).In(zone).Zone()
	_, after := clock.Add(day).In(zone).Zone()
	early, late := clock.Add(-time.Duration(before)*time.Second), clock.Add(-time.Duration(after)*time.Second)
	if late.Before(early) {
		early, late = late, early
	}
	switch {
	case shows(early, clock, zone):
		return early
	case shows(late, clock, zone):
		return late
	}
	moved, _ := late.In(zone).ZoneBounds()
	return moved
}

func shows(t, clock time.Time, zone *time.Location) bool {
	const form = "2006-01-02 15:04"
	return t.In(zone).Format(form) == clock.Format(form)
}

// clockOf is how far hh:mm is from midnight.
func clockOf(text string) (time.Duration, bool) {
	t, err := time.Parse("15:04", text)
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, err == nil && len(text) == len("15:04")
}
